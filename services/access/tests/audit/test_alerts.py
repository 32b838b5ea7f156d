"""Unusual use is told to the authority's auditors, once; handled with a conclusion; incidents are kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from access.audit import watching
from audit_desk import CITY, COUNTY, NOW, OTHER_COUNTY, PROVINCE, SCHOOL, Desk, auditor, make_desk
from service_kit import paging
from service_kit.ids import new_id
from shared_contracts.access import AlertRaised
from shared_contracts.actors import Actor, Role
from shared_contracts.audit import (
    Alert,
    AlertPage,
    AlertView,
    HandleAlert,
    Incident,
    IncidentPage,
    ListAlerts,
    ListIncidents,
    ReportIncident,
)
from shared_contracts.decisions import Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1")]

LIST = {"act": "registry.students", "operation": "GET /v1/students"}


def some(first: int, number: int) -> tuple[str, ...]:
    return tuple(f"student-{n}" for n in range(first, first + number))


async def alerts(desk: Desk, of: str = PROVINCE, **query: Any) -> list[Alert]:
    reply = await desk.ask(ListAlerts(actor=auditor(of), **query))
    assert isinstance(reply, AlertPage), reply
    return list(reply.items)


async def handle(
    desk: Desk, alert_id: str, of: str = COUNTY, account: str = "auditor", **more: Any
) -> AlertView | Refused:
    values = {"conclusion": "家长会前集中核对，属正常工作。"} | more
    return await desk.send(  # type: ignore[no-any-return]
        HandleAlert(command_id=new_id(), actor=auditor(of, account), alert_id=alert_id, **values)
    )


async def one_alert(desk: Desk) -> Alert:
    await desk.keep(1, outcome="reused", act="access.refresh_session", objects=())
    await desk.look()
    return (await alerts(desk))[0]


async def test_the_line_is_reached_over_several_batches(audit_desk: Desk) -> None:
    await audit_desk.keep(1, **LIST, objects=some(0, 300))
    assert await audit_desk.look() == 1
    assert await alerts(audit_desk) == []
    audit_desk.clock.move(timedelta(minutes=30))
    await audit_desk.keep(1, **LIST, objects=some(300, 199))
    await audit_desk.look()
    assert await alerts(audit_desk) == []
    await audit_desk.keep(1, **LIST, objects=some(499, 1))
    assert await audit_desk.look() == 1
    alert = (await alerts(audit_desk))[0]
    assert alert == Alert(
        id=alert.id, kind="many_pupils", title="短时间内查看大量学生", account="li.na", organisation=SCHOOL,
        organisation_name="第一小学", raised_at=NOW + timedelta(minutes=30), count=500, state="open",
    )  # fmt: skip
    assert await audit_desk.events(AlertRaised) == [
        AlertRaised(
            alert_id=alert.id, kind="many_pupils", authority=COUNTY, account="li.na", organisation=SCHOOL, count=500
        )
    ]


async def test_no_flood(audit_desk: Desk) -> None:
    for n in range(20):
        await audit_desk.keep(1, **LIST, objects=some(n * 100, 100))
        await audit_desk.look()
    assert [(one.kind, one.count) for one in await alerts(audit_desk)] == [("many_pupils", 2000)]
    assert len(await audit_desk.events(AlertRaised)) == 1
    audit_desk.clock.move(timedelta(hours=1))
    await audit_desk.keep(1, **LIST, objects=some(0, 500))
    await audit_desk.look()
    assert len(await alerts(audit_desk)) == 2


async def test_accounts_are_counted_each_by_itself(audit_desk: Desk) -> None:
    await audit_desk.keep(1, **LIST, objects=some(0, 400), account="a")
    await audit_desk.keep(1, **LIST, objects=some(400, 400), account="b")
    await audit_desk.look()
    assert await alerts(audit_desk) == []


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"act": "access.sign_in", "outcome": "sealed", "objects": ()}, "sealed_account"),
        ({"act": "access.refresh_session", "outcome": "reused", "objects": ()}, "token_reuse"),
    ],
)
async def test_what_is_told_at_once(audit_desk: Desk, entry: dict[str, Any], kind: str) -> None:
    await audit_desk.keep(1, **entry)
    await audit_desk.look()
    assert [(one.kind, one.account) for one in await alerts(audit_desk)] == [(kind, "li.na")]


async def test_probing(audit_desk: Desk) -> None:
    await audit_desk.keep(20, outcome="not_found", objects=())
    await audit_desk.keep(50, outcome="not_found", objects=(), account="")  # nobody signed in: no account to ask about
    await audit_desk.look()
    assert [(one.kind, one.account) for one in await alerts(audit_desk)] == [("refused_often", "li.na")]


async def test_a_saturday(audit_desk: Desk) -> None:
    audit_desk.clock.to("2026-11-28T09:00:00+08:00")
    await audit_desk.keep(1, **LIST, objects=some(0, 49))
    await audit_desk.look()
    audit_desk.clock.to("2026-11-29T02:00:00+08:00")
    await audit_desk.keep(1, **LIST, objects=some(49, 1))
    await audit_desk.look()
    assert [(one.kind, one.count) for one in await alerts(audit_desk)] == [("off_hours", 50)]


async def test_it_goes_on_where_it_stopped(audit_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AT_ONCE", 3)
    await audit_desk.keep(5)
    assert [await audit_desk.look() for _ in range(3)] == [3, 2, 0]
    audit_desk.clock.move(timedelta(days=2))
    await audit_desk.keep(1)
    assert [await audit_desk.look() for _ in range(2)] == [1, 0]


async def test_one_copy_looks_at_a_time(audit_desk: Desk) -> None:
    await audit_desk.keep(1)
    other = make_desk(audit_desk.env, audit_desk.admin_url)
    try:
        async with audit_desk.kit.db.unit(audit_desk.deps) as work:
            assert await watching.look(work) == 1
            assert await other.look() == 0
        assert await other.look() == 0, "it has been looked at"
    finally:
        await other.shut()


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(("of", "seen"), [(PROVINCE, 1), (CITY, 1), (COUNTY, 1), (OTHER_COUNTY, 0)])
async def test_alerts_and_incidents_of_the_own_subtree(audit_desk: Desk, of: str, seen: int) -> None:
    alert = await one_alert(audit_desk)
    assert len(await alerts(audit_desk, of)) == seen
    reply = await handle(audit_desk, alert.id, of, incident=True)
    if seen:
        assert isinstance(reply, AlertView)
    else:
        assert isinstance(reply, Refused) and reply.kind == "not_found"
        await handle(audit_desk, alert.id, COUNTY, incident=True)
    incidents = await audit_desk.ask(ListIncidents(actor=auditor(of)))
    assert isinstance(incidents, IncidentPage) and len(incidents.items) == seen


async def test_handled_once_with_a_conclusion(audit_desk: Desk) -> None:
    alert = await one_alert(audit_desk)
    assert await alerts(audit_desk, state="handled") == []
    for bad, code in (({"conclusion": " "}, "text.missing"), ({"conclusion": "230102201901011234"}, "text.number")):
        reply = await handle(audit_desk, alert.id, **bad)
        assert isinstance(reply, Refused) and reply.findings[0].code == code
    reply = await handle(audit_desk, alert.id, account="li.na")
    assert isinstance(reply, Refused) and reply.findings[0].code == "alert.own"
    audit_desk.clock.move(timedelta(hours=2))
    done = await handle(audit_desk, alert.id)
    assert isinstance(done, AlertView)
    handled = done.alert
    assert (handled.state, handled.handled_by, handled.handled_at) == ("handled", "auditor", NOW + timedelta(hours=2))
    assert handled.conclusion == "家长会前集中核对，属正常工作。"
    assert await alerts(audit_desk, state="open") == []
    assert await alerts(audit_desk, state="handled") == [handled]
    again = await handle(audit_desk, alert.id)
    assert isinstance(again, Refused) and again.kind == "conflict"
    missing = await handle(audit_desk, "none")
    assert isinstance(missing, Refused) and missing.kind == "not_found"
    assert await audit_desk.value("SELECT count(*) FROM audit_incidents") == 0


async def test_misuse_becomes_an_incident(audit_desk: Desk) -> None:
    alert = await one_alert(audit_desk)
    await handle(audit_desk, alert.id, incident=True, conclusion="账号借给他人使用，已封存并约谈。")
    found = (await audit_desk.ask(ListIncidents(actor=auditor(COUNTY)))).items[0]
    assert (found.title, found.measures) == ("登录令牌被重复使用（可能被盗用）", "账号借给他人使用，已封存并约谈。")
    assert (found.happened_on, found.organisation, found.reported_by) == (NOW.date(), SCHOOL, "auditor")
    assert "li.na" in found.description


def incident(actor: Actor, **changes: Any) -> ReportIncident:
    values: dict[str, Any] = {
        "incident_id": new_id(), "happened_on": date(2026, 11, 20), "title": "纸质名册遗失", "description": "一册。",
        "measures": "已找回并登记。",
    } | changes  # fmt: skip
    return ReportIncident(command_id=new_id(), actor=actor, **values)


OFFICER = Actor(account="officer", name="", organisation=COUNTY, roles=(Role.AUTHORITY_OFFICER,))


async def test_an_incident_is_reported(audit_desk: Desk) -> None:
    command = incident(OFFICER)
    reply = await audit_desk.send(command)
    assert reply == Incident(
        id=command.incident_id, happened_on=date(2026, 11, 20), title="纸质名册遗失", description="一册。",
        measures="已找回并登记。", organisation=COUNTY, reported_by="officer", reported_at=NOW,
    )  # fmt: skip
    assert (await audit_desk.ask(ListIncidents(actor=auditor(CITY)))).items == (reply,)
    again = await audit_desk.send(incident(OFFICER, incident_id=command.incident_id))
    assert isinstance(again, Refused) and again.kind == "conflict"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"happened_on": date(2026, 11, 25)}, "incident.future"),
        ({"title": ""}, "text.missing"),
        ({"title": "字" * 101}, "text.too_long"),
        ({"description": "学生230102201901011234的信息"}, "text.number"),
        ({"measures": ""}, "text.missing"),
    ],
)
async def test_an_incident_that_cannot_be(audit_desk: Desk, change: dict[str, Any], code: str) -> None:
    reply = await audit_desk.send(incident(OFFICER, **change))
    assert isinstance(reply, Refused) and [one.code for one in reply.findings] == [code]


async def test_a_school_reports_to_its_authority_not_here(audit_desk: Desk) -> None:
    actor = Actor(account="p", name="", organisation=SCHOOL, roles=(Role.PRINCIPAL,))
    reply = await audit_desk.send(incident(actor))
    assert isinstance(reply, Refused) and reply.kind == "forbidden"


async def test_pages_of_alerts_and_incidents(audit_desk: Desk) -> None:
    for n in range(5):
        await audit_desk.keep(1, outcome="reused", objects=(), account=f"a{n}")
        await audit_desk.send(incident(OFFICER, title=f"第{n}件"))
        audit_desk.clock.move(timedelta(minutes=1))
    await audit_desk.look()
    accounts, titles, cursor = [], [], None
    while True:
        reply = await audit_desk.ask(ListAlerts(actor=auditor(CITY), limit=2, cursor=cursor))
        accounts += [one.account for one in reply.items]
        if (cursor := reply.next_cursor) is None:
            break
    while True:
        reply = await audit_desk.ask(ListIncidents(actor=auditor(CITY), limit=2, cursor=cursor))
        titles += [one.title for one in reply.items]
        if (cursor := reply.next_cursor) is None:
            break
    assert accounts == ["a4", "a3", "a2", "a1", "a0"]
    assert titles == ["第4件", "第3件", "第2件", "第1件", "第0件"]
    for query in (ListAlerts, ListIncidents):
        for key in (("a", "b"), ("2026-01-01", "b"), ("0001-01-01T00:00+14:00", "b"), (1,)):
            bad = await audit_desk.ask(query(actor=auditor(CITY), cursor=paging.encode(*key)))
            assert isinstance(bad, Refused) and bad.kind == "invalid"
