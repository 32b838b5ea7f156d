"""Services killed while a child comes from another province: one case, one place, one record, or nothing of it (clauses 15.2,
23, 24.2.2, 24.5.1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from e2e_flow import Desk, desk
from e2e_outside import CLERK, SECOND, document, grade_of, inward
from e2e_people import Made, People
from e2e_system import System, wait_for
from e2e_transfer import WHY, a_class, paper

pytestmark = [
    pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.clause("15.2"), pytest.mark.clause("23"),
    pytest.mark.clause("24.5.1"),
]  # fmt: skip
STEPS = ("receiving_authority", "releasing_school", "releasing_authority")
SETTLED = 20.0
"""Seconds until what was interrupted is told to the registry as it stands (`transfer.cases.settling`)."""


@pytest.fixture(scope="module")
def people(breakable: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(breakable, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def school(breakable: System) -> Desk:
    found = desk(breakable, "xinchun")
    a_class(found.registrar)
    return found


@pytest.fixture(autouse=True)
def mended(breakable: System) -> Iterator[None]:
    yield
    breakable.mend()


@pytest.fixture
def made(people: People) -> Made:
    """A roster with the one child."""
    return people.roster("xinchun", 1)


def body_of(school: Desk, made: Made) -> dict[str, Any]:
    (row,) = made.rows
    person = made.person(row)
    child = {**person, "document_kind": "1", "student_number": "G" + person["document_number"]}
    return inward(person, grade_of(made, row), child=child, exception=WHY, evidence=paper(school.registrar))


def apply(school: Desk, made: Made, key: str = "") -> dict[str, Any]:
    """As a good client: again with the same key until it is answered."""
    answer = school.registrar.call("POST", "/v1/outside-transfers/inward", key=key, json=body_of(school, made))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decide(system: System, school: Desk, transfer: str, step: str) -> dict[str, Any]:
    """Our authority by its own word, the other province by paper, entered by one and by another."""
    if step == STEPS[0]:
        who, path = school.officer, f"/v1/transfers/{transfer}/decisions"
        body: dict[str, Any] = {"step": step, "decision": "approve", "override": True, "reason": WHY}
    else:
        who, path = system.account(CLERK if step == STEPS[1] else SECOND), f"/v1/outside-transfers/{transfer}/decisions"
        evidence = paper(who, "official_document")
        body = {"step": step, "decision": "approve", "document": document(), "evidence": evidence}
    answer = who.call("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def awaited(system: System, transfer: str) -> None:
    def approved() -> bool:
        return bool(system.value("registry", "SELECT approved FROM expected_arrivals WHERE case_id = $1", transfer))

    wait_for(approved, 60, "the school is not told that it may register the child")


def whole(system: System, school: Desk, transfer: str) -> None:
    """The case is done with the one record, which sits in one class and holds its person; nobody is expected any more."""

    def done() -> dict[str, Any] | None:
        found: dict[str, Any] = school.registrar.call("GET", f"/v1/transfers/{transfer}").json()
        return found if found["state"] == "completed" else None

    case = wait_for(done, 90, "the record did not complete the case")
    assert case is not None and case["problem"] == []
    student = case["student_id"]
    (row,) = system.sql(
        "registry",
        """SELECT h.state, h.student_id, h.seat_school, a.open, s.school, s.person_id
           FROM change_holds h JOIN expected_arrivals a USING (case_id) JOIN students s ON s.id = h.student_id
           WHERE h.case_id = $1""",
        transfer,
    )
    assert (row["state"], row["student_id"], row["seat_school"], row["open"], row["school"]) == (
        "applied", student, None, False, school.code,
    )  # fmt: skip
    for table, column, service in (
        ("class_memberships", "student_id", "registry"), ("record_claims", "registration_id", "identity"),
    ):  # fmt: skip
        assert system.value(service, f"SELECT count(*) FROM {table} WHERE {column} = $1", student) == 1
    assert system.value("registry", "SELECT count(*) FROM students WHERE person_id = $1", row["person_id"]) == 1


def test_killed_between_the_expectation_and_the_case(breakable: System, school: Desk, made: Made) -> None:
    """The registry expects the child, the case was never written: the same client, with the same key, gets its case."""
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(1) as pool:
        with breakable.held("transfer", "LOCK TABLE transfers IN SHARE MODE"):
            asked = pool.submit(apply, school, made, key)
            breakable.wait_blocked("transfer")
            assert breakable.value("registry", "SELECT count(*) FROM expected_arrivals WHERE open") == 1
            breakable.kill("transfer")
        breakable.start("transfer")
        transfer = asked.result(120)["id"]
    for step in STEPS:
        decide(breakable, school, transfer, step)
    awaited(breakable, transfer)
    school.walk(made)
    whole(breakable, school, transfer)


def test_killed_between_the_expectation_and_the_case_and_never_asked_again(
    breakable: System, school: Desk, made: Made
) -> None:
    with ThreadPoolExecutor(1) as pool, breakable.held("transfer", "LOCK TABLE transfers IN SHARE MODE"):
        body = body_of(school, made)
        asked = pool.submit(school.registrar.send, "POST", "/v1/outside-transfers/inward", json=body)
        breakable.wait_blocked("transfer")
        breakable.kill("transfer")
        asked.result(90)
    breakable.start("transfer")
    wait_for(
        lambda: breakable.value("registry", "SELECT count(*) FROM expected_arrivals WHERE open") == 0,
        SETTLED,
        "a child is expected for a case that is not there",
    )
    again = apply(school, made)
    assert again["state"] == "open" and again["seat"]


@pytest.mark.parametrize("service", ["transfer", "registry", "identity"])
def test_a_service_killed_after_each_step(breakable: System, school: Desk, made: Made, service: str) -> None:
    transfer = apply(school, made)["id"]
    for number, step in enumerate(STEPS):
        decided = decide(breakable, school, transfer, step)
        breakable.kill(service)
        breakable.start(service)
        if number < 2:
            assert decided["waits_for"] == STEPS[number + 1]
    awaited(breakable, transfer)
    school.walk(made)
    breakable.kill(service)
    breakable.start(service)
    whole(breakable, school, transfer)


def test_the_transfer_service_is_away_while_the_record_is_made(breakable: System, school: Desk, made: Made) -> None:
    transfer = apply(school, made)["id"]
    for step in STEPS[:2]:
        decide(breakable, school, transfer, step)
    with breakable.relay_held_back("transfer"):
        assert decide(breakable, school, transfer, STEPS[2])["state"] == "moving"
        breakable.kill("transfer")
    breakable.start("transfer")
    awaited(breakable, transfer)
    breakable.kill("transfer")
    school.walk(made)
    breakable.start("transfer")
    whole(breakable, school, transfer)


def test_the_registry_killed_while_it_takes_the_place_over(breakable: System, school: Desk, made: Made) -> None:
    transfer = apply(school, made)["id"]
    for step in STEPS:
        decide(breakable, school, transfer, step)
    awaited(breakable, transfer)
    with ThreadPoolExecutor(1) as pool:
        with breakable.held("registry", "LOCK TABLE registrations IN SHARE MODE"):
            walked = pool.submit(school.walk, made)
            breakable.wait_blocked("registry")
            breakable.kill("registry")
        breakable.start("registry")
        walked.result(200)
    whole(breakable, school, transfer)
