"""Accounts, clients, registrars, audit: requests become the right messages and replies the right answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from gateway_support import ACTOR, StandInBus, account_view, key
from service_kit.clock import ZONE, Clock
from shared_contracts.access import (
    AccountPage,
    AccountState,
    ChangeAccount,
    ClientPage,
    ClientSecret,
    ClientView,
    CreateAccount,
    CreateClient,
    EndClient,
    GetAccount,
    ListAccounts,
    ListClients,
    PasswordIssued,
    ResetPassword,
    ResetSecondFactor,
    RotateClientSecret,
    SealAccount,
    UnsealAccount,
)
from shared_contracts.actors import Role
from shared_contracts.appointments import (
    AppointmentPage,
    AppointmentView,
    AppointRegistrar,
    EndAppointment,
    GetRegistrarOverview,
    ListAppointments,
    RegistrarOverview,
    Training,
)
from shared_contracts.audit import (
    Alert,
    AlertPage,
    AlertView,
    AuditPage,
    AuditVerified,
    GetComplianceReport,
    HandleAlert,
    Incident,
    IncidentPage,
    ListAlerts,
    ListIncidents,
    ReportFile,
    ReportIncident,
    SearchAudit,
    VerifyAudit,
)
from shared_contracts.decisions import Finding, Outcome, refused

NEW = {"username": "230102.zhao", "name": "赵主管", "organisation": "230102", "roles": ["authority_officer"]}


@pytest.mark.clause("45.3")
async def test_an_account_is_made_and_its_password_shown_once(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(
        CreateAccount, lambda command: PasswordIssued(account=account_view(command.username), password="first-one")
    )
    answer = await client.post("/v1/accounts", json=NEW, headers=key())
    assert (answer.status_code, answer.json()["password"]) == (201, "first-one")
    assert answer.headers["Location"] == "/v1/accounts/230102.zhao"
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")
    command = stand_in.last(CreateAccount)
    assert (command.actor, command.roles, command.classes) == (ACTOR, (Role.AUTHORITY_OFFICER,), ())
    for wrong in (
        {"username": "has space"},
        {"username": "a/b"},
        {"roles": []},
        {"roles": ["emperor"]},
        {"organisation": "x"},
        {"classes": ["10"]},
        {"password": "mine"},
    ):
        answer = await client.post("/v1/accounts", json={**NEW, **wrong}, headers=key())
        assert answer.status_code == 422, wrong


async def test_accounts_are_listed_read_and_changed_by_version(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ListAccounts, AccountPage(items=(account_view(),), next_cursor="n"))
    answer = await client.get("/v1/accounts?organisation=230100&role=auditor&state=sealed&name=zh&limit=5")
    assert answer.json()["next_cursor"] == "n"
    query = stand_in.last(ListAccounts)
    assert (query.organisation, query.role, query.state, query.name, query.limit) == (
        "230100",
        Role.AUDITOR,
        AccountState.SEALED,
        "zh",
        5,
    )
    stand_in.answer(GetAccount, account_view(version=4))
    answer = await client.get("/v1/accounts/230100.officer")
    assert (answer.headers["ETag"], answer.json()["version"]) == ('"4"', 4)
    stand_in.answer(ChangeAccount, account_view(version=5))
    path, change = "/v1/accounts/230100.officer", {"roles": ["auditor"]}
    assert (await client.patch(path, json=change)).status_code == 428
    answer = await client.patch(path, json=change, headers={"If-Match": '"4"'})
    assert answer.headers["ETag"] == '"5"'
    command = stand_in.last(ChangeAccount)
    assert (command.version, command.roles, command.name, command.classes) == (4, (Role.AUDITOR,), None, None)
    await client.patch(path, json=change, headers={"If-Match": '"4"'})
    assert stand_in.last(ChangeAccount).command_id == command.command_id, "the same edit of the same version"


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("act", "kind", "reply"),
    [
        ("seal", SealAccount, account_view(version=2, state=AccountState.SEALED)),
        ("unseal", UnsealAccount, account_view(version=2)),
        ("second-factor-reset", ResetSecondFactor, account_view(version=2)),
        ("password-reset", ResetPassword, PasswordIssued(account=account_view(version=2), password="next")),
    ],
)
async def test_an_act_on_an_account_has_a_reason(
    client: httpx.AsyncClient, stand_in: StandInBus, act: str, kind: type[Any], reply: Any
) -> None:
    stand_in.answer(kind, reply)
    path = f"/v1/accounts/230100.officer/{act}"
    answer = await client.post(path, json={"reason": "调离"}, headers=key())
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    command = stand_in.last(kind)
    assert (command.username, command.reason) == ("230100.officer", "调离")
    assert (await client.post(path, json={"reason": ""}, headers=key())).status_code == 422


async def test_a_refusal_of_access_goes_to_the_client_unchanged(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    finding = Finding(code="password.short", outcome=Outcome.REFUSE, message="太短", clause="45.3", cure="至少 12 位")
    stand_in.answer(CreateAccount, refused("refused", "密码不合要求。", finding))
    answer = await client.post("/v1/accounts", json=NEW, headers=key())
    assert (answer.status_code, answer.json()["findings"][0]["cure"]) == (409, "至少 12 位")


@pytest.mark.clause("45.3")
async def test_integration_clients(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    view = ClientView(
        client_id="city-platform",
        name="市平台",
        organisation="230100",
        scopes=("students:read",),
        expires_on=date(2027, 8, 31),
        created_at=Clock().now(),
        created_by="admin",
    )
    stand_in.answer(CreateClient, ClientSecret(client=view, secret="once"))
    body = {
        "client_id": "city-platform",
        "name": "市平台",
        "organisation": "230100",
        "scopes": ["students:read"],
        "expires_on": "2027-08-31",
    }
    answer = await client.post("/v1/clients", json=body, headers=key())
    assert (answer.status_code, answer.json()["secret"]) == (201, "once")
    assert stand_in.last(CreateClient).expires_on == date(2027, 8, 31)
    answer = await client.post("/v1/clients", json={**body, "scopes": ["everything"]}, headers=key())
    assert answer.status_code == 422
    stand_in.answer(ListClients, ClientPage(items=(view,)))
    assert (await client.get("/v1/clients")).json()["items"][0]["client_id"] == "city-platform"
    stand_in.answer(RotateClientSecret, ClientSecret(client=view, secret="twice"))
    answer = await client.post("/v1/clients/city-platform/secret", headers=key())
    assert (answer.status_code, answer.json()["secret"]) == (200, "twice")
    stand_in.answer(EndClient, view)
    ids = set()
    for _ in range(2):
        assert (await client.delete("/v1/clients/city-platform")).status_code == 200
        ids.add(stand_in.last(EndClient).command_id)
    assert len(ids) == 1


def appointment() -> AppointmentView:
    return AppointmentView(
        id="a1",
        username="2301000001.li",
        name="李老师",
        school="2301000001",
        school_name="第一小学",
        school_year=2026,
        training=Training(title="学籍管理培训", organiser="市教育局", completed_on=date(2026, 8, 20)),
        begins_on=date(2026, 9, 1),
        ends_on=date(2027, 8, 31),
        appointed_by="230100.officer",
        appointed_at=Clock().now(),
    )


@pytest.mark.clause("43")
async def test_a_registrar_is_appointed_with_training_and_ended_with_a_reason(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(AppointRegistrar, appointment())
    body = {
        "username": "2301000001.li",
        "school": "2301000001",
        "school_year": 2026,
        "training": {"title": "学籍管理培训", "organiser": "市教育局", "completed_on": "2026-08-20"},
        "begins_on": "2026-09-01",
        "replaces": "a0",
        "override_reason": "原管理员退休",
    }
    answer = await client.post("/v1/appointments", json=body, headers=key())
    assert (answer.status_code, answer.json()["id"]) == (201, "a1")
    command = stand_in.last(AppointRegistrar)
    assert (command.training.completed_on, command.replaces, command.override_reason) == (
        date(2026, 8, 20),
        "a0",
        "原管理员退休",
    )
    untrained = {name: value for name, value in body.items() if name != "training"}
    assert (await client.post("/v1/appointments", json=untrained, headers=key())).status_code == 422
    stand_in.answer(EndAppointment, appointment())
    answer = await client.post("/v1/appointments/a1/end", json={"reason": "调离"}, headers=key())
    assert answer.status_code == 200
    assert stand_in.last(EndAppointment).appointment_id == "a1"
    stand_in.answer(ListAppointments, AppointmentPage(items=(appointment(),)))
    await client.get("/v1/appointments?school=2301000001&school_year=2026&in_force=true")
    query = stand_in.last(ListAppointments)
    assert (query.school, query.school_year, query.in_force) == ("2301000001", 2026, True)
    stand_in.answer(GetRegistrarOverview, RegistrarOverview(items=()))
    await client.get("/v1/registrars?untrained=true")
    assert stand_in.last(GetRegistrarOverview).untrained_only is True


@pytest.mark.clause("45.1")
async def test_the_audit_log_is_searched(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SearchAudit, AuditPage(items=()))
    filters = {
        "account": "2301000001.li",
        "organisation": "2301000001",
        "object_id": "s1",
        "act": "registry.decide_roster/principal",
        "outcome": "forbidden",
        "since": "2026-09-01T08:00:00+08:00",
        "until": "2026-09-02T00:00:00Z",
    }
    assert (await client.get("/v1/audit/entries", params=filters)).status_code == 200
    query = stand_in.last(SearchAudit)
    assert (query.account, query.act, query.outcome) == (filters["account"], filters["act"], "forbidden")
    assert query.since == datetime(2026, 9, 1, 8, tzinfo=ZONE)
    assert query.until - query.since == timedelta(hours=24)
    for wrong in ({"since": "2026-09-01T08:00:00"}, {"since": "yesterday"}, {"act": "a b"}, {"name": "王小明"}):
        assert (await client.get("/v1/audit/entries", params=wrong)).status_code == 422, wrong


@pytest.mark.clause("45.1")
async def test_verification_alerts_incidents_and_the_report(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(VerifyAudit, AuditVerified(intact=True, entries=0, days=(), keys={"keys": []}))
    answer = await client.get("/v1/audit/verification?since=2026-09-01&until=2026-09-30")
    assert answer.json()["intact"] is True
    assert stand_in.last(VerifyAudit).until == date(2026, 9, 30)
    assert (await client.get("/v1/audit/verification")).status_code == 422

    alert = Alert(
        id="al1",
        kind="many_pupils",
        title="短时间内查看大量学生",
        account="2301000001.li",
        organisation="2301000001",
        organisation_name="第一小学",
        raised_at=Clock().now(),
        count=500,
        state="open",
    )
    stand_in.answer(ListAlerts, AlertPage(items=(alert,)))
    assert (await client.get("/v1/audit/alerts?state=open")).json()["items"][0]["count"] == 500
    stand_in.answer(HandleAlert, AlertView(alert=alert))
    body = {"conclusion": "集中核对，正常", "incident": False}
    assert (await client.post("/v1/audit/alerts/al1/handling", json=body, headers=key())).status_code == 200
    assert stand_in.last(HandleAlert).conclusion == "集中核对，正常"

    incident = {"happened_on": "2026-10-01", "title": "误发", "description": "发错", "measures": "收回"}
    stand_in.answer(
        ReportIncident,
        lambda c: Incident(
            id=c.incident_id,
            happened_on=c.happened_on,
            title=c.title,
            description=c.description,
            measures=c.measures,
            organisation="230100",
            reported_by="x",
            reported_at=Clock().now(),
        ),
    )
    first = await client.post("/v1/incidents", json=incident, headers=key())
    again = await client.post("/v1/incidents", json=incident, headers=key())
    assert first.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    stand_in.answer(ListIncidents, IncidentPage(items=()))
    assert (await client.get("/v1/incidents")).json()["items"] == []

    stand_in.answer(
        GetComplianceReport, ReportFile(name="合规审计报告-2026.pdf", media_type="application/pdf", content=b"%PDF-1.7")
    )
    answer = await client.get("/v1/audit/reports/2026")
    assert (answer.status_code, answer.content) == (200, b"%PDF-1.7")
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    for wrong in ("1999", "20260", "x"):
        assert (await client.get(f"/v1/audit/reports/{wrong}")).status_code in (404, 422), wrong
