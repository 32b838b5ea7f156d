"""Where a case stands: a pure function of its kind, its decisions and today.

`advance` is the one place that says what an act does. `state` folds it over a case's rows; the store applies it to
the columns of `cases`, so that both tell the same (a property test holds them together).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from regulation.calendar import Calendar
from shared_contracts.actors import Role
from shared_contracts.discreet import Discreet

from casework.kinds import ENTRANT, CaseKind, StepKind

Status = Literal["open", "returned", "approved", "rejected", "withdrawn"]
ENDED: frozenset[str] = frozenset({"approved", "rejected", "withdrawn"})

Act = Literal["approve", "reject", "return", "resubmit", "withdraw", "reroute"]
"""What a row of decisions may say. `resubmit`: sent on its way again after a return."""

_POSSIBLE: Mapping[str, tuple[Act, ...]] = {
    "open": ("approve", "reject", "return", "withdraw", "reroute"),
    "returned": ("resubmit", "withdraw", "reroute"),
}

_ZONE = ZoneInfo("Asia/Shanghai")


class DecisionRow(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One act on a case. `seq`: the case's version after it, growing; where a clock was moved between two acts
    (`casework.recounting`) a number is left out. `step`: the step the case was at.

    `override`: approved against a 原则上 rule. `details`: what else belongs to the act, for instance
    `{"signed_on": "2026-09-20"}`; a re-routing holds `{"parties": {party: organisation}}`.
    """

    seq: int
    step: str
    decision: Act
    account: str
    account_name: str
    role: str
    organisation: str
    decided_at: datetime
    reason: str = ""
    override: bool = False
    details: dict[str, Any] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a row of `cases` holds. `step`: what it waits for or, when returned, will wait for; None once ended.

    `due_on`: last day of the step's clock; `provisional`: it leans on a year without a published calendar.
    `clock_from`, `clock_days`: the clock began on that day and runs for so many working days: `due_on` follows from them by
    the calendar, also by one that has got a new year's holidays (`casework.recounting`). None while it stands still.
    `days_left`: the working days that a stopped clock had left. `deciders`: (part, account) of what counts and what
    another part must not share: who approved which step, who corrected (ENTRANT) and, where an account has one part in a
    case, who returned or re-routed at which. `version`: grows with every act and wherever a clock is moved otherwise.
    """

    status: Status
    step: str | None
    due_on: date | None = None
    provisional: bool = False
    clock_from: date | None = None
    clock_days: int | None = None
    days_left: int | None = None
    deciders: tuple[tuple[str, str], ...] = ()
    version: int = 0


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """A case for people. `waits_for`: the step somebody has to decide now."""

    status: Status
    waits_for: str | None
    due: date | None
    overdue: bool
    provisional: bool
    history: tuple[DecisionRow, ...]
    parties: dict[str, str]
    standing: Standing

    @property
    def overrides(self) -> tuple[DecisionRow, ...]:
        """Approvals against a 原则上 rule: they are kept and counted."""
        return tuple(row for row in self.history if row.override)


def day_of(moment: datetime) -> date:
    """The business day (Asia/Shanghai) of a point in time."""
    return moment.astimezone(_ZONE).date()


def opened(kind: CaseKind, day: date, calendar: Calendar) -> Standing:
    return _at(Standing(status="open", step=None), kind.first, kind.first.days, _Clock(day, calendar))


def advance(
    kind: CaseKind,
    standing: Standing,
    act: Act,
    account: str,
    *,
    day: date,
    calendar: Calendar,
    moved: frozenset[str] = frozenset(),
) -> Standing:
    """The case after one more act. `moved`: parties that a re-routing replaces.

    Raises ValueError for an act that is impossible where the case stands: `rules` is asked before.
    """
    if act not in _POSSIBLE.get(standing.status, ()):
        raise ValueError(f"{act} on a case that is {standing.status}")
    after = msgspec.structs.replace(standing, version=standing.version + 1)
    if act == "reject":
        return _ended(after, "rejected")
    if act == "withdraw":
        return _ended(after, "withdrawn")
    if standing.step is None:
        raise ValueError("a case that has not ended is at a step")
    step = kind.step(standing.step)
    if act == "approve":
        return _approved(kind, after, step, account, _Clock(day, calendar))
    if act in ("return", "reroute") and kind.one_part:
        after = _had(after, step.name, account)
    if act == "return":
        return _returned(kind, after, _Clock(day, calendar))
    if act == "resubmit":
        # Who has to decide gets at least one working day, even where the clock had run out before the return.
        days = None if after.days_left is None else max(after.days_left, 1)
        if kind.watches_entrant:
            after = _had(after, ENTRANT, account)
        return _at(after, step, days, _Clock(day, calendar))
    return _rerouted(kind, after, step, moved, _Clock(day, calendar))


def state(
    kind: CaseKind,
    opened_at: datetime,
    rows: Sequence[DecisionRow],
    *,
    today: date,
    calendar: Calendar,
    parties: Mapping[str, str] | None = None,
) -> CaseState:
    """Fold the acts in the order of `seq`. `parties`: as the case was opened; re-routings replace them."""
    standing = opened(kind, day_of(opened_at), calendar)
    now = dict(parties or {})
    for row in sorted(rows, key=lambda r: r.seq):
        moved: Mapping[str, str] = row.details.get("parties", {}) if row.decision == "reroute" else {}
        day = day_of(row.decided_at)
        standing = advance(
            kind, standing, row.decision, row.account, day=day, calendar=calendar, moved=frozenset(moved)
        )
        now.update(moved)
    waiting = standing.status == "open"
    return CaseState(
        status=standing.status,
        waits_for=standing.step if waiting else None,
        due=standing.due_on,
        overdue=standing.due_on is not None and today > standing.due_on,
        provisional=standing.provisional,
        history=tuple(sorted(rows, key=lambda r: r.seq)),
        parties=now,
        standing=standing,
    )


def deciding_role(step: StepKind, roles: Sequence[Role]) -> Role | None:
    """The role in which an account with these roles decides the step."""
    return next((role for role in step.roles if role in roles), None)


class _Clock(NamedTuple):
    day: date
    calendar: Calendar


def _approved(kind: CaseKind, case: Standing, step: StepKind, account: str, clock: _Clock) -> Standing:
    if step.name in kind.watched or kind.one_part:
        case = _had(case, step.name, account)
    following = kind.after(step.name)
    if following is None:
        return _ended(case, "approved")
    return _at(case, following, following.days, clock)


def _returned(kind: CaseKind, case: Standing, clock: _Clock) -> Standing:
    stopped = _stopped(msgspec.structs.replace(case, status="returned"))
    if kind.return_to == "first":
        return msgspec.structs.replace(stopped, step=kind.first.name, days_left=kind.first.days, deciders=())
    left = None
    if case.clock_from is not None and case.clock_days is not None:
        # From what the clock has run: a last day that a new calendar has not moved yet says nothing wrong here.
        run = clock.calendar.working_days_between(case.clock_from, clock.day).count
        left = max(case.clock_days - run, 0)
    elif case.due_on is not None:
        left = clock.calendar.working_days_between(clock.day, case.due_on).count
    return msgspec.structs.replace(stopped, days_left=left)


def _rerouted(kind: CaseKind, case: Standing, step: StepKind, moved: frozenset[str], clock: _Clock) -> Standing:
    """Whoever comes in anew decides from its own first step on; what stands before that step counts.

    A returned case stays returned: it begins there when it is sent on its way again.
    """
    target = kind.first_of(moved)
    if target is None or kind.position(target.name) > kind.position(step.name):
        return case
    first = kind.position(target.name)
    kept = tuple(d for d in case.deciders if d[0] == ENTRANT or kind.position(d[0]) < first)
    if case.status == "returned":
        return msgspec.structs.replace(case, deciders=kept, step=target.name, days_left=target.days)
    return _at(msgspec.structs.replace(case, deciders=kept), target, target.days, clock)


def _had(case: Standing, part: str, account: str) -> Standing:
    """Whoever acted has a part in it from now on."""
    if (part, account) in case.deciders:
        return case
    return msgspec.structs.replace(case, deciders=(*case.deciders, (part, account)))


def _at(case: Standing, step: StepKind, days: int | None, clock: _Clock) -> Standing:
    """The case waits for a step, from a day on for so many working days."""
    due, provisional = _deadline(clock, days) if days else (None, False)
    return msgspec.structs.replace(
        case,
        status="open",
        step=step.name,
        due_on=due,
        provisional=provisional,
        clock_from=clock.day if days else None,
        clock_days=days or None,
        days_left=None,
    )


def _stopped(case: Standing) -> Standing:
    return msgspec.structs.replace(case, due_on=None, provisional=False, clock_from=None, clock_days=None)


@lru_cache(maxsize=4_096)
def _deadline(clock: _Clock, days: int) -> tuple[date, bool]:
    deadline = clock.calendar.add_working_days(clock.day, days)
    return deadline.date, deadline.provisional


def _ended(case: Standing, status: Status) -> Standing:
    return msgspec.structs.replace(_stopped(case), status=status, step=None, days_left=None)
