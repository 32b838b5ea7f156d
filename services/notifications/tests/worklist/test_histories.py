"""What casework allows is what stands in the queues: random histories of cases, told late, twice and out of order.

For every account and every case: it is in the account's queues exactly where `casework.rules` lets the account take the next
act. Three kinds that between them use all there is, among them two pairs of eyes and a re-routing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from casework.kinds import ENTRANT, CaseKind, StepKind
from casework.rules import may_decide, may_resubmit
from casework.state import Standing, advance, opened
from casework.turns import turn
from regulation.calendar import Calendar
from shared_contracts.actors import Actor, Role
from shared_contracts.cases import CaseStands
from worklist_desk import ZONE, WorklistDesk

pytestmark = pytest.mark.integration
CALENDAR = Calendar()
SCHOOL, OTHER, COUNTY, CITY = "2123010001", "2123010002", "230102", "230100"
TWO_EYES = CaseKind(
    name="two_eyes",
    title="二人办理",
    clause="15.1",
    entrant_party="school",
    entrant_roles=(Role.REGISTRAR,),
    steps=(
        StepKind(name="first", title="初审", party="school", roles=(Role.PRINCIPAL,), days=5, distinct_from=(ENTRANT,)),
        StepKind(
            name="second",
            title="复审",
            party="school",
            roles=(Role.PRINCIPAL, Role.REGISTRAR),
            days=10,
            distinct_from=(ENTRANT, "first"),
        ),
        StepKind(
            name="third", title="核准", party="authority", roles=(Role.AUTHORITY_OFFICER,), distinct_from=("second",)
        ),
    ),
)
MOVED = CaseKind(
    name="moved",
    title="转学",
    clause="24.5.1",
    entrant_party="to_school",
    entrant_roles=(Role.REGISTRAR,),
    return_to="same",
    steps=(
        StepKind(
            name="to", title="转入核准", party="authority", roles=(Role.AUTHORITY_OFFICER,), days=10,
            may_reroute=("to_school",),
        ),
        StepKind(name="from", title="转出核准", party="school", roles=(Role.PRINCIPAL,), days=10),
        StepKind(
            name="last", title="转出主管核准", party="city", roles=(Role.AUTHORITY_OFFICER, Role.LEADER), days=10,
            distinct_from=("to",),
        ),
    ),
)  # fmt: skip
PLAIN = CaseKind(
    name="plain",
    title="申请",
    clause="6",
    entrant_party="authority",
    entrant_roles=(Role.AUTHORITY_OFFICER, Role.LEADER),
    steps=(StepKind(name="only", title="批准", party="authority", roles=(Role.LEADER,), distinct_from=(ENTRANT,)),),
)
KINDS = (TWO_EYES, MOVED, PLAIN)
PARTIES = {"school": SCHOOL, "to_school": OTHER, "authority": COUNTY, "city": CITY}


def _people() -> list[Actor]:
    """Two of each role everywhere, and some with several roles."""
    roles = (Role.REGISTRAR, Role.PRINCIPAL, Role.AUTHORITY_OFFICER, Role.LEADER)
    found = [
        Actor(account=f"{place}.{role}.{n}", name="", organisation=place, roles=(role,))
        for place in (SCHOOL, OTHER, COUNTY, CITY)
        for role in roles
        for n in (1, 2)
    ]
    both = ((SCHOOL, (Role.REGISTRAR, Role.PRINCIPAL)), (COUNTY, (Role.AUTHORITY_OFFICER, Role.LEADER)))
    return [*found, *(Actor(account=f"{place}.both", name="", organisation=place, roles=of) for place, of in both)]


PEOPLE = _people()


class History:
    """A case and everything that was ever told of it."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.id, self.chance = f"case{number}", chance
        self.kind = chance.choice(KINDS)
        self.parties: dict[str, str] = dict(PARTIES)
        self.entered_by = chance.choice(PEOPLE).account
        self.day = date(2026, 9, 1) + timedelta(days=chance.randrange(20))
        self.standing: Standing = opened(self.kind, self.day, CALENDAR)
        self.told = [self._stands()]

    def go_on(self) -> None:
        """An act by somebody who may, whatever it is."""
        if self.standing.status not in ("open", "returned"):
            return
        acts = (
            ["resubmit", "withdraw"]
            if self.standing.status == "returned"
            else ["approve", "approve", "return", "reject"]
        )
        act: Any = self.chance.choice([*acts, "reroute"] if self.kind is MOVED else acts)
        moved: Mapping[str, str] = {"to_school": self.chance.choice((SCHOOL, OTHER))} if act == "reroute" else {}
        able = [who for who in PEOPLE if self.may_act(who)] or PEOPLE
        self.day += timedelta(days=self.chance.randrange(4))
        self.standing = advance(
            self.kind,
            self.standing,
            act,
            self.chance.choice(able).account,
            day=self.day,
            calendar=CALENDAR,
            moved=frozenset(moved),
        )
        self.parties.update(moved)
        self.told.append(self._stands())

    def may_act(self, who: Actor) -> bool:
        """As casework's rules say it."""
        if self.standing.status == "returned":
            return not may_resubmit(self.kind, self.standing, who, self.parties)
        if self.standing.status != "open" or self.standing.step is None:
            return False
        return not may_decide(
            self.kind,
            self.standing,
            self.standing.step,
            who,
            parties=self.parties,
            decision="approve",
            reason="",
            entered_by=self.entered_by,
        )

    def _stands(self) -> CaseStands:
        whose = turn(self.kind, self.standing, self.parties, self.entered_by)
        return CaseStands(
            case_id=self.id,
            kind=self.kind.name,
            kind_title=self.kind.title,
            number=self.id,
            subject="某事",
            link=f"/v1/{self.id}",
            version=self.standing.version,
            status=self.standing.status,
            since=datetime(2026, 9, 1, tzinfo=ZONE),
            step=None if whose is None else whose.step,
            step_title="" if whose is None else whose.title,
            organisation=None if whose is None else whose.organisation,
            roles=() if whose is None else whose.roles,
            not_accounts=() if whose is None else whose.not_accounts,
            due_on=self.standing.due_on,
            provisional=self.standing.provisional,
        )


@pytest.mark.clause("15.1")
@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("seed", range(6))
async def test_the_queues_hold_what_the_rules_allow_and_nothing_else(desk: WorklistDesk, seed: int) -> None:
    chance = random.Random(seed)
    histories = [History(number, chance) for number in range(40)]
    waiting: list[CaseStands] = [history.told[0] for history in histories]
    for _ in range(4):
        for history in histories:
            for _ in range(chance.randrange(3)):
                history.go_on()
                waiting.append(history.told[-1])
        # What was told comes in any order, some of it twice, some of it only later; then all of it.
        chance.shuffle(waiting)
        late = [stands for stands in waiting if chance.random() < 0.2]
        now = [stands for stands in waiting if stands not in late]
        again = chance.sample([stands for history in histories for stands in history.told], 20)
        for stands in [*now, *again]:
            if stands not in late:
                await desk.tell(stands)
        for stands in late:
            await desk.tell(stands)
        waiting = []
        for who in PEOPLE:
            mine = {row.id for row in await desk.rows(who)}
            assert mine == {history.id for history in histories if history.may_act(who)}, who.account
            counted = await desk.counts(who)
            assert sum(counted.values()) == len(mine), who.account
    assert {history.standing.status for history in histories} >= {"open", "approved", "rejected"}
