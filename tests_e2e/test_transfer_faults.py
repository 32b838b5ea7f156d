"""Services and servers killed at each step of a transfer: no pupil in two schools or in none, no seat counted twice, each
case at its right step (clauses 21.2, 23, 24.5.1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from e2e_api import Api
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_system import System, wait_for
from e2e_transfer import WHY, a_class, application, paper, registered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.clause("23", "24.5.1")]
STEPS = ("receiving_authority", "releasing_school", "releasing_authority")
SETTLED = 20.0
"""Seconds until what was interrupted is told to the registry as it stands (`transfer.cases.settling`)."""


@pytest.fixture(scope="module")
def people(breakable: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(breakable, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def school(breakable: System) -> Desk:
    return desk(breakable, "xinchun")


@pytest.fixture(scope="module")
def there(breakable: System) -> Desk:
    found = desk(breakable, "shanhe")
    a_class(found.registrar)
    return found


@pytest.fixture(autouse=True)
def mended(breakable: System) -> Iterator[None]:
    yield
    breakable.mend()


@pytest.fixture
def pupil(people: People, school: Desk) -> dict[str, Any]:
    _, (found,) = registered(people, school)
    return found


def apply(who: Api, pupil: dict[str, Any], key: str = "") -> dict[str, Any]:
    """As a good client: again with the same key until it is answered."""
    answer = who.call("POST", "/v1/transfers", key=key, json=application(pupil, evidence=paper(who)))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decide(school: Desk, there: Desk, transfer: str, step: str) -> dict[str, Any]:
    who = {"receiving_authority": there.officer, "releasing_school": school.principal}.get(step, school.officer)
    more = {"override": True, "reason": WHY} if step == "receiving_authority" else {}
    body = {"step": step, "decision": "approve", **more}
    answer = who.call("POST", f"/v1/transfers/{transfer}/decisions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def completed(there: Desk, transfer: str, seconds: float = 60.0) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = there.registrar.call("GET", f"/v1/transfers/{transfer}").json()
        return found if found["state"] == "completed" else None

    found = wait_for(look, seconds, "the record does not move")
    assert found is not None
    return found


def whole(system: System, pupil: dict[str, Any], school: str) -> None:
    """In one school and one of its classes; identity's claim has gone along; one copy is left behind."""
    key = pupil["student_id"]
    assert system.value("registry", "SELECT school FROM students WHERE id = $1", key) == school
    (member,) = system.sql(
        "registry",
        """SELECT k.school FROM class_memberships m JOIN classes k ON k.id = m.class_id
           WHERE m.student_id = $1 AND m.left_on IS NULL""",
        key,
    )
    assert member["school"] == school
    assert system.value("registry", "SELECT count(*) FROM student_copies WHERE student_id = $1", key) == 1
    assert (
        system.value("registry", "SELECT count(*) FROM journal WHERE student_id = $1 AND kind = 'transferred'", key)
        == 1
    )
    wait_for(
        lambda: system.value("identity", "SELECT school FROM record_claims WHERE registration_id = $1", key) == school,
        30,
        "the claim does not go along",
    )
    assert (
        system.value("registry", "SELECT count(*) FROM change_holds WHERE student_id = $1 AND state = 'held'", key) == 0
    )


def test_killed_between_the_hold_and_the_case(
    breakable: System, school: Desk, there: Desk, pupil: dict[str, Any]
) -> None:
    """The registry holds the pupil, the case was never written: the same client, with the same key, gets its case."""
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(1) as pool:
        with breakable.held("transfer", "LOCK TABLE transfers IN SHARE MODE"):
            asked = pool.submit(apply, there.registrar, pupil, key)
            breakable.wait_blocked("transfer")
            held = breakable.value(
                "registry", "SELECT count(*) FROM change_holds WHERE student_id = $1", pupil["student_id"]
            )
            assert held == 1
            breakable.kill("transfer")
        breakable.start("transfer")
        transfer = asked.result(120)["id"]
    for step in STEPS:
        decide(school, there, transfer, step)
    completed(there, transfer)
    whole(breakable, pupil, there.code)


def test_killed_between_the_hold_and_the_case_and_never_asked_again(
    breakable: System, there: Desk, pupil: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(1) as pool, breakable.held("transfer", "LOCK TABLE transfers IN SHARE MODE"):
        body = application(pupil, evidence=paper(there.registrar))
        asked = pool.submit(there.registrar.send, "POST", "/v1/transfers", json=body)
        breakable.wait_blocked("transfer")
        breakable.kill("transfer")
        asked.result(90)
    breakable.start("transfer")
    wait_for(
        lambda: (
            breakable.value("registry", "SELECT state FROM change_holds WHERE student_id = $1", pupil["student_id"])
            == "released"
        ),
        SETTLED,
        "a pupil is held for a case that is not there",
    )
    assert apply(there.registrar, pupil)["state"] == "open"


@pytest.mark.parametrize("service", ["transfer", "registry", "identity", "notifications"])
def test_a_service_killed_after_each_step(
    breakable: System, school: Desk, there: Desk, pupil: dict[str, Any], service: str
) -> None:
    transfer = apply(there.registrar, pupil)["id"]
    for number, step in enumerate(STEPS):
        decided = decide(school, there, transfer, step)
        breakable.kill(service)
        breakable.start(service)
        if number < 2:
            assert decided["waits_for"] == STEPS[number + 1]
    completed(there, transfer)
    whole(breakable, pupil, there.code)


def test_killed_between_the_last_approval_and_its_publication(
    breakable: System, school: Desk, there: Desk, pupil: dict[str, Any]
) -> None:
    transfer = apply(there.registrar, pupil)["id"]
    for step in STEPS[:2]:
        decide(school, there, transfer, step)
    with breakable.relay_held_back("transfer"):
        assert decide(school, there, transfer, STEPS[2])["state"] == "moving"
        breakable.kill("transfer")
    breakable.start("transfer")
    completed(there, transfer)
    whole(breakable, pupil, there.code)


def test_the_registry_killed_in_the_middle_of_the_move(
    breakable: System, school: Desk, there: Desk, pupil: dict[str, Any]
) -> None:
    transfer = apply(there.registrar, pupil)["id"]
    for step in STEPS[:2]:
        decide(school, there, transfer, step)
    with breakable.held("registry", "LOCK TABLE student_copies IN SHARE MODE"):
        decide(school, there, transfer, STEPS[2])
        breakable.wait_blocked("registry")
        breakable.kill("registry")
    breakable.start("registry")
    completed(there, transfer, 90)
    whole(breakable, pupil, there.code)


def test_the_bus_restarted_while_a_record_is_on_its_way(
    breakable: System, school: Desk, there: Desk, pupil: dict[str, Any]
) -> None:
    transfer = apply(there.registrar, pupil)["id"]
    for step in STEPS[:2]:
        decide(school, there, transfer, step)
    with breakable.relay_held_back("transfer"):
        decide(school, there, transfer, STEPS[2])
        breakable.nats.kill()
    breakable.nats.start()
    completed(there, transfer, 90)
    whole(breakable, pupil, there.code)
