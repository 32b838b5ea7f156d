"""Who may see and do what: by id, in lists, in bulk; for every operation that the API describes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from e2e_acts_archive import AWARD
from e2e_api import XLSX, Api, problem_of
from e2e_flow import STEPS, Desk, today
from e2e_people import Made, People
from e2e_story import Story
from e2e_system import System
from shared_contracts.organisations import OrganisationPage, OrganisationView
from shared_contracts.registry import RegistrationState, RegistrationView

CLASSES = 50
"""Pupils: more than one class holds, so that there are two."""
KEY = {"Idempotency-Key": "roles"}
PUBLIC = {("post", "/v1/sessions"), ("post", "/v1/sessions/refresh")}
ABOUT_PUPILS = ("/v1/rosters/", "/v1/registrations/", "/v1/students/")
"""What has an id in its path and is about a school's pupils; `test_authorisation` goes through all the rest."""
STRANGERS = ("shanhe.registrar", "shanhe.principal", "qihui.registrar", "qihui.teacher", "wuchang.officer")
"""Another county's school, another school of the same county, another county's officer."""


@dataclass(frozen=True)
class Waiting:
    """A roster of two classes that waits for the class teachers."""

    made: Made
    roster_id: str
    registrations: list[RegistrationView]

    def of_class(self, class_no: int) -> list[RegistrationView]:
        return [registration for registration in self.registrations if registration.class_no == class_no]


@pytest.fixture(scope="module")
def waiting(people: People, xinchun: Desk) -> Waiting:
    made = people.roster("xinchun", CLASSES)
    roster_id = xinchun.check(made).id
    xinchun.confirm(roster_id)
    return Waiting(made, roster_id, xinchun.registrar.registrations(roster=roster_id))


@pytest.fixture(scope="module")
def operations(system: System) -> list[tuple[str, str]]:
    """(method, path template) of everything under /v1 that needs an account."""
    with system.anonymous() as client:
        described = client.get("/schema/openapi.json").json()
    return [
        (method.upper(), path)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/") and method in ("get", "post", "put", "patch", "delete")
        if (method, path) not in PUBLIC and {} not in operation.get("security", [])
    ]


def body_of(method: str, path: str) -> dict[str, Any]:
    """A request that is in order, so that nothing but who asks can be wrong with it."""
    decision = {"step": "class_teacher", "decision": "approve"}
    bodies: dict[str, Any] = {
        "POST /v1/registrations": {"form": {"name": "王小明"}},
        "POST /v1/registrations/prechecks": {"form": {"name": "王小明"}},
        "POST /v1/students/searches": {"name": "王小明"},
        "POST /v1/notices/read": {"notice_ids": ["x"]},
        "PATCH /v1/registrations/{registration_id}": {"changes": {"phone": "13800000000"}},
        "POST /v1/registrations/{registration_id}/decisions": decision,
        "POST /v1/registrations/{registration_id}/withdrawal": {"reason": "家长要求"},
        "POST /v1/rosters/{roster_id}/decisions": decision,
        "POST /v1/students/{student_id}/reveal": {"purpose": "核对户口簿"},
        "PATCH /v1/students/{student_id}": {"changes": {"phone": "13800000000"}},
        "POST /v1/students/{student_id}/study-place/ending": {"on": "2026-09-01", "reason": "家长要求"},
        "POST /v1/students/{student_id}/archive/entries": {"on": "2026-09-01", "entry": AWARD},
        "POST /v1/students/{student_id}/archive/evidence": {"on": "2026-09-01", "evidence": [{"evidence_id": "x"}]},
        "POST /v1/students/{student_id}/archive/files": {"form": "package"},
    }
    operation = f"{method} {path}"
    if operation == "POST /v1/rosters":
        return {"files": {"file": ("a.xlsx", b"PK", XLSX)}}
    headers = {"If-Match": '"1"'} if method == "PATCH" else {}
    return ({"json": bodies[operation]} if operation in bodies else {}) | {"headers": headers}


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with its ids. One that this test does not know raises KeyError: nothing goes unlooked at."""
    return re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)


def refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
    problem_of(answer)


# ---- without an account -------------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("token", [None, "Bearer", "Bearer x.y.z", "Basic eDp5"])
def test_nothing_is_done_without_an_account(
    system: System, operations: list[tuple[str, str]], token: str | None
) -> None:
    ids: dict[str, str] = defaultdict(lambda: "x", year="2026")
    assert len(operations) > 60
    with system.anonymous() as client:
        for method, path in operations:
            request = body_of(method, path)
            headers = {**KEY, **request.pop("headers", {})} | ({"Authorization": token} if token else {})
            answer = client.request(method, filled(path, ids), headers=headers, **request)
            refused(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.clause("45.3")
def test_a_token_that_was_changed_is_none(system: System, xinchun: Desk) -> None:
    head, claims, signature = xinchun.registrar.token.split(".")
    forged = claims[:-2] + ("A" if claims[-2] != "A" else "B") + claims[-1]
    with system.anonymous() as client:
        for token in (f"{head}.{forged}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.{signature[::-1]}"):
            refused(client.get("/v1/rosters", headers={"Authorization": f"Bearer {token}"}), 401)


def test_health_and_the_description_need_no_account(system: System) -> None:
    with system.anonymous() as client:
        for path in ("/health/live", "/health/ready", "/schema", "/schema/openapi.json"):
            assert client.get(path).status_code == 200, path


# ---- by id ----------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.1")
@pytest.mark.clause("45.3")
@pytest.mark.parametrize("who", STRANGERS)
def test_other_schools_and_counties_reach_nothing_by_id(
    system: System, story: Story, waiting: Waiting, operations: list[tuple[str, str]], who: str
) -> None:
    """Every operation with an id in its path, on things that are under way and on things that are done."""
    done, stranger = story.first, system.account(who)
    assert done.done
    file_id = done.done.files[0].file.id
    things = [
        {"roster_id": waiting.roster_id, "registration_id": waiting.registrations[0].id, "file_id": file_id,
         "student_id": story.students[0].id},
        {"roster_id": done.checked.id, "registration_id": done.registrations[0].id, "file_id": file_id,
         "student_id": story.students[-1].id},
    ]  # fmt: skip
    tried = 0
    for method, path in operations:
        if "{" not in path or not path.startswith(ABOUT_PUPILS):
            continue
        for ids in things:
            refused(stranger.send(method, filled(path, ids), **body_of(method, path)), 403, 404)
            tried += 1
    assert tried >= 20
    registrar = system.account("xinchun.registrar")
    after = registrar.registrations(roster=waiting.roster_id)
    assert {(r.id, r.state, r.version) for r in after} == {(r.id, r.state, r.version) for r in waiting.registrations}


def test_who_may_not_see_it_cannot_tell_it_from_what_is_not_there(system: System, waiting: Waiting) -> None:
    stranger = system.account("shanhe.registrar")
    theirs = stranger.send("GET", f"/v1/registrations/{waiting.registrations[0].id}")
    nothing = stranger.send("GET", "/v1/registrations/00000000-0000-7000-8000-000000000000")
    assert theirs.status_code == nothing.status_code == 404
    assert problem_of(theirs).detail == problem_of(nothing).detail


# ---- in lists -------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("who", STRANGERS)
def test_lists_show_nothing_of_another_school(
    system: System, story: Story, waiting: Waiting, xinchun: Desk, who: str
) -> None:
    stranger = system.account(who)
    for path, query in (
        ("/v1/registrations", {}),
        ("/v1/registrations", {"school": xinchun.code}),
        ("/v1/registrations", {"roster": waiting.roster_id}),
        ("/v1/rosters", {}),
        ("/v1/rosters", {"school": xinchun.code}),
        ("/v1/students", {}),
        ("/v1/students", {"school": xinchun.code}),
        ("/v1/students", {"school": xinchun.code, "grade": 1, "class_no": 1}),
    ):
        assert not list(of_school(stranger, path, query, xinchun.code)), (path, query)
    number = str(next(iter(story.made.rows.values()))["身份证件号"])
    for body in ({"number": number}, {"number": f"G{number}"}, {"name": story.students[0].name}):
        found = stranger.send("POST", "/v1/students/searches", json=body)
        assert found.status_code == 403 or not [s for s in found.json()["items"] if s["school"] == xinchun.code]


def of_school(who: Api, path: str, query: dict[str, Any], school: str) -> Iterator[dict[str, Any]]:
    """What a list shows of a school; nothing where the list is refused."""
    cursor: str | None = None
    while True:
        answer = who.send("GET", path, params={"limit": 200, **query} | ({"cursor": cursor} if cursor else {}))
        if not answer.is_success:
            return refused(answer, 403, 404)
        page = answer.json()
        yield from (item for item in page["items"] if item["school"] == school)
        if (cursor := page.get("next_cursor")) is None:
            return None


def directory(who: Api, kind: str) -> Iterator[OrganisationView]:
    cursor: str | None = None
    while True:
        query = {"kind": kind, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = who.want(OrganisationPage, "GET", "/v1/organisations", params=query)
        yield from page.items
        if (cursor := page.next_cursor) is None:
            return


@pytest.mark.clause("3.1")
def test_the_supervising_authority_sees_its_schools_and_no_others(
    system: System, story: Story, waiting: Waiting, xinchun: Desk
) -> None:
    """Whose schools they are is asked of the directory, by an account that stands above all counties."""
    schools = list(directory(system.account("province.auditor"), "school"))
    supervised = {school.code for school in schools if school.authority == "230103"}
    assert supervised >= {"2123000101", "3123000103"}
    assert {school.code for school in schools} - supervised >= {"2123000102", "3123000104"}

    officer = system.account("nangang.officer")
    seen = {registration.school for registration in officer.registrations()}
    assert xinchun.code in seen
    assert seen <= supervised, seen - supervised
    assert {student.school for student in officer.students()} <= supervised
    assert {registration.school for registration in system.account("wuchang.officer").registrations()} <= {"2123000102"}


# ---- classes --------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
@pytest.mark.clause("45.3")
def test_a_class_teacher_sees_and_decides_his_own_class_only(system: System, waiting: Waiting, xinchun: Desk) -> None:
    teacher = system.account("xinchun.teacher01")  # of class 1-01
    own, others = waiting.of_class(1), waiting.of_class(2)
    assert own and others
    seen = teacher.registrations(roster=waiting.roster_id)
    assert {registration.id for registration in seen} == {registration.id for registration in own}
    assert {registration.class_no for registration in teacher.registrations()} == {1}
    assert {(student.grade, student.class_no) for student in teacher.students()} <= {(1, 1)}
    body = {"step": "class_teacher", "decision": "approve"}
    refused(teacher.send("GET", f"/v1/registrations/{others[0].id}"), 403, 404)
    refused(teacher.send("POST", f"/v1/registrations/{others[0].id}/decisions", json=body), 403, 404)
    refused(teacher.send("POST", "/v1/rosters", files={"file": ("a.xlsx", b"PK", XLSX)}), 403)

    done = teacher.decide(waiting.roster_id, "class_teacher")
    assert (done.moved, done.skipped) == (len(own), len(others))
    states = {r.id: r.state for r in xinchun.registrar.registrations(roster=waiting.roster_id)}
    assert {states[r.id] for r in own} == {RegistrationState.CLASS_TEACHER_CHECKED}
    assert {states[r.id] for r in others} == {RegistrationState.ENTERED}


# ---- roles ----------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
@pytest.mark.clause("13.2")
@pytest.mark.parametrize("step", [step for step in STEPS if step != "guardian"])
def test_a_registrar_approves_nothing(waiting: Waiting, xinchun: Desk, step: str) -> None:
    """Whoever enters is not whoever checks."""
    body = {"step": step, "decision": "approve"}
    last = waiting.of_class(2)[-1].id
    refused(xinchun.registrar.send("POST", f"/v1/registrations/{last}/decisions", json=body), 403, 409)
    refused(xinchun.registrar.send("POST", f"/v1/rosters/{waiting.roster_id}/decisions", json=body), 403, 409)
    own = {"step": "class_teacher", "decision": "approve"}
    refused(xinchun.registrar.send("POST", f"/v1/registrations/{last}/decisions", json=own), 403)


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("who", ["xinchun.teacher", "xinchun.principal", "nangang.officer", "province.auditor"])
def test_only_a_registrar_enters_prints_confirms_and_cancels(system: System, waiting: Waiting, who: str) -> None:
    account, roster = system.account(who), f"/v1/rosters/{waiting.roster_id}"
    for method, path in (
        ("POST", "/v1/rosters"),
        ("POST", f"{roster}/confirmation"),
        ("POST", f"{roster}/confirmation-sheets"),
        ("DELETE", roster),
        ("POST", "/v1/registrations"),
    ):
        refused(account.send(method, path, **body_of(method, path)), 403, 404)
    guardian = {"step": "guardian", "decision": "approve", "signed_on": today()}
    first = waiting.registrations[0].id
    refused(account.send("POST", f"/v1/registrations/{first}/decisions", json=guardian), 403, 404, 409)


def test_an_auditor_changes_nothing(system: System, waiting: Waiting) -> None:
    auditor = system.account("province.auditor")
    for step in STEPS:
        body = {"step": step, "decision": "approve", "signed_on": today()}
        refused(auditor.send("POST", f"/v1/rosters/{waiting.roster_id}/decisions", json=body), 403, 404)
