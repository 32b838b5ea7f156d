"""Alerts: listed, and handled with a conclusion; incidents: reported by hand or out of an alert, and listed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target, check, subtree_pattern
from regulation.findings import decide
from service_kit import listing, paging
from service_kit.clock import ZONE
from service_kit.database import execute, fetch_all, fetch_one, insert_rows
from service_kit.ids import derived
from service_kit.organisations import names
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
from shared_contracts.decisions import Refused, refused

from access.audit import policy, store, tables
from access.context import AccessWork

_MISSING = "没有找到这条预警，或者不属于您管理的范围。"


# ---- alerts -----------------------------------------------------------------------------------------------------------


async def list_alerts(work: AccessWork, query: ListAlerts) -> AlertPage | Refused:
    t = tables.alerts
    statement = sa.select(t)
    if query.state is not None:
        statement = statement.where(t.c.handled_at.is_(None) if query.state == "open" else t.c.handled_at.is_not(None))
    found = await _page(work, query, statement, t.c.raised_at, t.c)
    if isinstance(found, Refused):
        return found
    rows, cursor = found
    known = await names(work.tx, {row["organisation"] for row in rows})
    return AlertPage(items=tuple(_alert(row, known) for row in rows), next_cursor=cursor)


async def handle_alert(work: AccessWork, command: HandleAlert) -> AlertView | Refused:
    """The conclusion is final; with `incident` it makes an incident of the yearly report."""
    actor = command.actor
    row = await fetch_one(
        work.tx, sa.select(tables.alerts).where(tables.alerts.c.id == command.alert_id).with_for_update()
    )
    if row is None:
        return refused("not_found", _MISSING)
    state = "open" if row["handled_at"] is None else "handled"
    target = Target(authority=row["authority"])
    if refusal := check(actor, "access.handle_alert", target, state=state, missing=_MISSING):
        return refusal
    found = decide(
        policy.no_judge_of_oneself(actor.account, row["account"]),
        policy.written([("处理结论", command.conclusion, policy.LONGEST_TEXT)]),
    )
    if found.refused:
        return refused(
            "refused", found.findings[0].message + "。" + (found.findings[0].cure or "") + "。", *found.findings
        )
    handled = {"handled_by": actor.account, "handled_at": work.now, "conclusion": command.conclusion.strip()}
    await execute(work.tx, sa.update(tables.alerts).where(tables.alerts.c.id == row["id"]).values(**handled))
    if command.incident:
        await insert_rows(work.tx, tables.incidents, [_from_alert(work, command, row)])
    view = _alert({**row, **handled}, await names(work.tx, {row["organisation"]}))
    return AlertView(alert=view)


def _from_alert(work: AccessWork, command: HandleAlert, row: Any) -> dict[str, Any]:
    title = policy.KINDS[row["kind"]]
    at: datetime = row["raised_at"].astimezone(ZONE)
    return {
        "id": derived("incident", row["id"]),
        "happened_on": at.date(),
        "title": title,
        "description": f"预警：{title}，账号{row['account']}，{at:%Y-%m-%d %H:%M}，计数{row['count']}。经核查属违规使用。",
        "measures": command.conclusion.strip(),
        "organisation": row["organisation"],
        "authority": row["authority"],
        "reported_by": command.actor.account,
        "reported_at": work.now,
        "alert_id": row["id"],
    }


def _alert(row: Any, known: dict[str, str]) -> Alert:
    return Alert(
        id=row["id"],
        kind=row["kind"],
        title=policy.KINDS[row["kind"]],
        account=row["account"],
        organisation=row["organisation"],
        organisation_name=known[row["organisation"]],
        raised_at=row["raised_at"].astimezone(ZONE),
        count=row["count"],
        state="open" if row["handled_at"] is None else "handled",
        handled_by=row["handled_by"] or "",
        handled_at=row["handled_at"].astimezone(ZONE) if row["handled_at"] else None,
        conclusion=row["conclusion"] or "",
    )


# ---- incidents --------------------------------------------------------------------------------------------------------


async def report_incident(work: AccessWork, command: ReportIncident) -> Incident | Refused:
    """Of the actor's own authority. Texts carry no numbers of pupils."""
    actor = command.actor
    authority = (await store.authorities(work.tx, [actor.organisation]))[actor.organisation]
    if refusal := check(actor, "access.report_incident", Target(authority=authority)):
        return refusal
    found = decide(
        policy.happened(command.happened_on, work.today),
        policy.written(
            [
                ("标题", command.title, policy.LONGEST_TITLE),
                ("情况说明", command.description, policy.LONGEST_TEXT),
                ("处置措施", command.measures, policy.LONGEST_TEXT),
            ]
        ),
    )
    if found.refused:
        return refused("refused", "安全事件没有登记：填写的内容需要更正。", *found.findings)
    row = {
        "id": command.incident_id,
        "happened_on": command.happened_on,
        "title": command.title.strip(),
        "description": command.description.strip(),
        "measures": command.measures.strip(),
        "organisation": actor.organisation,
        "authority": authority,
        "reported_by": actor.account,
        "reported_at": work.now,
    }
    if not await insert_rows(work.tx, tables.incidents, [row], on_conflict="(id) DO NOTHING", returning=("id",)):
        return refused("conflict", "这个编号的安全事件已经登记过。请刷新列表核对。")
    return _incident(row)


async def list_incidents(work: AccessWork, query: ListIncidents) -> IncidentPage | Refused:
    t = tables.incidents
    found = await _page(work, query, sa.select(t), t.c.reported_at, t.c)
    if isinstance(found, Refused):
        return found
    rows, cursor = found
    return IncidentPage(items=tuple(_incident(row) for row in rows), next_cursor=cursor)


def _incident(row: Any) -> Incident:
    values = {name: row[name] for name in Incident.__struct_fields__}
    return Incident(**{**values, "reported_at": row["reported_at"].astimezone(ZONE)})


# ---- both -------------------------------------------------------------------------------------------------------------


async def _page(
    work: AccessWork, query: ListAlerts | ListIncidents, statement: sa.Select[Any], newest: Any, columns: Any
) -> tuple[Any, str | None] | Refused:
    """A page of what lies in the actor's subtree, newest first, and the next cursor."""
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    bound = asked.reach
    if not bound.everything:
        statement = statement.where(columns.authority.like(subtree_pattern(bound.subtree or "")))
    if asked.after is not None:
        statement = statement.where(sa.tuple_(newest, columns.id) < sa.tuple_(*map(sa.literal, asked.after)))
    rows = await fetch_all(work.tx, statement.order_by(newest.desc(), columns.id.desc()).limit(asked.rows))
    return paging.page(rows, asked.limit, lambda row: (row[newest.name].isoformat(), row["id"]))
