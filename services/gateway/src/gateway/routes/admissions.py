"""Admissions (招生入学): placement, notices, the first day, postponements, and how far each school is."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    AdmissionOverview,
    AdmissionPage,
    AdmissionView,
    AskPostponement,
    DecidePostponement,
    EndAdmission,
    GetAdmission,
    GetAdmissionOverview,
    GetPlacementRun,
    ListAdmissions,
    ListPostponements,
    NoticesPrinted,
    ObjectToAdmission,
    PlaceChild,
    PlacementPreview,
    PlacementRun,
    PostponementPage,
    PostponementView,
    PreviewPlacement,
    PrintNotices,
    Progress,
    RecordReports,
    ReportsRecorded,
    StageName,
    StartPlacement,
    Way,
)

from gateway.answers import versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.attendance_zones import SchoolIn, SchoolParam, StageParam
from gateway.routes.children import Named, Year
from gateway.routes.params import Because, Cursor, Id, Limit, Reason

IdIn = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
OneStage = Annotated[StageName, QueryParameter(description="学段：primary 小学，junior 初中")]


class PlacementOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    stage: StageName = "primary"


class HandPlacement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    child_id: IdIn
    school: SchoolIn
    reason: Reason


class NoticesOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of these admissions, or (none given) of the own school or county; `only_new`: not printed before."""

    admission_ids: Annotated[tuple[IdIn, ...], msgspec.Meta(max_length=500)] = ()
    school: SchoolIn | None = None
    stage: StageName = "primary"
    only_new: bool = False


class Reports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    admission_ids: Annotated[tuple[IdIn, ...], msgspec.Meta(min_length=1, max_length=500)]
    reported_on: date


class Postponement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`asked_on`: the day on which the family asked the school; `until`: the day to which reporting is put off."""

    asked_on: date
    until: date
    reason: Reason


class PostponementDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: Literal["approve", "reject"]
    reason: Reason


def _admission(view: AdmissionView, status: int = 200) -> Response[AdmissionView]:
    return versioned(view, f"/v1/admissions/{view.id}", status)


def _postponement(view: PostponementView, status: int = 200) -> Response[PostponementView]:
    return Response(view, status_code=status, headers=etag(view.version))


# ---- placement ---------------------------------------------------------------------------------------------------------


@get("/placements/preview", **about("试算：按学区安排全部待入学儿童会怎样（不办理）", "5.2", "4.3"))
async def preview(backend: Given[Backend], actor: Given[Actor], stage: OneStage = "primary") -> PlacementPreview:
    return await backend.ask(PreviewPlacement(actor=actor, stage=stage), PlacementPreview, timeout=BULK)


@post("/placements", **about("按学区安排全部待入学儿童", "4.1", "4.3", "5.2", problems=(415,)))
async def place_all(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[PlacementOrder]
) -> Response[PlacementRun]:
    run_id = thing_id(actor, "placement", command_id)
    command = StartPlacement(command_id=command_id, actor=actor, run_id=run_id, stage=data.stage)
    run = await backend.ask(command, PlacementRun)
    headers = etag(run.version) | {"Location": f"/v1/admissions/placements/{run.id}"}
    return Response(run, status_code=201, headers=headers)


@get("/placements/{run_id:str}", **about("按学区安排的进度", "5.2"))
async def run(backend: Given[Backend], actor: Given[Actor], run_id: Id) -> Response[PlacementRun]:
    found = await backend.ask(GetPlacementRun(actor=actor, run_id=run_id), PlacementRun)
    return Response(found, headers=etag(found.version))


@post("/", **about("统筹安排一名儿童", "4.1", "4.3", "5.2", problems=(415,)))
async def place(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[HandPlacement]
) -> Response[AdmissionView]:
    command = PlaceChild(
        command_id=command_id, actor=actor, child_id=data.child_id, school=data.school, reason=data.reason
    )
    return _admission(await backend.ask(command, AdmissionView), 201)


# ---- admissions --------------------------------------------------------------------------------------------------------


@get("/", **about("入学安排列表：已安排、延期、已报到、未报到、逾期未建籍", "5.2", "10.1", "10.2", "13.1"))
async def admissions(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: SchoolParam = None,
    school_year: Year = None,
    stage: StageParam = None,
    way: Annotated[Way | None, QueryParameter(description="入学途径")] = None,
    progress: Annotated[Progress | None, QueryParameter(description="只看这种进展的；late 为逾期未建籍")] = None,
    objected: Annotated[bool, QueryParameter(description="只看学校提出异议的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AdmissionPage:
    query = ListAdmissions(
        actor=actor,
        school=school,
        school_year=school_year,
        stage=stage,
        way=way,
        progress=progress,
        objected=objected,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, AdmissionPage)


@post("/searches", status_code=200, **about("按姓名查找入学安排", "5.2", problems=(415,)))
async def search(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Named]
) -> AdmissionPage:
    query = ListAdmissions(actor=actor, school_year=data.school_year, name=data.name, limit=200)
    return await backend.ask(query, AdmissionPage)


@get("/overview", **about("各校招生入学情况：计划、安排、报到、延期、未报到、建籍、逾期", "4.3", "5.2", "10.2", "13.1"))
async def overview(
    backend: Given[Backend], actor: Given[Actor], school_year: Year = None, stage: OneStage = "primary"
) -> AdmissionOverview:
    query = GetAdmissionOverview(actor=actor, school_year=school_year, stage=stage)
    return await backend.ask(query, AdmissionOverview)


@get("/{admission_id:str}", **about("一项入学安排", "5.2", "10.1"))
async def admission(backend: Given[Backend], actor: Given[Actor], admission_id: Id) -> Response[AdmissionView]:
    return _admission(await backend.ask(GetAdmission(actor=actor, admission_id=admission_id), AdmissionView))


@post("/{admission_id:str}/objection", status_code=200, **about("学校提出异议（安排不变）", "5.2", problems=(415,)))
async def object_to(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    admission_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[AdmissionView]:
    command = ObjectToAdmission(
        command_id=command_id,
        actor=actor,
        admission_id=admission_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _admission(await backend.ask(command, AdmissionView))


@post("/{admission_id:str}/end", status_code=200, **about("撤销入学安排", "5.2", problems=(415,)))
async def end(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    admission_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[AdmissionView]:
    command = EndAdmission(
        command_id=command_id,
        actor=actor,
        admission_id=admission_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _admission(await backend.ask(command, AdmissionView))


@post(
    "/notices",
    status_code=200,
    **about("打印入学通知书（PDF，每份文件最多500份）", "10.1", produces="application/pdf", problems=(415,)),
)
async def notices(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NoticesOrder]
) -> Stream:
    """`X-Count`, `X-More`: how many are in the file, and how many are left for the next."""
    command = PrintNotices(
        command_id=command_id,
        actor=actor,
        print_id=thing_id(actor, "notices", command_id),
        admission_ids=data.admission_ids,
        school=data.school,
        stage=data.stage,
        only_new=data.only_new,
    )
    printed = await backend.ask(command, NoticesPrinted, timeout=BULK)
    answer = await backend.download(printed.file, printed.file.name)
    answer.headers |= {"X-Count": str(printed.count), "X-More": str(printed.more)}
    return answer


# ---- the first day -----------------------------------------------------------------------------------------------------


@post("/reports", status_code=200, **about("登记报到：一名或多名", "10.1", "13.1", problems=(415,)))
async def reports(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Reports]
) -> ReportsRecorded:
    command = RecordReports(
        command_id=command_id, actor=actor, admission_ids=data.admission_ids, reported_on=data.reported_on
    )
    return await backend.ask(command, ReportsRecorded)


@post("/{admission_id:str}/postponements", **about("登记延期报到申请", "10.1", problems=(415,)))
async def postpone(
    backend: Given[Backend],
    actor: Given[Actor],
    admission_id: Id,
    command_id: Given[str],
    data: JSONBody[Postponement],
) -> Response[PostponementView]:
    command = AskPostponement(
        command_id=command_id,
        actor=actor,
        postponement_id=thing_id(actor, "postponement", command_id),
        admission_id=admission_id,
        until=data.until,
        reason=data.reason,
        asked_on=data.asked_on,
    )
    return _postponement(await backend.ask(command, PostponementView), 201)


@get("/postponements", **about("延期报到申请列表", "10.1"))
async def postponements(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[
        Literal["waiting", "granted", "refused"] | None, QueryParameter(name="state", description="只看这种状态的")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PostponementPage:
    query = ListPostponements(actor=actor, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, PostponementPage)


@post(
    "/postponements/{postponement_id:str}/decisions",
    status_code=200,
    **about("决定超过一般期限的延期报到", "10.1", problems=(415,)),
)
async def decide_postponement(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    postponement_id: Id,
    command_id: Given[str],
    data: JSONBody[PostponementDecision],
    if_match: IfMatch = None,
) -> Response[PostponementView]:
    command = DecidePostponement(
        command_id=command_id,
        actor=actor,
        postponement_id=postponement_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _postponement(await backend.ask(command, PostponementView))


router = Router(
    "/v1/admissions",
    route_handlers=[
        preview, place_all, run, place, admissions, search, overview, admission, object_to, end, notices, reports,
        postpone, postponements, decide_postponement,
    ],
    tags=["admissions"],
)  # fmt: skip
