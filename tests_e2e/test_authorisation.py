"""The full matrix: every operation of the API x everybody there is, each cell asserted (clauses 3.1, 43, 45.3).

The table is written by hand from the law's view and knows nothing of the table of acts: the two must come to the same.
What it is about belongs to one school, Xinchun primary school in Nangang district (`e2e_things`); who tries is `e2e_cast`.
An operation of the API that has no row here fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import access.app as access
import httpx
import identity.app as identity
import notifications.app as notifications
import pytest
import registry.app as registry
import transfer.app as transfer
from e2e_acts import acts
from e2e_api import XLSX, problem_of
from e2e_cast import CITY, COUNTY, SCHOOL, Cast, Member
from e2e_flow import today
from e2e_matrix import (
    CLIENTS,
    EVERYBODY,
    EXPORTS,
    LISTS,
    LOOKS,
    OWN_CLASS,
    PEOPLE,
    SCHOOL_STAFF,
    SIGNED_IN,
    Row,
    above,
    anywhere,
    at,
    body,
    stale,
)
from e2e_system import System
from e2e_things import Things, export_body, incident_body, scan
from regulation import authorisation
from shared_contracts.messages import word

AT_ONCE = 6
"""Requests under way."""

# ---- the table ----------------------------------------------------------------------------------------------------------


def _decisions(path: str) -> dict[str, Row]:
    """Clauses 15.1, 13.2: each step has its own people; the authority's is the county's alone.

    What is decided on waits for that very step. It is returned without a reason: that is the last thing looked at.
    """
    deciders = {
        "class_teacher": OWN_CLASS,
        "principal": at("principal"),
        "guardian": at("registrar"),
        "school": at("principal"),
        "authority": at("county.officer"),
    }
    return {
        f"POST {path} #{step}": Row(may, body(step=step, decision="return"), path=path.replace("_id}", f"_at_{step}}}"))
        for step, may in deciders.items()
    }


_EXISTING = {
    "code": SCHOOL, "name": "哈尔滨市南岗区新春小学校", "kind": "school", "effective_from": today(), "division": COUNTY,
    "authority": COUNTY, "parent": COUNTY, "school_type": "211", "stages": ["primary"], "system": "6-3",
    "ownership": "public", "locality": "urban",
}  # fmt: skip
_ACCOUNT = {"username": "xinchun.registrar", "name": "某人", "organisation": SCHOOL, "roles": ["registrar"]}
_CLIENT = {
    "client_id": "nangang.client", "name": "某系统", "organisation": COUNTY, "scopes": ["students:read"],
    "expires_on": today(),
}  # fmt: skip
_TRAINING = {"title": "岗前培训", "organiser": "省教育厅", "completed_on": "2026-08-20"}
_APPOINTMENT = {
    "username": "xinchun.principal", "school": SCHOOL, "school_year": 2026, "training": _TRAINING, "begins_on": today(),
}  # fmt: skip
_ADMINS = above("admin")
_LOOKING_AFTER = above("admin", "auditor")
_APPOINTING = at("principal") | above("officer", "admin")

SESSIONS = {
    "POST /v1/sessions": Row(EVERYBODY, body(username="", password="x")),
    "POST /v1/sessions/refresh": Row(EVERYBODY, body(refresh_token="")),
    "POST /oauth/token": Row(EVERYBODY, lambda _things, _who: {"data": {"grant_type": "password"}}),
    "GET /.well-known/jwks.json": Row(EVERYBODY),
    "GET /v1/sessions": Row(PEOPLE | {"limited"}),
    "GET /v1/sessions #of another": Row(at("registrar") | _ADMINS, path="/v1/sessions?username={username}"),
    "GET /v1/sessions/current": Row(SIGNED_IN),
    "DELETE /v1/sessions/{session_id}": Row(at("registrar") | _ADMINS),
    "PUT /v1/sessions/current/password": Row(
        PEOPLE | {"limited"}, lambda _things, who: {"json": {"current": who.password or "x", "new": "123456789012"}}
    ),
    "POST /v1/sessions/current/second-factor": Row(
        PEOPLE | {"limited"}, lambda _things, who: {"json": {"password": who.password or "x"}}
    ),
    "POST /v1/sessions/current/second-factor/confirmation": Row(PEOPLE | {"limited"}, body(code="000000")),
}
ACCOUNTS = {
    "GET /v1/accounts": Row(anywhere("admin", "auditor"), shows=("username", _LOOKING_AFTER)),
    "POST /v1/accounts": Row(_ADMINS, body(**_ACCOUNT)),
    "GET /v1/accounts/{username}": Row(at("registrar") | _LOOKING_AFTER),
    "PATCH /v1/accounts/{username}": Row(_ADMINS, stale(name="某人")),
    "POST /v1/accounts/{username}/seal": Row(_ADMINS, body(reason="测试"), path="/v1/accounts/{sealed}/seal"),
    "POST /v1/accounts/{username}/unseal": Row(_ADMINS, body(reason="测试")),
    "POST /v1/accounts/{username}/password-reset": Row(_ADMINS, body(reason=" ")),
    "POST /v1/accounts/{username}/second-factor-reset": Row(
        _ADMINS, body(reason="测试"), path="/v1/accounts/{sealed}/second-factor-reset"
    ),
    "GET /v1/clients": Row(anywhere("admin", "auditor"), shows=("client_id", _LOOKING_AFTER)),
    "POST /v1/clients": Row(_ADMINS, body(**_CLIENT)),
    "POST /v1/clients/{client_id}/secret": Row(_ADMINS),
    "DELETE /v1/clients/{client_id}": Row(_ADMINS),
}
REGISTRARS = {
    "GET /v1/appointments": Row(
        anywhere("registrar", "principal", "officer", "leader", "admin"),
        shows=("appointment_id", at("registrar", "principal") | above("officer", "leader", "admin")),
    ),
    "POST /v1/appointments": Row(_APPOINTING, body(**_APPOINTMENT)),
    "POST /v1/appointments/{appointment_id}/end": Row(_APPOINTING, body(reason="调离")),
    "GET /v1/registrars": Row(
        anywhere("officer", "leader", "admin"), shows=("code", above("officer", "leader", "admin"))
    ),
}
AUDIT = {
    "GET /v1/audit/entries": Row(anywhere("auditor")),
    "GET /v1/audit/verification": Row(
        anywhere("auditor"), path="/v1/audit/verification?since=2026-01-01&until=2026-01-02"
    ),
    "GET /v1/audit/alerts": Row(anywhere("auditor"), shows=("alert_id", above("auditor"))),
    "POST /v1/audit/alerts/{alert_id}/handling": Row(above("auditor"), body(conclusion="属正常工作")),
    "GET /v1/audit/reports/{year}": Row(anywhere("leader", "auditor")),
    "GET /v1/incidents": Row(
        anywhere("officer", "leader", "auditor"), shows=("incident", above("officer", "leader", "auditor"))
    ),
    "POST /v1/incidents": Row(
        anywhere("officer", "leader", "auditor"),
        lambda _things, _who: {"json": incident_body(happened_on="2099-01-01")},
    ),
}
ROSTERS = {
    "GET /v1/rosters/template": Row(anywhere("registrar", "teacher", "principal")),
    "GET /v1/rosters/blank-form": Row(anywhere("registrar", "teacher", "principal")),
    "GET /v1/rosters": Row(LISTS, shows=("roster_id", SCHOOL_STAFF | above("officer", "leader"))),
    "POST /v1/rosters": Row(anywhere("registrar"), lambda _things, _who: {"files": {"file": ("a.xlsx", b"PK", XLSX)}}),
    "GET /v1/rosters/{roster_id}": Row(SCHOOL_STAFF | above("officer", "leader")),
    "DELETE /v1/rosters/{roster_id}": Row(at("registrar")),
    "GET /v1/rosters/{roster_id}/rows": Row(
        SCHOOL_STAFF | above("officer", "leader"), shows=("registration_id", OWN_CLASS | LOOKS)
    ),
    "GET /v1/rosters/{roster_id}/events": Row(SCHOOL_STAFF | above("officer", "leader")),
    "POST /v1/rosters/{roster_id}/confirmation": Row(at("registrar")),
    "POST /v1/rosters/{roster_id}/confirmation-sheets": Row(at("registrar")),
    "GET /v1/rosters/{roster_id}/files/{file_id}": Row(at("registrar", "principal")),
    **_decisions("/v1/rosters/{roster_id}/decisions"),
}
REGISTRATIONS = {
    "GET /v1/registrations": Row(
        LISTS, path="/v1/registrations?roster={roster_id}", shows=("registration_id", OWN_CLASS | LOOKS)
    ),
    "POST /v1/registrations": Row(anywhere("registrar"), body(form={"name": "王小明"})),
    "GET /v1/registrations/form": Row(anywhere("registrar")),
    "POST /v1/registrations/prechecks": Row(anywhere("registrar"), body(form={"name": "王小明"})),
    "GET /v1/registrations/{registration_id}": Row(OWN_CLASS | LOOKS),
    "PATCH /v1/registrations/{registration_id}": Row(at("registrar"), stale(changes={"phone": "13800000000"})),
    "POST /v1/registrations/{registration_id}/withdrawal": Row(at("registrar"), body(reason="家长要求")),
    "POST /v1/registrations/{registration_id}/confirmation-sheet": Row(at("registrar", "principal")),
    **_decisions("/v1/registrations/{registration_id}/decisions"),
}
STUDENTS = {
    "GET /v1/students": Row(
        LISTS | at("client.students"), shows=("student_id", OWN_CLASS | LOOKS | at("client.students"))
    ),
    "POST /v1/students/searches": Row(
        LISTS | at("client.students"),
        lambda things, _who: {"json": {"name": things.name, "limit": 200}},
        shows=("student_id", OWN_CLASS | LOOKS | at("client.students")),
    ),
    "POST /v1/students/searches #number": Row(LISTS | at("client.students"), body(number="230103199001010010")),
    "GET /v1/students/{student_id}": Row(OWN_CLASS | LOOKS | at("client.students")),
    "GET /v1/students/{student_id}/form": Row(OWN_CLASS | LOOKS),
    "GET /v1/students/{student_id}/journal": Row(OWN_CLASS | LOOKS),
    "POST /v1/students/{student_id}/reveal": Row(
        at("registrar", "principal") | above("officer"), body(purpose="核对学生身份证件")
    ),
}
_ASKING = at("registrar", "principal") | above("officer")


def _bad_fields(_things: Things, _who: Member) -> dict[str, Any]:
    return {"json": export_body(fields=["no_such_field"])}


LEAVING = {
    "GET /v1/exports/fields": Row(SIGNED_IN),
    "GET /v1/exports": Row(
        anywhere("registrar", "principal", "officer", "leader", "auditor"), shows=("export_id", EXPORTS)
    ),
    "POST /v1/exports": Row(_ASKING, _bad_fields),
    "POST /v1/exports/prechecks": Row(_ASKING, _bad_fields),
    "GET /v1/exports/{export_id}": Row(EXPORTS),
    "GET /v1/exports/{export_id}/events": Row(EXPORTS),
    "POST /v1/exports/{export_id}/resubmission": Row(at("registrar"), _bad_fields),
    "POST /v1/exports/{export_id}/cancellation": Row(at("registrar"), body(reason="不再需要")),
    "GET /v1/exports/{export_id}/approval-document": Row(
        EXPORTS, path="/v1/exports/{waiting_export}/approval-document"
    ),
    "POST /v1/exports/{export_id}/approval-document": Row(
        above("officer", "leader"), lambda _things, _who: {"files": scan()}
    ),
    "POST /v1/exports/{export_id}/decisions": Row(above("leader"), body(decision="approve")),
    "POST /v1/exports/{export_id}/download": Row(at("registrar")),
}
ORGANISATIONS = {
    "GET /v1/organisations": Row(PEOPLE | at("client.organisations"), path="/v1/organisations?limit=5"),
    "GET /v1/organisations/{code}": Row(PEOPLE | at("client.organisations")),
    "GET /v1/organisations/{code}/versions": Row(PEOPLE | at("client.organisations")),
    "POST /v1/organisations": Row(above("officer"), body(**_EXISTING)),
    "PATCH /v1/organisations/{code}": Row(above("officer"), stale(effective_from=today(), locality="urban")),
    "POST /v1/organisations/{code}/name-changes": Row(above("officer"), stale(name="新名", effective_from=today())),
    "POST /v1/organisations/{code}/supervision-changes": Row(
        at("city.officer", "province.officer"), body(authority=CITY, reason="文件", effective_from="2099-01-01")
    ),
    "POST /v1/organisations/{code}/closure": Row(above("officer"), stale(effective_from=today())),
    "GET /v1/organisations/imports/template": Row(anywhere("officer")),
    "POST /v1/organisations/imports": Row(
        anywhere("officer"),
        lambda _things, _who: {"files": {"file": ("a.xlsx", b"PK", XLSX)}},
        path="/v1/organisations/imports?effective_from=2026-11-01",
    ),
    "GET /v1/organisations/imports/{import_id}": Row(above("officer")),
    "GET /v1/organisations/imports/{import_id}/rows": Row(above("officer")),
    "POST /v1/organisations/imports/{import_id}/confirmation": Row(above("officer")),
}
REST = {
    "GET /v1/code-tables": Row(SIGNED_IN),
    "GET /v1/notices": Row(PEOPLE | CLIENTS),
    "GET /v1/worklist": Row(PEOPLE | CLIENTS),
    "GET /v1/worklist/counts": Row(PEOPLE | CLIENTS),
    "POST /v1/notices/read": Row(PEOPLE | CLIENTS, body(notice_ids=["none"]), unknown=True),
    "GET /health/live": Row(EVERYBODY),
    "GET /health/ready": Row(EVERYBODY),
    "GET /metrics": Row(EVERYBODY),
}
TABLE: dict[str, Row] = {
    **SESSIONS, **ACCOUNTS, **REGISTRARS, **AUDIT, **ROSTERS, **REGISTRATIONS, **STUDENTS, **LEAVING, **ORGANISATIONS,
    **REST,
    **{operation: row for capability in acts() for operation, row in capability.ROWS.items()},
    # the last one: it ends the session of whoever sends it
    "DELETE /v1/sessions/current": Row(PEOPLE | {"limited"}),
}  # fmt: skip

# ---- the matrix ---------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """Cells that are not what the table says, told so that one sees at once what happened."""

    faults: list[str] = field(default_factory=list)

    def cell(self, row: Row, who: str, answer: httpx.Response) -> None:
        status, allowed = answer.status_code, who in row.may
        if row.unknown and status == 404:
            status = 409
        if not allowed and status in (401, 403, 404):
            problem_of(answer)
            assert status == 401 or who != "nobody", f"nobody is told {status}"
        elif not allowed or status in (401, 403, 404) or status >= 500:
            wanted = "allowed" if allowed else "refused"
            self.faults.append(f"{who} should be {wanted}: {status} {answer.text[:300]}")


def test_the_table_knows_whom_it_names(cast: Cast) -> None:
    assert set(cast.members) >= EVERYBODY
    for operation, row in TABLE.items():
        assert row.may, operation


def test_every_operation_of_the_api_has_a_row(system: System) -> None:
    with system.anonymous() as client:
        described = client.get("/schema/openapi.json").json()
    known = {operation.split(" #")[0] for operation in TABLE}
    told = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert told - known == set(), "an operation that nobody has said who may do"
    assert known - told == set(), "the API has it no more"


def test_every_row_of_the_table_of_acts_is_of_something_that_a_service_does() -> None:
    services = (registry.SERVICE, identity.SERVICE, access.SERVICE, notifications.SERVICE, transfer.SERVICE)
    done = {word(kind) for service in services for kind in (*service.commands, *service.queries)}
    rows = {row.split("/")[0] for row in authorisation.table()}
    assert rows == done, f"rows of nothing: {rows - done}; acts without a row: {done - rows}"


@pytest.mark.clause("3.1")
@pytest.mark.clause("43")
@pytest.mark.clause("45.3")
@pytest.mark.parametrize("operation", TABLE)
def test_who_may(cast: Cast, things: Things, operation: str) -> None:
    row, found = TABLE[operation], Found()
    method, _, template = operation.split(" #", maxsplit=1)[0].partition(" ")

    def ask(name: str) -> httpx.Response:
        who = cast[name]
        token = _further_session(who) if operation == "DELETE /v1/sessions/current" else None
        return who.send(method, things.fill(row.path or template), token=token, **row.request(things, who))

    names = sorted(EVERYBODY)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, answer in zip(names, pool.map(ask, names), strict=True):
            found.cell(row, name, answer)
    if found.faults:
        pytest.fail(f"{operation}\n" + "\n".join(found.faults), pytrace=False)


def _further_session(who: Member) -> str | None:
    """A token to lose; a client and nobody have no session that could end."""
    return str(who.sign_in()["access_token"]) if who.username and not who.client else None


@pytest.mark.clause("3.1")
@pytest.mark.clause("45.3")
@pytest.mark.parametrize("operation", [operation for operation, row in TABLE.items() if row.shows[0]])
def test_lists_show_what_is_the_own_and_nothing_else(cast: Cast, things: Things, operation: str) -> None:
    """The thing stands in the list of whoever may see it, and in nobody else's, to the last page."""
    row = TABLE[operation]
    method, _, template = operation.split(" #", maxsplit=1)[0].partition(" ")
    (key, seers), id_ = row.shows, things.ids[row.shows[0]]

    def shown(name: str) -> bool:
        return any(f'"{id_}"' in page for page in _pages(cast[name], method, row, template, things))

    names = sorted(row.may)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = {name for name, is_shown in zip(names, pool.map(shown, names), strict=True) if is_shown}
    assert seen == seers, f"{operation}: {key} is shown to {seen - seers} and not to {seers - seen}"


def _pages(who: Member, method: str, row: Row, template: str, things: Things) -> Iterator[str]:
    path, cursor = things.fill(row.path or template), None
    while True:
        request = row.request(things, who)
        if method == "GET":
            request["params"] = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            path, _, query = path.partition("?")
            request["params"] |= dict(part.split("=") for part in query.split("&") if part)
        elif cursor:
            request["json"]["cursor"] = cursor
        answer = who.send(method, path, **request)
        assert answer.status_code == 200, answer.text
        yield answer.text
        if (cursor := answer.json().get("next_cursor")) is None:
            return
        path = things.fill(row.path or template)
