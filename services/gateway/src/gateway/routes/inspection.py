"""Quality of student records, rounds of verification, orders to put right (clauses 3.4, 3.5, 48)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.inspection import (
    AnswerFinding,
    CheckSchool,
    CloseRound,
    DecideFinding,
    FindingKind,
    FindingState,
    GetFinding,
    GetRecordQuality,
    GetRound,
    InspectionFinding,
    InspectionFindingPage,
    ListFindings,
    ListQuality,
    ListRounds,
    ListSchoolQuality,
    OpenRound,
    QualityPage,
    RaiseFinding,
    RecordQuality,
    RoundPage,
    RoundView,
    SchoolQuality,
    SchoolQualityPage,
)

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode, code

SchoolIn = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
IssueCode = Annotated[str | None, QueryParameter(pattern=r"^[a-z_.]{1,60}$", description="只看有这种问题的")]


class SchoolCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    school: SchoolIn


class NewRound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`schools`: all under the own authority where none is named."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    due_on: date
    schools: Annotated[tuple[SchoolIn, ...], msgspec.Meta(max_length=5000)] = ()


class Closure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    note: Text = ""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the seven kinds of Article 48."""

    school: SchoolIn
    kind: FindingKind
    detail: Text
    due_on: date


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer: Text


class FindingDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: Literal["close", "return"]
    reason: Text = ""


@get("/quality/schools", **about("各校学籍信息质量：得分和问题汇总", "3.5"))
async def school_quality(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SchoolQualityPage:
    query = ListSchoolQuality(actor=actor, school=school, cursor=cursor, limit=limit)
    return await backend.ask(query, SchoolQualityPage)


@post("/quality/checks", status_code=202, **about("检查一所学校的全部学籍信息", "3.5", problems=(415,)))
async def check_school(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[SchoolCheck]
) -> SchoolQuality:
    command = CheckSchool(command_id=command_id, actor=actor, school=data.school)
    return await backend.ask(command, SchoolQuality)


@get("/quality/records", **about("一所学校需要改正的学籍，问题多的在前", "3.5"))
async def records(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: Annotated[str, code("学校标识码")],
    issue: IssueCode = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> QualityPage:
    query = ListQuality(actor=actor, school=school, code=issue, cursor=cursor, limit=limit)
    return await backend.ask(query, QualityPage)


@get("/students/{student_id:str}/quality", **about("检查一名学生的学籍信息", "3.5"))
async def record(backend: Given[Backend], actor: Given[Actor], student_id: Id) -> RecordQuality:
    return await backend.ask(GetRecordQuality(actor=actor, student_id=student_id), RecordQuality)


# ---- rounds ---------------------------------------------------------------------------------------------------------------


def _round(view: RoundView, status: int = 200) -> Response[RoundView]:
    return versioned(view, f"/v1/inspection-rounds/{view.id}", status)


@get("/inspection-rounds", **about("学籍信息核查列表", "3.4"))
async def rounds(backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50) -> RoundPage:
    return await backend.ask(ListRounds(actor=actor, cursor=cursor, limit=limit), RoundPage)


@post("/inspection-rounds", **about("开展一次学籍信息核查", "3.4", problems=(415,)))
async def open_round(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewRound]
) -> Response[RoundView]:
    command = OpenRound(
        command_id=command_id,
        actor=actor,
        round_id=thing_id(actor, "round", command_id),
        title=data.title,
        due_on=data.due_on,
        schools=data.schools,
    )
    return _round(await backend.ask(command, RoundView), 201)


@get("/inspection-rounds/{round_id:str}", **about("一次核查的进展", "3.4"))
async def round_(backend: Given[Backend], actor: Given[Actor], round_id: Id) -> Response[RoundView]:
    return _round(await backend.ask(GetRound(actor=actor, round_id=round_id), RoundView))


@post("/inspection-rounds/{round_id:str}/closure", status_code=200, **about("结束一次核查", "3.4", problems=(415,)))
async def close_round(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    round_id: Id,
    command_id: Given[str],
    data: JSONBody[Closure],
    if_match: IfMatch = None,
) -> Response[RoundView]:
    command = CloseRound(
        command_id=command_id, actor=actor, round_id=round_id, note=data.note, version=expected_version(if_match)
    )
    return _round(await backend.ask(command, RoundView))


# ---- findings -------------------------------------------------------------------------------------------------------------


def _finding(view: InspectionFinding, status: int = 200) -> Response[InspectionFinding]:
    return versioned(view, f"/v1/inspection-findings/{view.id}", status)


@get("/inspection-findings", **about("整改事项列表，先到期的在前", "48", "3.4"))
async def findings(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_round: Annotated[
        str | None, QueryParameter(name="round", pattern=r"^[A-Za-z0-9-]{1,64}$", description="只看这次核查的")
    ] = None,
    school: OrganisationCode = None,
    kind: Annotated[FindingKind | None, QueryParameter(description="只看这种情形的")] = None,
    in_state: Annotated[FindingState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> InspectionFindingPage:
    query = ListFindings(
        actor=actor, round_id=in_round, school=school, kind=kind, state=in_state, cursor=cursor, limit=limit
    )
    return await backend.ask(query, InspectionFindingPage)


@post("/inspection-findings", **about("责令学校改正（第四十八条七种情形）", "48", problems=(415,)))
async def raise_finding(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Order]
) -> Response[InspectionFinding]:
    command = RaiseFinding(
        command_id=command_id,
        actor=actor,
        finding_id=thing_id(actor, "finding", command_id),
        school=data.school,
        kind=data.kind,
        detail=data.detail,
        due_on=data.due_on,
    )
    return _finding(await backend.ask(command, InspectionFinding), 201)


@get("/inspection-findings/{finding_id:str}", **about("一项整改和它的经过", "48"))
async def finding(backend: Given[Backend], actor: Given[Actor], finding_id: Id) -> Response[InspectionFinding]:
    return _finding(await backend.ask(GetFinding(actor=actor, finding_id=finding_id), InspectionFinding))


@post("/inspection-findings/{finding_id:str}/answers", status_code=200, **about("答复整改情况", "48", problems=(415,)))
async def answer(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    finding_id: Id,
    command_id: Given[str],
    data: JSONBody[Answer],
    if_match: IfMatch = None,
) -> Response[InspectionFinding]:
    command = AnswerFinding(
        command_id=command_id,
        actor=actor,
        finding_id=finding_id,
        answer=data.answer,
        version=expected_version(if_match),
    )
    return _finding(await backend.ask(command, InspectionFinding))


@post(
    "/inspection-findings/{finding_id:str}/decisions",
    status_code=200,
    **about("审核整改答复：办结或退回", "48", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    finding_id: Id,
    command_id: Given[str],
    data: JSONBody[FindingDecision],
    if_match: IfMatch = None,
) -> Response[InspectionFinding]:
    command = DecideFinding(
        command_id=command_id,
        actor=actor,
        finding_id=finding_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _finding(await backend.ask(command, InspectionFinding))


router = Router(
    "/v1",
    route_handlers=[
        school_quality, check_school, records, record, rounds, open_round, round_, close_round, findings, raise_finding,
        finding, answer, decide,
    ],
    tags=["inspection"],
)  # fmt: skip
