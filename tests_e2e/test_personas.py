"""People who want what is not theirs: each as somebody who knows the system and means it (clauses 3.1, 43, 45)."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from e2e_api import XLSX, Problem, problem_of
from e2e_cast import CITY, COUNTY, NEIGHBOUR, PROVINCE, SCHOOL, Cast, Member, new_password, training
from e2e_clock import CLOCK
from e2e_flow import Desk, today
from e2e_people import People, form_of
from e2e_system import HANGS, System, wait_for
from e2e_things import SHEET, Things, asked_for, export_body, scan, upload_organisations
from service_kit.crypto import FieldCipher
from shared_contracts.actors import Role
from shared_contracts.registry import RosterState

SHANHE = "2123000102"
"""A school of the neighbouring county."""
SECONDS = 6.0
"""Within which the gateway knows that a session has ended: it looks every 2 s."""


def refused(answer: httpx.Response, *statuses: int) -> Problem:
    assert answer.status_code in statuses, f"{answer.request.url.path}: {answer.status_code} {answer.text[:600]}"
    return problem_of(answer)


def done(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.url.path}: {answer.status_code} {answer.text[:600]}"
    return answer.json() if answer.content else None


def decide(who: Member, registration_id: str, step: str, **more: str) -> httpx.Response:
    body = {"step": step, "decision": "approve", **more}
    return who.send("POST", f"/v1/registrations/{registration_id}/decisions", json=body)


# ---- two roles, one person ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(cast: Cast) -> Member:
    """Registrar and principal of Xinchun in one account, lawfully appointed."""
    roles = (Role.REGISTRAR, Role.PRINCIPAL, Role.CLASS_TEACHER)
    return cast.member("everything", SCHOOL, *roles, classes=("1",), training="岗前培训")


@pytest.mark.clause("15.1")
@pytest.mark.clause("45.3")
def test_nobody_approves_what_he_entered_in_whatever_role(
    cast: Cast, people: People, xinchun: Desk, both: Member
) -> None:
    """He may enter and he may approve, but not the same pupil: at none of the steps, one by one or the whole roster."""
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    entered = done(both.send("POST", "/v1/registrations", json={"form": form_of(made, row)}))
    id_ = entered["id"]
    uploaded = done(both.send("POST", "/v1/rosters", files={"file": _file(people.roster("xinchun", 1).path)}))
    roster_id = uploaded["id"]
    xinchun.registrar.reach(roster_id, RosterState.CHECKED)
    done(both.send("POST", f"/v1/rosters/{roster_id}/confirmation"))
    xinchun.registrar.reach(roster_id, RosterState.IN_APPROVAL)  # a moment after the registrations are there
    (registration,) = xinchun.registrar.registrations(roster=roster_id)

    for step, by in (("class_teacher", "teacher"), ("principal", "principal")):
        for answer in (decide(both, id_, step), _decide_roster(both, roster_id, step)):
            assert "case.same_person" in {one.code for one in refused(answer, 403).findings}, step
        done(decide(cast[by], id_, step))
        done(_decide_roster(cast[by], roster_id, step))
    state = done(both.send("GET", f"/v1/registrations/{registration.id}"))["state"]
    assert state == "principal_checked"


@pytest.mark.clause("15.1")
def test_nobody_checks_twice_in_two_roles(cast: Cast, people: People, xinchun: Desk, both: Member) -> None:
    """Whoever was the class teacher of it is not its principal too."""
    roster_id = xinchun.check(people.roster("xinchun", 1)).id
    xinchun.confirm(roster_id)
    (registration,) = xinchun.registrar.registrations(roster=roster_id)
    done(decide(both, registration.id, "class_teacher"))
    problem = refused(decide(both, registration.id, "principal"), 403)
    assert "case.same_person" in {one.code for one in problem.findings}
    done(decide(cast["principal"], registration.id, "principal"))


def _decide_roster(who: Member, roster_id: str, step: str) -> httpx.Response:
    return who.send("POST", f"/v1/rosters/{roster_id}/decisions", json={"step": step, "decision": "approve"})


def _file(path: Path) -> tuple[str, bytes, str]:
    return path.name, path.read_bytes(), XLSX


# ---- an officer who reaches into the neighbouring county ----------------------------------------------------------------


@pytest.fixture
def stranger(cast: Cast) -> Member:
    return cast["neighbour.officer"]


@pytest.mark.clause("3.1")
def test_a_neighbouring_officer_gets_nothing_by_id(stranger: Member, things: Things) -> None:
    for path in (
        "/v1/students/{student_id}", "/v1/students/{student_id}/journal", "/v1/registrations/{registration_id}",
        "/v1/rosters/{roster_id}", "/v1/rosters/{roster_id}/rows", "/v1/rosters/{roster_id}/files/{file_id}",
        "/v1/exports/{export_id}", "/v1/exports/{waiting_export}/approval-document",
        "/v1/organisations/imports/{import_id}", "/v1/organisations/imports/{import_id}/rows",
    ):  # fmt: skip
        refused(stranger.send("GET", things.fill(path)), 403, 404)
    reveal = {"purpose": "核对身份证件"}
    refused(stranger.send("POST", things.fill("/v1/students/{student_id}/reveal"), json=reveal), 404)


@pytest.mark.clause("3.1")
def test_a_neighbouring_officer_gets_nothing_by_a_filter(stranger: Member, things: Things) -> None:
    """Neither by naming the school or the authority above both, nor by the name or number of the pupil."""
    for path in ("/v1/students", "/v1/registrations", "/v1/rosters", "/v1/appointments"):
        for school in (SCHOOL, COUNTY, CITY, "23"):
            answer = stranger.send("GET", path, params={"school": school, "limit": 200})
            assert answer.status_code in (403, 404, 422) or SCHOOL not in answer.text, f"{path}?school={school}"
    by_roster = stranger.send("GET", "/v1/registrations", params={"roster": things.ids["roster_id"]})
    assert done(by_roster)["items"] == []
    for body in ({"name": things.name}, {"name": things.name, "school": SCHOOL}, {"name": things.name, "school": CITY}):
        assert SCHOOL not in stranger.send("POST", "/v1/students/searches", json=body).text


@pytest.mark.clause("3.1")
def test_a_neighbouring_officer_gets_nothing_by_bulk(cast: Cast, stranger: Member, things: Things) -> None:
    """A workbook of organisations with one of his own and one of theirs changes neither."""
    own = {**SHEET, "机构代码": SHANHE, "机构名称": "五常市山河小学校", "城乡类型": "镇区"}
    own |= {"主管教育行政部门代码": NEIGHBOUR, "所在县区代码": NEIGHBOUR}
    taken = {**SHEET, "机构名称": "五常市新春小学校", "主管教育行政部门代码": NEIGHBOUR, "所在县区代码": NEIGHBOUR}
    before = {code: done(stranger.send("GET", f"/v1/organisations/{code}")) for code in (SCHOOL, SHANHE)}
    for rows in ((own, taken), ({**SHEET, "机构名称": "改名小学校"}, own)):
        looked = upload_organisations(cast, stranger.name, *rows)
        if looked.status_code == 201:
            assert done(looked)["totals"]["refused"] == 1, looked.text
            path = f"/v1/organisations/imports/{looked.json()['id']}/confirmation"
            refused(stranger.send("POST", path), 404, 409)
        else:
            refused(looked, 403, 404, 409)
    assert {code: done(stranger.send("GET", f"/v1/organisations/{code}")) for code in before} == before
    refused(stranger.send("POST", things.fill("/v1/organisations/imports/{import_id}/confirmation")), 404)
    for path, body in (
        ("name-changes", {"name": "改名小学校", "effective_from": today()}),
        ("supervision-changes", {"authority": NEIGHBOUR, "reason": "文件", "effective_from": today()}),
        ("closure", {"effective_from": today()}),
    ):
        refused(stranger.send("POST", f"/v1/organisations/{SCHOOL}/{path}", json=body), 404)


@pytest.mark.clause("3.1")
@pytest.mark.clause("20.2")
def test_a_neighbouring_school_registers_nobody_at_ours(people: People, shanhe: Desk, stranger: Member) -> None:
    """Its own roster, but with our school's code in the rows; and an officer uploads no roster at all."""
    made = people.roster("shanhe", 2)
    book = openpyxl.load_workbook(made.path)
    sheet = book.worksheets[0]
    for row in made.rows:
        sheet.cell(row, 1).value = SCHOOL
    path = made.path.with_name(f"ours-{made.path.name}")
    book.save(path)
    checked = shanhe.registrar.reach(shanhe.registrar.upload(path).id, "checked")  # type: ignore[arg-type]
    assert (checked.totals.refused, checked.totals.rows) == (2, 2)
    refused(stranger.send("POST", "/v1/rosters", files={"file": _file(path)}), 403)


@pytest.mark.clause("3.1")
@pytest.mark.clause("45.2")
def test_a_neighbouring_officer_exports_nothing(cast: Cast, stranger: Member, things: Things) -> None:
    for organisation in (SCHOOL, COUNTY, CITY, PROVINCE):
        body = export_body(selection={"organisation": organisation})
        refused(stranger.send("POST", "/v1/exports", json=body), 403, 404)
        refused(stranger.send("POST", "/v1/exports/prechecks", json=body), 403, 404)
    leader, waiting = cast["neighbour.leader"], things.ids["waiting_export"]
    refused(leader.send("POST", f"/v1/exports/{waiting}/decisions", json={"decision": "approve"}), 404)
    refused(stranger.send("POST", f"/v1/exports/{waiting}/approval-document", files=scan()), 404)
    own = done(cast["county.leader"].send("GET", f"/v1/exports/{waiting}"))
    assert own["state"] == "waiting"


@pytest.mark.clause("45.2")
def test_an_export_is_not_approved_by_who_asked_for_it(cast: Cast) -> None:
    """An officer who is leader too asks, attaches the paper, and cannot approve it; another leader can."""
    two = cast.member("officer-and-leader", COUNTY, Role.AUTHORITY_OFFICER, Role.LEADER)
    export_id = asked_for(cast, two.name)
    done(two.send("POST", f"/v1/exports/{export_id}/approval-document", files=scan()))
    problem = refused(two.send("POST", f"/v1/exports/{export_id}/decisions", json={"decision": "approve"}), 403, 409)
    assert "case.same_person" in {one.code for one in problem.findings}
    done(cast["county.leader"].send("POST", f"/v1/exports/{export_id}/decisions", json={"decision": "approve"}))


@pytest.mark.clause("45.1")
def test_a_neighbouring_auditor_finds_nothing_of_ours(cast: Cast, things: Things) -> None:
    """What our people did is not his to read, by object, account, organisation or act; ours and those above find it."""
    done(cast["registrar"].send("GET", things.fill("/v1/students/{student_id}")))
    filters = (
        {"object_id": things.ids["student_id"]},
        {"account": cast["registrar"].username},
        {"organisation": SCHOOL},
        {"act": "registry.student"},
    )

    def found(who: str, chosen: dict[str, str]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = done(
            cast[who].send("GET", "/v1/audit/entries", params=chosen | {"limit": "200"})
        )["items"]
        return [item for item in items if item["entry"]["organisation"] == SCHOOL]

    for who in ("county.auditor", "city.auditor", "province.auditor"):
        wait_for(lambda who=who: all(found(who, one) for one in filters), HANGS, f"{who} finds what we did")  # type: ignore[misc]
    for chosen in filters:
        assert found("neighbour.auditor", chosen) == [], chosen


# ---- tokens -------------------------------------------------------------------------------------------------------------


def signed_again(system: System, token: str, **claims: float) -> str:
    """The token with other claims, signed with the access service's own key: as it would have made it itself."""
    kid = jwt.get_unverified_header(token)["kid"]
    sealed = system.value("access", "SELECT private FROM signing_keys WHERE kid = $1", kid)
    keys = system.child("access").program.environment["XUEJI_FIELD_KEYS"]
    cipher = FieldCipher({name: base64.b64decode(key) for name, _, key in (k.partition(":") for k in keys.split(","))})
    private = Ed25519PrivateKey.from_private_bytes(cipher.open_bytes(sealed, f"signing_keys.private:{kid}".encode()))
    payload = jwt.decode(token, options={"verify_signature": False}) | claims
    return jwt.encode(payload, private, algorithm="EdDSA", headers={"kid": kid})


@pytest.mark.clause("45.3")
def test_a_stolen_token_is_worth_nothing_once_it_has_expired(system: System, cast: Cast, things: Things) -> None:
    who, path, now = cast["registrar"], things.fill("/v1/students/{student_id}"), system.clock.now().timestamp()
    done(who.send("GET", path, token=signed_again(system, who.token)))  # our signature is as good as its own
    for expired in (now - 1.5, now - 60, now - 86_400):
        old = signed_again(system, who.token, iat=expired - 300, exp=expired)
        problem = refused(who.send("GET", path, token=old), 401)
        assert problem.type.endswith("unauthorized")


def gone(who: Member, token: str) -> None:
    wait_for(lambda: who.send("GET", "/v1/sessions/current", token=token).status_code == 401, SECONDS, "still valid")


@pytest.mark.clause("45.3")
def test_a_session_that_was_ended_is_refused_within_seconds(cast: Cast) -> None:
    who = cast["registrar"]
    stolen = who.sign_in()
    done(who.send("GET", "/v1/sessions/current", token=stolen["access_token"]))
    done(who.send("DELETE", f"/v1/sessions/{stolen['id']}"))
    gone(who, stolen["access_token"])
    body = {"refresh_token": stolen["refresh_token"]}
    refused(who.http.post("/v1/sessions/refresh", json=body), 401)
    done(who.send("GET", "/v1/sessions/current"))  # his other session goes on


@pytest.mark.clause("45.3")
def test_a_refresh_token_used_twice_ends_the_session(cast: Cast) -> None:
    """The thief and the owner hold the same one: as soon as it shows that there are two, neither goes on.

    Within seconds a repeat may be that of a reply that was lost: then one of the two successors is the one too many.
    """
    who = cast["principal"]

    def refresh(token: str) -> httpx.Response:
        return who.http.post("/v1/sessions/refresh", json={"refresh_token": token})

    def next_of(token: str) -> dict[str, Any]:
        following: dict[str, Any] = done(refresh(token))
        return following

    first = who.sign_in()
    second = next_of(first["refresh_token"])
    third = next_of(second["refresh_token"])
    assert refused(refresh(first["refresh_token"]), 401).type.endswith("session_reused")
    refused(refresh(third["refresh_token"]), 401)
    for session in (first, second, third):
        gone(who, session["access_token"])

    first = who.sign_in()
    owner, thief = next_of(first["refresh_token"]), next_of(first["refresh_token"])
    assert refused(refresh(owner["refresh_token"]), 401).type.endswith("session_reused")
    refused(refresh(thief["refresh_token"]), 401)
    gone(who, thief["access_token"])


@pytest.mark.clause("45.3")
def test_rights_that_were_taken_are_gone_from_the_token_too(cast: Cast, things: Things) -> None:
    """A principal who is one no longer; then the account is sealed. Neither waits for the token to end."""
    who = cast.member("leaving", SCHOOL, Role.PRINCIPAL)
    path, admin = things.fill("/v1/students/{student_id}"), cast["county.admin"]
    done(who.send("GET", path))
    account = done(admin.send("GET", f"/v1/accounts/{who.username}"))
    change = {"roles": ["class_teacher"], "classes": ["6"]}
    version = {"If-Match": f'"{account["version"]}"'}
    done(admin.send("PATCH", f"/v1/accounts/{who.username}", json=change, headers=version))
    wait_for(lambda: who.send("GET", path).status_code != 200, SECONDS, "still principal")
    who.renew()
    refused(who.send("GET", path), 404)
    token = who.token
    done(admin.send("POST", f"/v1/accounts/{who.username}/seal", json={"reason": "已调离"}))
    gone(who, token)


@pytest.mark.clause("45.3")
def test_a_sealed_account_opens_to_nobody(cast: Cast, things: Things) -> None:
    """Only who has the right password learns that it is sealed."""
    name = things.ids["sealed"]
    sealed = cast.members["to-be-sealed"]
    credentials = {"username": name, "password": sealed.password}
    right = cast.http.post("/v1/sessions", json=credentials)
    assert refused(right, 403).type.endswith("account_sealed")
    wrong = cast.http.post("/v1/sessions", json=credentials | {"password": new_password()})
    unknown = cast.http.post("/v1/sessions", json={"username": "nobody.at-all", "password": new_password()})
    assert refused(wrong, 401).detail == refused(unknown, 401).detail


# ---- a class teacher outside the own classes ----------------------------------------------------------------------------


@pytest.mark.clause("3.1")
@pytest.mark.clause("45.3")
def test_a_class_teacher_sees_nothing_of_other_classes(
    cast: Cast, people: People, xinchun: Desk, things: Things
) -> None:
    """Of class 1-02 and grade 2, with pupils of class 1-01: by id, in lists, by search, in the rows of the roster."""
    who = cast["teacher02"]
    for path in (
        "/v1/students/{student_id}",
        "/v1/students/{student_id}/journal",
        "/v1/registrations/{registration_id}",
    ):
        refused(who.send("GET", things.fill(path)), 404)
        done(cast["teacher01"].send("GET", things.fill(path)))
    refused(who.send("POST", things.fill("/v1/students/{student_id}/reveal"), json={"purpose": "核对证件"}), 403, 404)
    refused(decide(who, things.ids["registration_at_class_teacher"], "class_teacher"), 403, 404)
    for path in ("/v1/students", "/v1/registrations"):
        for query in ({}, {"school": SCHOOL}, {"school": SCHOOL, "grade": 1, "class_no": 1}):
            if path == "/v1/registrations" and "grade" in query:
                continue
            items = done(who.send("GET", path, params={"limit": 200, **query}))["items"]
            assert {(one["grade"], one["class_no"]) for one in items} <= {(1, 2)}, (path, query)
    rows = done(who.send("GET", things.fill("/v1/rosters/{roster_id}/rows"), params={"limit": 200}))["items"]
    assert rows == []
    for body in ({"name": things.name}, {"name": things.name, "school": SCHOOL}):
        found = done(who.send("POST", "/v1/students/searches", json=body))["items"]
        assert things.ids["student_id"] not in {one["id"] for one in found}


# ---- administrators -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.1")
@pytest.mark.clause("45.3")
def test_an_administrator_gives_himself_nothing(cast: Cast) -> None:
    admin = cast["county.admin"]
    own = f"/v1/accounts/{admin.username}"
    version = {"If-Match": f'"{done(admin.send("GET", own))["version"]}"'}
    for roles in (["account_admin", "authority_officer"], ["authority_officer"], ["auditor"]):
        problem = refused(admin.send("PATCH", own, json={"roles": roles}, headers=version), 403)
        assert "account.own" in {one.code for one in problem.findings}
    for act in ("seal", "unseal", "password-reset", "second-factor-reset"):
        refused(admin.send("POST", f"{own}/{act}", json={"reason": "测试"}), 403)
    problem = refused(_create(admin, "cast.twofold", COUNTY, "account_admin", "authority_officer"), 409)
    assert "account.role_alone" in {one.code for one in problem.findings}
    refused(_create(admin, "cast.twofold", COUNTY, "auditor", "leader"), 409)
    for role in ("operator", "system", "integration_client", "registrar"):
        refused(_create(admin, "cast.wrong", COUNTY, role), 409, 422)


def _create(who: Member, username: str, organisation: str, *roles: str) -> httpx.Response:
    body = {"username": username, "name": "某人", "organisation": organisation, "roles": list(roles)}
    return who.send("POST", "/v1/accounts", json=body)


@pytest.mark.clause("3.1")
def test_an_administrator_stays_in_his_subtree(cast: Cast) -> None:
    """Neither sideways nor upwards: accounts, clients, sessions, appointments."""
    admin = cast["county.admin"]
    for organisation in (NEIGHBOUR, CITY, PROVINCE, SHANHE):
        refused(_create(admin, "cast.elsewhere", organisation, "leader"), 404)
        assert done(admin.send("GET", "/v1/accounts", params={"organisation": organisation}))["items"] == []
    body = {"client_id": "cast.elsewhere", "name": "某系统", "organisation": CITY, "scopes": ["students:read"]}
    body["expires_on"] = today()
    refused(admin.send("POST", "/v1/clients", json=body), 404)
    for other in ("neighbour.officer", "shanhe.registrar", "city.admin", "province.auditor"):
        account = f"/v1/accounts/{cast[other].username}"
        refused(admin.send("GET", account), 404)
        refused(admin.send("PATCH", account, json={"name": "改名"}, headers={"If-Match": '"1"'}), 404)
        for act in ("seal", "password-reset", "second-factor-reset"):
            refused(admin.send("POST", f"{account}/{act}", json={"reason": "测试"}), 404)
        session = cast[other].sign_in()
        refused(admin.send("DELETE", f"/v1/sessions/{session['id']}"), 404)
        done(cast[other].send("GET", "/v1/sessions/current", token=session["access_token"]))


# ---- another system -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
def test_a_client_stays_within_its_scope_and_its_county(
    cast: Cast, things: Things, shanhe: Desk, people: People
) -> None:
    client = cast["client.students"]
    done(client.send("GET", things.fill("/v1/students/{student_id}")))
    student = things.fill("/v1/students/{student_id}")
    for method, path, body in (
        ("GET", f"{student}/journal", None),
        ("POST", f"{student}/reveal", {"purpose": "核对身份证件"}),
        ("GET", "/v1/registrations", None),
        ("GET", "/v1/rosters", None),
        ("GET", "/v1/accounts", None),
        ("GET", "/v1/audit/entries", None),
        ("GET", "/v1/organisations", None),
        ("POST", "/v1/exports", export_body()),
    ):
        refused(client.send(method, path, **({"json": body} if body else {})), 403)
    directory = cast["client.organisations"]
    done(directory.send("GET", "/v1/organisations?limit=1"))
    refused(directory.send("GET", student), 403)
    refused(directory.send("POST", "/v1/students/searches", json={"name": things.name}), 403)
    more = {"grant_type": "client_credentials", "scope": "students:read organisations:read"}
    answer = cast.http.post("/oauth/token", data=more, auth=(client.username, client.password))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    ended = cast.members["ended"]
    answer = cast.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(ended.username, ended.password)
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    elsewhere = cast.client("client.elsewhere", "students:read", organisation=NEIGHBOUR, by="neighbour.admin")
    refused(elsewhere.send("GET", student), 404)
    assert SCHOOL not in elsewhere.send("GET", "/v1/students?limit=200").text


# ---- registrars ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("43")
def test_a_registrar_without_an_appointment_does_nothing_until_he_has_one(cast: Cast) -> None:
    who = cast.created("newcomer", SCHOOL, Role.REGISTRAR)
    problem = refused(who.send("GET", "/v1/students"), 403)  # the first password comes first
    assert [one.clause for one in problem.findings] == ["45.3"]
    who.own_password()
    for method, path, body in (
        ("GET", "/v1/students", {}),
        ("POST", "/v1/registrations/prechecks", {"json": {"form": {"name": "王小明"}}}),
        ("POST", "/v1/rosters", {"files": {"file": ("a.xlsx", b"PK", XLSX)}}),
        ("POST", "/v1/exports", {"json": export_body()}),
    ):
        problem = refused(who.send(method, path, **body), 403)
        assert [one.clause for one in problem.findings] == ["43"], path
        assert "任用" in problem.detail
    assert done(who.send("GET", "/v1/sessions/current"))["account"]["withheld"] == ["registrar"]
    refused(_appoint(who, who), 403)  # not by himself
    done(_appoint(cast["principal"], who))
    who.renew()
    done(who.send("GET", "/v1/students"))
    assert done(who.send("GET", "/v1/sessions/current"))["account"]["withheld"] == []


def _appoint(by: Member, who: Member, **more: Any) -> httpx.Response:
    year = int(today()[:4]) - (0 if int(today()[5:7]) >= 9 else 1)
    body = {
        "username": who.username, "school": SCHOOL, "school_year": year, "training": training(),
        "begins_on": today(), **more,
    }  # fmt: skip
    return by.send("POST", "/v1/appointments", json=body)


@pytest.mark.clause("43")
def test_last_year_s_appointment_is_over(system: System, cast: Cast) -> None:
    """It can no longer be made, and one that was lawful then opens nothing now."""
    who = cast.created("last-year", SCHOOL, Role.REGISTRAR)
    who.own_password()
    day = CLOCK.today()
    this_year = day.year if day.month >= 9 else day.year - 1
    last_year = {"school_year": this_year - 1, "begins_on": f"{this_year - 1}-09-01"}
    last_year["training"] = {**training(), "completed_on": f"{this_year - 1}-08-20"}
    problem = refused(_appoint(cast["county.officer"], who, **last_year), 409)
    assert "appointment.school_year" in {one.code for one in problem.findings}
    appointment = done(_appoint(cast["county.officer"], who))
    system.tampered(
        "access",
        "UPDATE appointments SET school_year = $2, begins_on = $3, ends_on = $4, training_completed_on = $3 WHERE id = $1",
        appointment["id"],
        this_year - 1,
        day.replace(year=this_year - 1, month=9, day=1),
        day.replace(year=this_year, month=9, day=1) - timedelta(days=1),
    )
    who.renew()
    problem = refused(who.send("GET", "/v1/students"), 403)
    assert [one.clause for one in problem.findings] == ["43"]
