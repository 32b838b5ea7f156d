"""The people of a school and its authority, and the way of clause 15.1 as they walk it."""

from __future__ import annotations

from dataclasses import dataclass

from e2e_api import PATIENCE, Api
from e2e_clock import CLOCK
from e2e_people import Made
from e2e_system import System
from shared_contracts.registry import DecisionDone, RosterState, RosterView
from xueji_local import province

STEPS = ("class_teacher", "principal", "guardian", "school", "authority")
OFFICERS = {"230103": "nangang.officer", "230184": "wuchang.officer", "230109": "songbei.officer"}


def today() -> str:
    """The business day, China's, wherever the machine stands."""
    return CLOCK.today().isoformat()


@dataclass(frozen=True)
class Desk:
    """Whoever takes part for one school."""

    code: str
    registrar: Api
    teacher: Api
    principal: Api
    officer: Api
    system: System

    def of(self, step: str) -> Api:
        """Whose step it is."""
        return {
            "class_teacher": self.teacher,
            "principal": self.principal,
            "guardian": self.registrar,
            "school": self.principal,
            "authority": self.officer,
        }[step]

    # ---- parts of the way -------------------------------------------------------------------------------------------

    def check(self, made: Made, key: str = "") -> RosterView:
        view = self.registrar.upload(made.path, key)
        return self.registrar.reach(view.id, RosterState.CHECKED)

    def confirm(self, roster_id: str) -> RosterView:
        self.registrar.confirm(roster_id)
        return self.registrar.reach(roster_id, RosterState.IN_APPROVAL)

    def decide(self, roster_id: str, step: str) -> DecisionDone:
        more = {"signed_on": self.system.clock.today().isoformat()} if step == "guardian" else {}
        return self.of(step).decide(roster_id, step, **more)

    def approve(self, roster_id: str, until: str = "authority") -> None:
        """All steps up to `until`, that one too. The sheets are printed when it is the guardians' turn."""
        for step in STEPS[: STEPS.index(until) + 1]:
            if step == "guardian":
                self.registrar.print_sheets(roster_id)
            done = self.decide(roster_id, step)
            assert done.moved, f"{step}: nobody moved"

    def completed(self, roster_id: str, seconds: float = PATIENCE) -> RosterView:
        return self.registrar.reach(roster_id, RosterState.COMPLETED, seconds=seconds)

    def walk(self, made: Made) -> RosterView:
        """From the workbook to the numbers."""
        roster_id = self.check(made).id
        self.confirm(roster_id)
        self.approve(roster_id)
        return self.completed(roster_id)


def desk(system: System, key: str) -> Desk:
    """The desk of a school that has demonstration accounts: xinchun, shanhe, qihui, songbei-waiyu."""
    found = province.schools()[key]
    return Desk(
        code=found.code,
        registrar=system.account(f"{key}.registrar"),
        teacher=system.account(f"{key}.teacher"),
        principal=system.account(f"{key}.principal"),
        officer=system.account(OFFICERS[found.supervising]),
        system=system,
    )
