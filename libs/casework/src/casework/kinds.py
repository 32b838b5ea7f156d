"""What a kind of case is: its steps in their order, who decides each, within how many working days."""

from __future__ import annotations

from typing import Literal

import msgspec
from shared_contracts.actors import Role

Decision = Literal["approve", "reject", "return"]
"""同意, 不同意, 退回补正."""

DECISIONS: tuple[Decision, ...] = ("approve", "reject", "return")
DECISION_TITLES: dict[str, str] = {"approve": "同意", "reject": "不同意", "return": "退回补正"}

ENTRANT = "entrant"
"""In `distinct_from`: the account that opened the case."""


class StepKind(msgspec.Struct, frozen=True, kw_only=True):
    """One step (环节). `party`: whose organisation decides it (a key of the case's parties).

    `days`: working days for it, None without a clock. `distinct_from`: earlier steps (or ENTRANT) whose account may
    not decide this one. `may_override`: its decider may approve against a 原则上 rule, with a written reason.
    `may_reroute`: parties that its decider may replace by another organisation.
    """

    name: str
    title: str
    party: str
    roles: tuple[Role, ...]
    days: int | None = None
    decisions: tuple[Decision, ...] = DECISIONS
    distinct_from: tuple[str, ...] = ()
    may_override: bool = False
    may_reroute: tuple[str, ...] = ()


class CaseKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of case (业务). A value: other numbers of days make another kind, and a step under way keeps its day.

    `clause`: the clause that orders the steps. `entrant_party`, `entrant_roles`: who sends a returned case on its way
    again and takes a case back. `return_to`: after a return the case begins again (`first`), or goes on at the step
    that returned it, with the working days that were left there (`same`). `one_part`: an account has one part in a case,
    as the one who enters it (opens, corrects, takes back) or at one step, whatever it did there: a return or a
    re-routing counts like an approval.
    """

    name: str
    title: str
    clause: str
    steps: tuple[StepKind, ...]
    entrant_party: str
    entrant_roles: tuple[Role, ...]
    return_to: Literal["first", "same"] = "first"
    one_part: bool = False

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"case kind {self.name}: steps are missing or a name stands twice")
        for position, step in enumerate(self.steps):
            unknown = set(step.distinct_from) - {ENTRANT, *names[:position]}
            if unknown:
                raise ValueError(f"case kind {self.name}: {step.name} is distinct from {unknown}, no earlier steps")

    @property
    def first(self) -> StepKind:
        return self.steps[0]

    def position(self, step: str) -> int:
        """Raises KeyError for a step of another kind."""
        for position, kind in enumerate(self.steps):
            if kind.name == step:
                return position
        raise KeyError(step)

    def step(self, name: str) -> StepKind:
        return self.steps[self.position(name)]

    def after(self, step: str) -> StepKind | None:
        """The next step, or None after the last."""
        position = self.position(step) + 1
        return self.steps[position] if position < len(self.steps) else None

    def first_of(self, parties: frozenset[str]) -> StepKind | None:
        """The first step that one of these parties decides."""
        return next((step for step in self.steps if step.party in parties), None)

    @property
    def watched(self) -> frozenset[str]:
        """Steps whose account matters later, because another step must not be decided by it."""
        return frozenset(name for step in self.steps for name in step.distinct_from if name != ENTRANT)

    @property
    def watches_entrant(self) -> bool:
        """Whether some step must not be decided by who enters or corrects a case."""
        return any(ENTRANT in step.distinct_from for step in self.steps)
