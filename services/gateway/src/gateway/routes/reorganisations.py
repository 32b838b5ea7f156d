"""Mergers and closures of schools, re-divisions of counties: drafted, previewed, approved, taken back (21.3, 44)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.files import Template
from shared_contracts.reorganisation import (
    CancelReorganisation,
    ClassTo,
    Closing,
    DecideReorganisation,
    DraftReorganisation,
    GetReorganisation,
    GetReorganisationReport,
    ListReorganisations,
    Merging,
    OperationState,
    Plan,
    PreviewReorganisation,
    PupilTo,
    Redividing,
    Renamed,
    ReorganisationPage,
    ReorganisationView,
    ResumeReorganisation,
    ReviseReorganisation,
    SchoolTo,
    UndoReorganisation,
)

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, repeatable, required_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Id, Limit
from gateway.routes.rosters import XLSX

MOST = 5_000
SchoolCode = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]
AuthorityCode = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class MergerPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="merger"):
    """学校合并. `ended`: the schools that go into `into`, and end."""

    ended: Annotated[tuple[SchoolCode, ...], msgspec.Meta(min_length=1, max_length=50)]
    into: SchoolCode


class ClassGoal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class as it is to another school; the preview tells its id."""

    class_id: Key
    to_school: SchoolCode


class PupilGoal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pupil. `class_no`: a class there; left out for the smallest of the grade."""

    student_id: Key
    to_school: SchoolCode
    class_no: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None


class ClosurePlan(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="closure"
):
    """学校撤销. `keeper`: the school or authority that keeps the records of those who are not in school any more."""

    school: SchoolCode
    keeper: Annotated[str, msgspec.Meta(pattern=r"^(\d{6}|\d{10})$")]
    classes: Annotated[tuple[ClassGoal, ...], msgspec.Meta(max_length=500)] = ()
    pupils: Annotated[tuple[PupilGoal, ...], msgspec.Meta(max_length=MOST)] = ()


class SchoolGoal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`division`: the county that the school lies in from then on."""

    school: SchoolCode
    authority: AuthorityCode
    division: AuthorityCode


class NewName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: AuthorityCode
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class CountyGoal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All schools of one county to another."""

    from_county: AuthorityCode
    to_county: AuthorityCode


class RedivisionPlan(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="redivision"
):
    """行政区划调整. `ended`: authorities that have nothing under them afterwards, and end."""

    schools: Annotated[tuple[SchoolGoal, ...], msgspec.Meta(max_length=MOST)] = ()
    counties: Annotated[tuple[CountyGoal, ...], msgspec.Meta(max_length=50)] = ()
    renamed: Annotated[tuple[NewName, ...], msgspec.Meta(max_length=50)] = ()
    ended: Annotated[tuple[AuthorityCode, ...], msgspec.Meta(max_length=50)] = ()


class ReorganisationDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`document`: the decision that it rests on (文号). `effective_from`: the day it holds from; a later day waits for it."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    document: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    effective_from: date
    plan: MergerPlan | ClosurePlan | RedivisionPlan


class ReorganisationDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason`: asked for where it is rejected, or goes against a 原则上 rule."""

    decision: Literal["approve", "reject"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _plan(given: MergerPlan | ClosurePlan | RedivisionPlan) -> Plan:
    if isinstance(given, MergerPlan):
        return Merging(ended=given.ended, into=given.into)
    if isinstance(given, ClosurePlan):
        return Closing(
            school=given.school,
            keeper=given.keeper,
            classes=tuple(ClassTo(**msgspec.structs.asdict(one)) for one in given.classes),
            pupils=tuple(PupilTo(**msgspec.structs.asdict(one)) for one in given.pupils),
        )
    return Redividing(
        schools=tuple(SchoolTo(**msgspec.structs.asdict(one)) for one in given.schools),
        counties={one.from_county: one.to_county for one in given.counties},
        renamed=tuple(Renamed(**msgspec.structs.asdict(one)) for one in given.renamed),
        ended=given.ended,
    )


def _shown(view: ReorganisationView, status: int = 200) -> Response[ReorganisationView]:
    return versioned(view, f"/v1/reorganisations/{view.id}", status)


@get("/", **about("学校撤并、行政区划调整列表", "21.3", "44"))
async def reorganisations(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[OperationState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ReorganisationPage:
    query = ListReorganisations(actor=actor, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, ReorganisationPage)


@post("/", **about("拟订学校合并、撤销或行政区划调整", "21.3", "44", problems=(415,)))
async def draft(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[ReorganisationDraft]
) -> Response[ReorganisationView]:
    command = DraftReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=thing_id(actor, "reorganisation", command_id),
        title=data.title,
        document=data.document,
        effective_from=data.effective_from,
        plan=_plan(data.plan),
    )
    return _shown(await backend.ask(command, ReorganisationView), 201)


@get("/{reorganisation_id:str}", **about("一项学校撤并、区划调整：方案、预览、进度、结果", "21.3", "44"))
async def reorganisation(
    backend: Given[Backend], actor: Given[Actor], reorganisation_id: Id
) -> Response[ReorganisationView]:
    query = GetReorganisation(actor=actor, reorganisation_id=reorganisation_id)
    return _shown(await backend.ask(query, ReorganisationView))


@patch("/{reorganisation_id:str}", **about("修改方案，之后须重新预览", "21.3", "44", problems=(415, 428)))
async def revise(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    reorganisation_id: Id,
    data: JSONBody[ReorganisationDraft],
    if_match: IfMatch = None,
) -> Response[ReorganisationView]:
    version = required_version(if_match)
    command = ReviseReorganisation(
        command_id=repeatable(actor, "revise-reorganisation", reorganisation_id, version, data),
        actor=actor,
        reorganisation_id=reorganisation_id,
        title=data.title,
        document=data.document,
        effective_from=data.effective_from,
        plan=_plan(data.plan),
        version=version,
    )
    return _shown(await backend.ask(command, ReorganisationView))


@post(
    "/{reorganisation_id:str}/preview",
    status_code=200,
    **about("预览：各班去向、人数，以及还不能办理的原因", "21.3", "44"),
)
async def preview(
    *, backend: Given[Backend], actor: Given[Actor], reorganisation_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[ReorganisationView]:  # fmt: skip
    command = PreviewReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=reorganisation_id,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, ReorganisationView, timeout=BULK))


@post(
    "/{reorganisation_id:str}/decisions",
    status_code=200,
    **about("上级教育行政部门核准或不予核准；核准后自动分批办理", "21.3", "44", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    reorganisation_id: Id,
    command_id: Given[str],
    data: JSONBody[ReorganisationDecision],
    if_match: IfMatch = None,
) -> Response[ReorganisationView]:
    command = DecideReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=reorganisation_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, ReorganisationView, timeout=BULK))


@post("/{reorganisation_id:str}/cancellation", status_code=200, **about("开始办理前取消", "44", problems=(415,)))
async def cancel(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    reorganisation_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[ReorganisationView]:
    command = CancelReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=reorganisation_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, ReorganisationView))


@post("/{reorganisation_id:str}/resumption", status_code=200, **about("中断后从中断处继续办理", "21.3", "44"))
async def resume(
    *, backend: Given[Backend], actor: Given[Actor], reorganisation_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[ReorganisationView]:  # fmt: skip
    command = ResumeReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=reorganisation_id,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, ReorganisationView))


@post(
    "/{reorganisation_id:str}/undo",
    status_code=200,
    **about("整体撤回；涉及的学籍之后有变动的，不能撤回", "21.3", "44", problems=(415,)),
)
async def undo(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    reorganisation_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[ReorganisationView]:
    command = UndoReorganisation(
        command_id=command_id,
        actor=actor,
        reorganisation_id=reorganisation_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, ReorganisationView, timeout=BULK))


@get("/{reorganisation_id:str}/report", **about("办理报告（各班办理前后人数及核对）", "21.3", produces=XLSX))
async def report(backend: Given[Backend], actor: Given[Actor], reorganisation_id: Id) -> Response[bytes]:
    query = GetReorganisationReport(actor=actor, reorganisation_id=reorganisation_id)
    made = await backend.ask(query, Template, timeout=20.0)
    return download(made)


router = Router(
    "/v1/reorganisations",
    route_handlers=[reorganisations, draft, reorganisation, revise, preview, decide, cancel, resume, undo, report],
    tags=["reorganisations"],
)
