"""The audit log (clause 45.1): searched, proved, watched; and the yearly report on minors' personal information."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.audit import (
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

from gateway.answers import download
from gateway.backend import BULK, Backend
from gateway.idempotency import thing_id
from gateway.openapi import about
from gateway.problems import invalid
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Year = Annotated[int, PathParameter(ge=2000, le=2100, description="年份")]


def _filter(pattern: str, description: str) -> QueryParameter:
    return QueryParameter(pattern=pattern, description=description)


class Handling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`incident`: it was misuse, and stands in the yearly report."""

    conclusion: Text
    incident: bool = False


class NewIncident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    happened_on: date
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    description: Text
    measures: Text


@get("/entries", **about("查询审计记录：谁、何时、从哪里、做了什么、看了谁", "45.1"))
async def entries(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    account: Annotated[str | None, _filter(r"^[A-Za-z0-9._:-]{1,100}$", "只看这个账号的")] = None,
    organisation: OrganisationCode = None,
    object_id: Annotated[
        str | None, _filter(r"^[A-Za-z0-9._:-]{1,100}$", "只看涉及此对象的：学籍、名册、账号等的标识")
    ] = None,
    act: Annotated[str | None, _filter(r"^[a-z_.]{1,60}(/[a-z_]{1,40})?$", "只看这种行为，如 registry.student")] = None,
    outcome: Annotated[str | None, _filter(r"^[a-z_]{1,40}$", "只看这种结果，done 为已完成")] = None,
    since: Annotated[datetime | None, QueryParameter(description="从此刻起（带时区）")] = None,
    until: Annotated[datetime | None, QueryParameter(description="到此刻止（带时区）")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AuditPage:
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.utcoffset() is None:
            raise invalid(name, "时间须带时区", "例如 2026-09-01T08:00:00+08:00（地址中的 + 须写作 %2B）。")
    query = SearchAudit(
        actor=actor,
        account=account,
        organisation=organisation,
        object_id=object_id,
        act=act,
        outcome=outcome,
        since=since,
        until=until,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, AuditPage)


@get("/verification", **about("校验审计记录：逐日重算并与签名比对", "45.1"))
async def verification(
    backend: Given[Backend],
    actor: Given[Actor],
    since: Annotated[date, QueryParameter(description="第一天")],
    until: Annotated[date, QueryParameter(description="最后一天")],
) -> AuditVerified:
    return await backend.ask(VerifyAudit(actor=actor, since=since, until=until), AuditVerified, timeout=BULK)


@get("/alerts", **about("异常查询预警，新的在前", "45.1"))
async def alerts(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[
        Literal["open", "handled"] | None, QueryParameter(name="state", description="待处理或已处理")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AlertPage:
    return await backend.ask(ListAlerts(actor=actor, state=in_state, cursor=cursor, limit=limit), AlertPage)


@post("/alerts/{alert_id:str}/handling", status_code=200, **about("处理一条预警", "45.1", problems=(415,)))
async def handle(
    backend: Given[Backend], actor: Given[Actor], alert_id: Id, command_id: Given[str], data: JSONBody[Handling]
) -> AlertView:
    command = HandleAlert(
        command_id=command_id, actor=actor, alert_id=alert_id, conclusion=data.conclusion, incident=data.incident
    )
    return await backend.ask(command, AlertView)


@get(
    "/reports/{year:int}",
    **about("未成年人个人信息保护合规审计报告（PDF）", "45.1", produces="application/pdf"),
)
async def report(backend: Given[Backend], actor: Given[Actor], year: Year) -> Response[bytes]:
    made = await backend.ask(GetComplianceReport(actor=actor, year=year), ReportFile, timeout=BULK)
    return download(made)


@get("/", **about("个人信息安全事件列表", "45.1"))
async def incidents(
    backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50
) -> IncidentPage:
    return await backend.ask(ListIncidents(actor=actor, cursor=cursor, limit=limit), IncidentPage)


@post("/", **about("登记个人信息安全事件", "45.1", problems=(415,)))
async def report_incident(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewIncident]
) -> Response[Incident]:
    command = ReportIncident(
        command_id=command_id,
        actor=actor,
        incident_id=thing_id(actor, "incident", command_id),
        happened_on=data.happened_on,
        title=data.title,
        description=data.description,
        measures=data.measures,
    )
    return Response(await backend.ask(command, Incident), status_code=201)


router = Router(
    "/",
    route_handlers=[
        Router("/v1/audit", route_handlers=[entries, verification, alerts, handle, report]),
        Router("/v1/incidents", route_handlers=[incidents, report_incident]),
    ],
    tags=["audit"],
)
