"""Attendance zones (学区): set by the supervising authority, looked up by anybody: which school serves this address?"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    AreaView,
    EndZone,
    FindZone,
    GetZone,
    GetZoneTemplate,
    ListZones,
    ReadZones,
    SetZones,
    StageName,
    ZoneEnding,
    ZoneGiven,
    ZoneHistory,
    ZoneMatches,
    ZonePage,
    ZonesChecked,
    ZonesSet,
    ZoneView,
)
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.discreet import Discreet
from shared_contracts.files import Template

from gateway.answers import download
from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, expected_version, thing_id
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Cursor, Limit, Reason
from gateway.routes.rosters import XLSX
from gateway.upload import Upload, passing

CURE = "请使用下载的学区表填写后上传。"
NOTHING = Finding(
    code="request.field",
    outcome=Outcome.REFUSE,
    message="zones、ends 至少填写一项",
    cure="填写要设定或撤销的学区",
    fields=("zones", "ends"),
)

Division = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]
SchoolIn = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]
Street = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
School = Annotated[str, PathParameter(pattern=r"^\d{10}$", description="学校标识码")]
Stage = Annotated[StageName, PathParameter(description="学段：primary 小学，junior 初中")]
OnDay = Annotated[date | None, QueryParameter(description="看这一天的学区；不给则为今天")]
SchoolParam = Annotated[str | None, QueryParameter(pattern=r"^\d{10}$", description="学校标识码")]
StageParam = Annotated[StageName | None, QueryParameter(description="学段：primary 小学，junior 初中")]


Version = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None


class Area(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`streets`: names of streets and communities; none for the whole county or district."""

    division: Division
    streets: Annotated[tuple[Street, ...], msgspec.Meta(max_length=1000)] = ()


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version`: of the zone that this one replaces, 0 where there is none; without it whatever is there is replaced."""

    school: SchoolIn
    stage: StageName
    areas: Annotated[tuple[Area, ...], msgspec.Meta(min_length=1, max_length=20)]
    version: Version = None


class Ended(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A school and stage that serves nothing any more."""

    school: SchoolIn
    stage: StageName
    version: Version = None


class Zones(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason`: the document by which it was decided. `dry_run`: only say what would be. `zones` and `ends` together are
    500 at most, and not nothing."""

    zones: Annotated[tuple[Zone, ...], msgspec.Meta(max_length=500)] = ()
    ends: Annotated[tuple[Ended, ...], msgspec.Meta(max_length=500)] = ()
    valid_from: date
    reason: Reason
    dry_run: bool = False


class Ending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: the first day on which the school serves nothing any more."""

    on: date
    reason: Reason


class Place(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    division: Division
    address: Address
    stage: StageName = "primary"
    on: date | None = None


@get("/", **about("学区列表：某日各校的服务范围", "5.2"))
async def zones(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: SchoolParam = None,
    division: Annotated[str | None, QueryParameter(pattern=r"^\d{6}$", description="县（市、区）代码")] = None,
    stage: StageParam = None,
    on: OnDay = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ZonePage:
    query = ListZones(actor=actor, school=school, division=division, stage=stage, on=on, cursor=cursor, limit=limit)
    return await backend.ask(query, ZonePage)


@post("/", status_code=200, **about("设定学区：全部办理，或全部不办；dry_run 时只检查", "5.2", problems=(415,)))
async def set_zones(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Zones]
) -> ZonesSet:
    if not data.zones and not data.ends:
        raise ProblemError("invalid", f"{NOTHING.message}。", (NOTHING,))
    command = SetZones(
        command_id=command_id,
        actor=actor,
        zones=tuple(
            ZoneGiven(
                school=zone.school,
                stage=zone.stage,
                areas=tuple(AreaView(division=area.division, streets=area.streets) for area in zone.areas),
                version=zone.version,
            )
            for zone in data.zones
        ),
        ends=tuple(ZoneEnding(school=one.school, stage=one.stage, version=one.version) for one in data.ends),
        valid_from=data.valid_from,
        reason=data.reason,
        dry_run=data.dry_run,
    )
    return await backend.ask(command, ZonesSet, timeout=BULK)


@get("/workbook", **about("学区表：已填好所管公办学校和现行学区", "5.2", produces=XLSX))
async def workbook(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    made = await backend.ask(GetZoneTemplate(actor=actor), Template, timeout=BULK)
    return download(made)


@post(
    "/workbook-prechecks",
    status_code=200,
    request_max_body_size=None,  # Upload counts the bytes
    **about(
        "上传学区表并逐行检查（不设定）：新增、撤销、重叠", "5.2", problems=(413, 415), consumes="multipart/form-data"
    ),
)
async def read_workbook(
    *,
    request: Request[Actor, Any, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    command_id: Given[str],
    valid_from: Annotated[date, QueryParameter(description="从这一天起")],
) -> ZonesChecked:
    """The workbook is read while the caller waits, and kept no longer than that."""
    file_id = derived("file", thing_id(actor, "zones", command_id))
    async with passing(
        backend.files, Upload(request, backend.max_upload, cure=CURE), file_id, backend.max_upload
    ) as file:
        query = ReadZones(actor=actor, file=file, valid_from=valid_from)
        return await backend.ask(query, ZonesChecked, timeout=BULK)


@post("/searches", status_code=200, **about("按住址查学区：住址不进入网址和日志", "5.2", "19", problems=(415,)))
async def find(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Place]
) -> ZoneMatches:
    query = FindZone(actor=actor, division=data.division, address=data.address, stage=data.stage, on=data.on)
    return await backend.ask(query, ZoneMatches)


@get("/{zone_school:str}/{zone_stage:str}", **about("一所学校一个学段的学区沿革", "5.2"))
async def zone(
    backend: Given[Backend], actor: Given[Actor], zone_school: School, zone_stage: Stage
) -> Response[ZoneHistory]:
    found = await backend.ask(GetZone(actor=actor, school=zone_school, stage=zone_stage), ZoneHistory)
    return Response(found, headers=etag(found.items[-1].version))


@post("/{zone_school:str}/{zone_stage:str}/end", status_code=200, **about("撤销学区", "5.2", problems=(415,)))
async def end(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    zone_school: School,
    zone_stage: Stage,
    command_id: Given[str],
    data: JSONBody[Ending],
    if_match: IfMatch = None,
) -> Response[ZoneView]:
    command = EndZone(
        command_id=command_id,
        actor=actor,
        school=zone_school,
        stage=zone_stage,
        on=data.on,
        reason=data.reason,
        version=expected_version(if_match),
    )
    view = await backend.ask(command, ZoneView)
    return Response(view, headers=etag(view.version))


router = Router(
    "/v1/attendance-zones",
    route_handlers=[zones, set_zones, workbook, read_workbook, find, zone, end],
    tags=["admissions"],
)
