"""Services killed while a child comes from another province: one case, one place, one record, or nothing of it (clauses 15.2,
23, 24.2.2, 24.5.1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from e2e_api import Api
from e2e_flow import Desk, desk
from e2e_interrupted import STEPS, Way
from e2e_outside import CLERK, SECOND, document, grade_of, inward
from e2e_people import Made, People
from e2e_system import HANGS, System, wait_for
from e2e_transfer import WHY, a_class, paper

pytestmark = [
    pytest.mark.slow, pytest.mark.clause("15.2"), pytest.mark.clause("23"),
    pytest.mark.clause("24.5.1"),
]  # fmt: skip


@dataclass
class Arrival(Way):
    """Our authority decides by its own word, the other province by paper, entered by one and by another."""

    school: Desk
    made: Made
    path: ClassVar[str] = "/v1/outside-transfers/inward"

    def body(self) -> dict[str, Any]:
        (row,) = self.made.rows
        person = self.made.person(row)
        child = {**person, "document_kind": "1", "student_number": "G" + person["document_number"]}
        papers = paper(self.registrar)
        return inward(person, grade_of(self.made, row), child=child, exception=WHY, evidence=papers)

    def word(self, transfer: str, step: str) -> tuple[Api, str, dict[str, Any]]:
        if step == STEPS[0]:
            return self.school.officer, f"/v1/transfers/{transfer}/decisions", {"override": True, "reason": WHY}
        who = self.system.account(CLERK if step == STEPS[1] else SECOND)
        papers = {"document": document(), "evidence": paper(who, "official_document")}
        return who, f"/v1/outside-transfers/{transfer}/decisions", papers

    def known(self) -> int:
        return int(self.system.value("registry", "SELECT count(*) FROM expected_arrivals WHERE open"))

    def awaited(self, transfer: str) -> None:
        def approved() -> bool:
            query = "SELECT approved FROM expected_arrivals WHERE case_id = $1"
            return bool(self.system.value("registry", query, transfer))

        wait_for(approved, HANGS, "the school is not told that it may register the child")

    def whole(self, transfer: str) -> None:
        """Done with the one record, which sits in one class and holds its person; nobody is expected any more."""
        case = self.completed(transfer)
        assert case["problem"] == []
        student = case["student_id"]
        (row,) = self.system.sql(
            "registry",
            """SELECT h.state, h.student_id, h.seat_school, a.open, s.school, s.person_id
               FROM change_holds h JOIN expected_arrivals a USING (case_id) JOIN students s ON s.id = h.student_id
               WHERE h.case_id = $1""",
            transfer,
        )
        assert (row["state"], row["student_id"], row["seat_school"], row["open"], row["school"]) == (
            "applied", student, None, False, self.school.code,
        )  # fmt: skip
        for table, column, service, key in (
            ("class_memberships", "student_id", "registry", student),
            ("record_claims", "registration_id", "identity", student),
            ("students", "person_id", "registry", row["person_id"]),
        ):
            assert self.system.value(service, f"SELECT count(*) FROM {table} WHERE {column} = $1", key) == 1


@pytest.fixture(scope="module")
def people(breakable: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(breakable, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def school(breakable: System) -> Desk:
    found = desk(breakable, "xinchun")
    a_class(found.registrar)
    return found


@pytest.fixture
def made(people: People) -> Made:
    """A roster with the one child."""
    return people.roster("xinchun", 1)


@pytest.fixture
def arrival(breakable: System, school: Desk, made: Made) -> Arrival:
    return Arrival(breakable, school.registrar, school, made)


def test_killed_between_the_expectation_and_the_case(arrival: Arrival, school: Desk, made: Made) -> None:
    transfer = arrival.killed_before_the_case()
    for step in STEPS:
        arrival.approve(transfer, step)
    arrival.awaited(transfer)
    school.walk(made)
    arrival.whole(transfer)


def test_killed_between_the_expectation_and_the_case_and_never_asked_again(arrival: Arrival) -> None:
    arrival.killed_before_the_case_and_never_asked_again()
    again = arrival.apply()
    assert again["state"] == "open" and again["seat"]


@pytest.mark.parametrize("service", ["transfer", "registry", "identity"])
def test_a_service_killed_after_each_step(arrival: Arrival, school: Desk, made: Made, service: str) -> None:
    transfer = arrival.killed_after_each_step(service)
    arrival.awaited(transfer)
    school.walk(made)
    arrival.again(service)
    arrival.whole(transfer)


def test_the_transfer_service_is_away_while_the_record_is_made(
    breakable: System, arrival: Arrival, school: Desk, made: Made
) -> None:
    transfer = arrival.killed_before_the_last_approval_is_published()
    arrival.awaited(transfer)
    breakable.kill("transfer")
    school.walk(made)
    breakable.start("transfer")
    arrival.whole(transfer)


def test_the_registry_killed_while_it_takes_the_place_over(
    breakable: System, arrival: Arrival, school: Desk, made: Made
) -> None:
    transfer = arrival.approved(*STEPS)
    arrival.awaited(transfer)
    with ThreadPoolExecutor(1) as pool:
        with breakable.held("registry", "LOCK TABLE registrations IN SHARE MODE"):
            walked = pool.submit(school.walk, made)
            breakable.wait_blocked("registry", "registrations")
            breakable.kill("registry")
        breakable.start("registry")
        walked.result()
    arrival.whole(transfer)
