"""Services and servers killed at each step of a transfer: no pupil in two schools or in none, no seat counted twice, each
case at its right step (clauses 21.2, 23, 24.5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from e2e_api import Api
from e2e_flow import Desk, desk
from e2e_interrupted import STEPS, Way
from e2e_people import People
from e2e_system import HANGS, System, wait_for
from e2e_transfer import WHY, a_class, application, paper, registered

pytestmark = [pytest.mark.slow, pytest.mark.clause("23", "24.5.1")]


@dataclass
class Move(Way):
    """Of a pupil from one of our schools to another."""

    school: Desk
    there: Desk
    pupil: dict[str, Any]
    path: ClassVar[str] = "/v1/transfers"

    def body(self) -> dict[str, Any]:
        return application(self.pupil, evidence=paper(self.registrar))

    def word(self, transfer: str, step: str) -> tuple[Api, str, dict[str, Any]]:
        who = dict(zip(STEPS, (self.there.officer, self.school.principal, self.school.officer), strict=True))
        more = {"override": True, "reason": WHY} if step == STEPS[0] else {}
        return who[step], f"/v1/transfers/{transfer}/decisions", more

    def known(self) -> int:
        return int(self._of_the_pupil("SELECT count(*) FROM change_holds WHERE student_id = $1 AND state = 'held'"))

    def hold(self) -> str:
        return str(self._of_the_pupil("SELECT state FROM change_holds WHERE student_id = $1"))

    def whole(self, transfer: str) -> None:
        """In one school and one of its classes; identity's claim has gone along; one copy is left behind."""
        self.completed(transfer)
        key, school = self.pupil["student_id"], self.there.code
        assert self.system.value("registry", "SELECT school FROM students WHERE id = $1", key) == school
        (member,) = self.system.sql(
            "registry",
            """SELECT k.school FROM class_memberships m JOIN classes k ON k.id = m.class_id
               WHERE m.student_id = $1 AND m.left_on IS NULL""",
            key,
        )
        assert member["school"] == school
        assert self._of_the_pupil("SELECT count(*) FROM student_copies WHERE student_id = $1") == 1
        assert self._of_the_pupil("SELECT count(*) FROM journal WHERE student_id = $1 AND kind = 'transferred'") == 1
        claim = "SELECT school FROM record_claims WHERE registration_id = $1"
        wait_for(lambda: self.system.value("identity", claim, key) == school, HANGS, "the claim does not go along")
        assert self.known() == 0

    def _of_the_pupil(self, query: str) -> Any:
        return self.system.value("registry", query, self.pupil["student_id"])


@pytest.fixture(scope="module")
def people(breakable: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(breakable, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def there(breakable: System) -> Desk:
    found = desk(breakable, "shanhe")
    a_class(found.registrar)
    return found


@pytest.fixture
def move(breakable: System, people: People, there: Desk) -> Move:
    school = desk(breakable, "xinchun")
    _, (pupil,) = registered(people, school)
    return Move(breakable, there.registrar, school, there, pupil)


def test_killed_between_the_hold_and_the_case(move: Move) -> None:
    transfer = move.killed_before_the_case()
    for step in STEPS:
        move.approve(transfer, step)
    move.whole(transfer)


def test_killed_between_the_hold_and_the_case_and_never_asked_again(move: Move) -> None:
    move.killed_before_the_case_and_never_asked_again()
    assert move.hold() == "released"
    assert move.apply()["state"] == "open"


@pytest.mark.parametrize("service", ["transfer", "registry", "identity", "notifications"])
def test_a_service_killed_after_each_step(move: Move, service: str) -> None:
    move.whole(move.killed_after_each_step(service))


def test_killed_between_the_last_approval_and_its_publication(move: Move) -> None:
    move.whole(move.killed_before_the_last_approval_is_published())


def test_the_registry_killed_in_the_middle_of_the_move(breakable: System, move: Move) -> None:
    transfer = move.approved(*STEPS[:2])
    with breakable.held("registry", "LOCK TABLE student_copies IN SHARE MODE"):
        move.approve(transfer, STEPS[2])
        breakable.wait_blocked("registry", "student_copies")
        breakable.kill("registry")
    breakable.start("registry")
    move.whole(transfer)


def test_the_bus_restarted_while_a_record_is_on_its_way(breakable: System, move: Move) -> None:
    transfer = move.approved(*STEPS[:2])
    with breakable.relay_held_back("transfer"):
        move.approve(transfer, STEPS[2])
        breakable.nats.kill()
    breakable.nats.start()
    move.whole(transfer)
