"""Private schools' places for transfers (民办学校可转入学位; clauses 24.5.3, 24.5.4): the ratio of the year, rounds of
applications, the lottery. What is published needs no account."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Actor
from shared_contracts.private_places import (
    Applicants,
    DecideRatio,
    DrawRound,
    GetPrivatePlaces,
    GetPublishedRound,
    GetRatio,
    GetRound,
    ListApplicants,
    ListRatios,
    ListRounds,
    OpenRound,
    PrivatePlaces,
    ProposeRatio,
    PublishedRound,
    RatioPage,
    RatioState,
    RatioView,
    RoundPage,
    RoundState,
    RoundView,
)

from gateway.allowance import Allowance, count
from gateway.answers import public, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.class_assignments import DrawIn
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode

Stage = Literal["primary", "junior"]
SchoolCode = Annotated[str, PathParameter(pattern=r"^\d{10}$", description="学校标识码")]
RoundNumber = Annotated[
    str,
    PathParameter(pattern=r"^YH-\d{4}-[12]-\d{10}-[1-9]-\d{2,3}$", description="批次编号：YH-学年-学期-学校-年级-次数"),
]
SchoolYear = Annotated[int | None, QueryParameter(ge=2000, le=2100, description="学年（开始的年份）")]


class RatioIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ratio`: as a fraction, "1/9"; `reason`: for the authority."""

    school_year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]
    stage: Stage
    ratio: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}/[1-9][0-9]{0,5}$")]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class RatioDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason`: needed to reject."""

    decision: Literal["approve", "reject"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class RoundIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`closes_on`: the last day to apply. `public_source`: where a value will come from that nobody knows yet; `public_at`:
    when it comes to be known."""

    school: Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]
    grade: Annotated[int, msgspec.Meta(ge=1, le=9)]
    closes_on: date
    public_source: Annotated[str, msgspec.Meta(min_length=4, max_length=100, pattern=r"^\S[^\x00-\x1f\x7f]*\S$")]
    public_at: Annotated[datetime, msgspec.Meta(tz=True)]


def _ratio(view: RatioView, status: int = 200) -> Response[RatioView]:
    return versioned(view, f"/v1/transfer-ratios/{view.id}", status)


def _round(view: RoundView, status: int = 200) -> Response[RoundView]:
    return versioned(view, f"/v1/transfer-rounds/{view.id}", status)


# ---- the ratio ---------------------------------------------------------------------------------------------------------


@post("/transfer-ratios", **about("民办学校申报一个学段的可转入比例", "24.5.3", problems=(415,)))
async def propose_ratio(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[RatioIn]
) -> Response[RatioView]:
    numerator, denominator = data.ratio.split("/")
    command = ProposeRatio(
        command_id=command_id,
        actor=actor,
        ratio_id=thing_id(actor, "transfer_ratio", command_id),
        school_year=data.school_year,
        stage=data.stage,
        numerator=int(numerator),
        denominator=int(denominator),
        reason=data.reason,
    )
    return _ratio(await backend.ask(command, RatioView), 201)


@get("/transfer-ratios", **about("可转入比例列表：历次申报与审批", "24.5.3"))
async def ratios(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    school_year: SchoolYear = None,
    in_state: Annotated[RatioState | None, QueryParameter(name="state", description="proposed 待审批 等")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RatioPage:
    query = ListRatios(actor=actor, school=school, school_year=school_year, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, RatioPage)


@get("/transfer-ratios/{ratio_id:str}", **about("一次可转入比例申报与审批意见", "24.5.3"))
async def ratio(backend: Given[Backend], actor: Given[Actor], ratio_id: Id) -> Response[RatioView]:
    return _ratio(await backend.ask(GetRatio(actor=actor, ratio_id=ratio_id), RatioView))


@post(
    "/transfer-ratios/{ratio_id:str}/decisions",
    status_code=200,
    **about("审批可转入比例", "24.5.3", problems=(415,)),
)
async def decide_ratio(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    ratio_id: Id,
    command_id: Given[str],
    data: JSONBody[RatioDecision],
    if_match: IfMatch = None,
) -> Response[RatioView]:
    command = DecideRatio(
        command_id=command_id,
        actor=actor,
        ratio_id=ratio_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _ratio(await backend.ask(command, RatioView))


@get("/private-places/{school_code:str}", **about("民办学校各年级空余学位与可转入学位", "24.5.3", "24.3.1"))
async def places(backend: Given[Backend], actor: Given[Actor], school_code: SchoolCode) -> PrivatePlaces:
    return await backend.ask(GetPrivatePlaces(actor=actor, school=school_code), PrivatePlaces, timeout=BULK)


# ---- rounds ------------------------------------------------------------------------------------------------------------


@post(
    "/transfer-rounds",
    **about("开始一个年级的转入报名：公布截止日期、种子的哈希和公开数值的来源", "24.5.4", problems=(415,)),
)
async def open_round(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[RoundIn]
) -> Response[RoundView]:
    command = OpenRound(
        command_id=command_id,
        actor=actor,
        round_id=thing_id(actor, "transfer_round", command_id),
        school=data.school,
        grade=data.grade,
        closes_on=data.closes_on,
        public_source=data.public_source,
        public_at=data.public_at,
    )
    return _round(await backend.ask(command, RoundView), 201)


@get("/transfer-rounds", **about("转入报名批次列表", "24.5.4"))
async def rounds(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    in_state: Annotated[RoundState | None, QueryParameter(name="state", description="open 报名中 等")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RoundPage:
    query = ListRounds(actor=actor, school=school, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, RoundPage)


@get("/transfer-rounds/{transfer_round_id:str}", **about("一个报名批次：名单、学位、抽签与办理进度", "24.5.4"))
async def round_(backend: Given[Backend], actor: Given[Actor], transfer_round_id: Id) -> Response[RoundView]:
    return _round(await backend.ask(GetRound(actor=actor, round_id=transfer_round_id), RoundView))


@get("/transfer-rounds/{transfer_round_id:str}/applicants", **about("报名名单：姓名与编码，用于告知监护人", "24.5.4"))
async def applicants(
    *, backend: Given[Backend], actor: Given[Actor], transfer_round_id: Id, cursor: Cursor = None, limit: Limit = 100
) -> Applicants:
    query = ListApplicants(actor=actor, round_id=transfer_round_id, cursor=cursor, limit=limit)
    return await backend.ask(query, Applicants)


@post(
    "/transfer-rounds/{transfer_round_id:str}/draw",
    status_code=200,
    **about("随机录取：公开种子，得出名单，只能一次", "24.5.4", problems=(415,)),
)
async def draw(
    backend: Given[Backend], actor: Given[Actor], transfer_round_id: Id, command_id: Given[str], data: JSONBody[DrawIn]
) -> Response[RoundView]:
    command = DrawRound(command_id=command_id, actor=actor, round_id=transfer_round_id, public_value=data.public_value)
    return _round(await backend.ask(command, RoundView, timeout=BULK))


@get(
    "/transfer-rounds/published/{round_number:str}",
    **about(
        "公布的报名批次：名单编码、承诺与结果，任何人可用来重新计算",
        "24.5.4",
        problems=(404, 429, 504),
        public=True,
        produces="application/json",
    ),
)
async def published(
    request: Request[Any, Any, Any],
    backend: Given[Backend],
    allowance: Given[Allowance],
    round_number: RoundNumber,
) -> Response[bytes]:
    count(allowance, request)
    found = await backend.ask(GetPublishedRound(actor=ANONYMOUS, number=round_number), PublishedRound)
    return public(found.document)


router = Router(
    "/v1",
    route_handlers=[
        propose_ratio,
        ratios,
        ratio,
        decide_ratio,
        places,
        open_round,
        rounds,
        published,
        round_,
        applicants,
        draw,
    ],
    tags=["private-places"],
)
