"""Policy parameters (政策参数): what holds where, publishing, filing to the province, what a value would do (clause 49)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.policy import (
    DecideFiling,
    Filing,
    FilingPage,
    FilingState,
    GetPolicy,
    GetSchoolCalendar,
    ListFilings,
    ListPolicyValues,
    PolicyValue,
    PolicyValuePage,
    PolicyView,
    PublishValue,
    SchoolCalendar,
    SimulateValue,
    Simulation,
    WithdrawValue,
)

from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Id, Limit

Division = Annotated[
    str | None, QueryParameter(pattern=r"^\d{6}$", description="6 位行政区划代码；不给则为本机构所在的")
]
On = Annotated[date | None, QueryParameter(description="看这一天的；不给则为今天")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,60}$", description="参数名，见 GET /v1/policy/parameters")]
ValueIn = (
    Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
    | Annotated[str, msgspec.Meta(pattern=r"^\d\d[-:]\d\d$", description="“月-日”如 09-01，或“时:分”如 22:00")]
)


class NewValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`valid_from`: the first day on which it holds, tomorrow at the earliest. `low`, `high`: what the authorities below may
    choose between; without either they set nothing. `basis`: the document by which it was decided."""

    key: Key
    value: ValueIn
    valid_from: date
    basis: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    low: ValueIn | None = None
    high: ValueIn | None = None


class Proposed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value as it would be published. `division`: the own one, or one below it. `cursor`, `limit`: of the schools."""

    key: Key
    value: ValueIn
    division: Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")] | None = None
    valid_from: date | None = None
    low: ValueIn | None = None
    high: ValueIn | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class FilingDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: Literal["acknowledge", "return"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/parameters", **about("某地某日执行的政策参数：值、条款、由谁设定、可设定的范围", "11", "49"))
async def parameters(
    backend: Given[Backend], actor: Given[Actor], division: Division = None, on: On = None
) -> PolicyView:
    return await backend.ask(GetPolicy(actor=actor, division=division, on=on), PolicyView)


@get("/values", **about("政策参数沿革：历次发布的值，永久保存", "49"))
async def values(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    key: Annotated[str | None, QueryParameter(pattern=r"^[a-z_]{1,60}$", description="只看这个参数")] = None,
    division: Annotated[str | None, QueryParameter(pattern=r"^\d{6}$", description="只看由这个行政区划设定的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PolicyValuePage:
    query = ListPolicyValues(actor=actor, key=key, division=division, cursor=cursor, limit=limit)
    return await backend.ask(query, PolicyValuePage)


@post("/values", **about("为本行政区划发布政策参数：最早次日生效，须在上级规定的范围内，并报省备案", "11", "49"))
async def publish(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewValue]
) -> PolicyValue:
    command = PublishValue(
        command_id=command_id,
        actor=actor,
        value_id=thing_id(actor, "policy value", command_id),
        key=data.key,
        value=data.value,
        valid_from=data.valid_from,
        basis=data.basis,
        low=data.low,
        high=data.high,
    )
    return await backend.ask(command, PolicyValue)


@post("/values/{value_id:str}/withdrawal", status_code=200, **about("在生效前撤回已发布的政策参数", "49"))
async def withdraw(
    backend: Given[Backend], actor: Given[Actor], value_id: Id, command_id: Given[str], data: JSONBody[Because]
) -> PolicyValue:
    command = WithdrawValue(command_id=command_id, actor=actor, value_id=value_id, reason=data.reason)
    return await backend.ask(command, PolicyValue)


@get("/filings", **about("政策参数备案列表：省级看全部，市、县看本级和下级的", "49"))
async def filings(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[FilingState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> FilingPage:
    return await backend.ask(ListFilings(actor=actor, state=in_state, cursor=cursor, limit=limit), FilingPage)


@post(
    "/filings/{value_id:str}/decisions",
    status_code=200,
    **about("省级教育行政部门备案或退回；尚未生效的，退回后不再生效", "49"),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    value_id: Id,
    command_id: Given[str],
    data: JSONBody[FilingDecision],
    if_match: IfMatch = None,
) -> Response[Filing]:
    command = DecideFiling(
        command_id=command_id,
        actor=actor,
        value_id=value_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    filing = await backend.ask(command, Filing)
    return Response(filing, headers=etag(filing.version))


@get("/calendar", **about("某地某学年的校历：两个学期的起止日期和秋季招生期", "4.1", "10.1", "49"))
async def calendar(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    division: Division = None,
    school_year: Annotated[
        int | None, QueryParameter(ge=2006, le=2099, description="学年开始的年份；不给则为当前学年")
    ] = None,
) -> SchoolCalendar:
    query = GetSchoolCalendar(actor=actor, division=division, school_year=school_year)
    return await backend.ask(query, SchoolCalendar)


@post(
    "/simulations",
    status_code=200,
    **about("测算：发布前看对现有班级、招生计划和未办结申请的影响，什么都不改变", "4.1", "5.1", "11", "24.2.1", "49"),
)
async def simulate(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Proposed]
) -> Simulation:
    query = SimulateValue(actor=actor, **msgspec.structs.asdict(data))
    return await backend.ask(query, Simulation, timeout=BULK)


router = Router(
    "/v1/policy",
    route_handlers=[parameters, values, publish, withdraw, filings, decide, calendar, simulate],
    tags=["policy"],
)
