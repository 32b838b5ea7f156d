"""Enrolment plans: set by authorities, filed in the same act, changed at a school's request (clause 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.files import Template
from shared_contracts.plans import (
    AskPlanChange,
    ChangePage,
    ChangeState,
    ChangeView,
    DecidePlanChange,
    GetPlan,
    GetPlanChange,
    GetPlanTemplate,
    ListPlanChanges,
    ListPlans,
    PlanGiven,
    PlanPage,
    PlanPrechecked,
    PlansChecked,
    PlansSet,
    PlanState,
    PlanView,
    PrecheckPlanChange,
    PrecheckPlans,
    ReadPlans,
    ReturnPlan,
    SetPlans,
    StageCode,
    WithdrawPlanChange,
)

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Id, Limit, OrganisationCode, Reason
from gateway.routes.rosters import XLSX
from gateway.upload import Upload, passing

CURE = "请使用下载的招生计划表填写后上传。"
MOST = 1_000

Year = Annotated[int, QueryParameter(ge=2000, le=2100, description="秋季入学的年份，如2026")]
SomeYear = Annotated[int | None, QueryParameter(ge=2000, le=2100, description="秋季入学的年份，如2026")]
Classes = Annotated[int, msgspec.Meta(ge=0, le=200)]
Places = Annotated[int, msgspec.Meta(ge=0, le=9_999)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`school_year`: the year in which it begins. `version`: of the plan that this one replaces, 0 where there is none;
    without it whatever is there is replaced."""

    school: Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]
    school_year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]
    stage: StageCode
    classes: Classes
    places: Places
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    version: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


class Plans(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plans: Annotated[tuple[Plan, ...], msgspec.Meta(min_length=1, max_length=MOST)]

    def given(self) -> tuple[PlanGiven, ...]:
        return tuple(PlanGiven(**msgspec.structs.asdict(plan)) for plan in self.plans)


class Numbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    classes: Classes
    places: Places


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    classes: Annotated[int, msgspec.Meta(ge=1, le=200)]
    places: Annotated[int, msgspec.Meta(ge=1, le=9_999)]
    reason: Reason


class PlanDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`classes`, `places`: what is granted where it is not what was asked for. `reason`: needed to reject."""

    decision: Literal["approve", "reject"]
    classes: Annotated[int, msgspec.Meta(ge=1, le=200)] | None = None
    places: Annotated[int, msgspec.Meta(ge=1, le=9_999)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _plan(view: PlanView) -> Response[PlanView]:
    return Response(view, headers=etag(view.version))


def _change(view: ChangeView, status: int = 200) -> Response[ChangeView]:
    return versioned(view, f"/v1/enrolment-plan-changes/{view.id}", status)


# ---- plans ------------------------------------------------------------------------------------------------------------


@get("/", **about("招生计划列表：班数、学位、已占用和剩余；filed=true 为报送本级备案的", "4.2", "4.3"))
async def plans(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school_year: SomeYear = None,
    school: OrganisationCode = None,
    stage: Annotated[StageCode | None, QueryParameter(description="学段")] = None,
    in_state: Annotated[
        PlanState | None, QueryParameter(name="state", description="in_force 生效，returned 被退回")
    ] = None,
    filed: Annotated[bool, QueryParameter(description="只看报送本级备案的")] = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> PlanPage:
    query = ListPlans(
        actor=actor,
        school_year=school_year,
        school=school,
        stage=stage,
        state=in_state,
        filed=filed,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, PlanPage)


@post("/", **about("下达招生计划并报备案：一项或多项，全部生效或全部不下达", "4.2", "4.3", problems=(415,)))
async def set_plans(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Plans]
) -> PlansSet:
    command = SetPlans(command_id=command_id, actor=actor, plans=data.given())
    return await backend.ask(command, PlansSet, timeout=BULK)


@post("/prechecks", status_code=200, **about("预检招生计划：逐项列出结果，不下达", "4.2", "4.3", problems=(415,)))
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Plans]
) -> PlansChecked:
    return await backend.ask(PrecheckPlans(actor=actor, plans=data.given()), PlansChecked, timeout=BULK)


@get("/workbook", **about("招生计划表：已填好所管学校和现行计划", "4.2", produces=XLSX))
async def workbook(backend: Given[Backend], actor: Given[Actor], school_year: Year) -> Response[bytes]:
    made = await backend.ask(GetPlanTemplate(actor=actor, school_year=school_year), Template, timeout=BULK)
    return download(made)


@post(
    "/workbook-prechecks",
    status_code=200,
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传招生计划表并逐行检查（不下达）", "4.2", problems=(413, 415), consumes="multipart/form-data"),
)
async def read_workbook(
    *,
    request: Request[Actor, Any, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    command_id: Given[str],
    school_year: Year,
) -> PlansChecked:
    """The workbook is read while the caller waits, and kept no longer than that."""
    file_id = derived("file", thing_id(actor, "plans", command_id))
    async with passing(
        backend.files, Upload(request, backend.max_upload, cure=CURE), file_id, backend.max_upload
    ) as file:
        query = ReadPlans(actor=actor, file=file, school_year=school_year)
        return await backend.ask(query, PlansChecked, timeout=BULK)


@get("/{plan_id:str}", **about("一项招生计划和它的全部版本", "4.2", "4.4"))
async def plan(backend: Given[Backend], actor: Given[Actor], plan_id: Id) -> Response[PlanView]:
    return _plan(await backend.ask(GetPlan(actor=actor, plan_id=plan_id), PlanView))


@post(
    "/{plan_id:str}/returns",
    status_code=200,
    **about("备案机关退回一项招生计划：重新下达之前不再占用新的学位", "4.2", problems=(415,)),
)
async def return_plan(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    plan_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[PlanView]:
    command = ReturnPlan(
        command_id=command_id, actor=actor, plan_id=plan_id, reason=data.reason, version=expected_version(if_match)
    )
    return _plan(await backend.ask(command, PlanView))


@post("/{plan_id:str}/changes", **about("学校申请调整招生计划", "4.4", problems=(415,)))
async def ask_change(
    backend: Given[Backend], actor: Given[Actor], plan_id: Id, command_id: Given[str], data: JSONBody[Change]
) -> Response[ChangeView]:
    command = AskPlanChange(
        command_id=command_id,
        actor=actor,
        change_id=thing_id(actor, "plan_change", command_id),
        plan_id=plan_id,
        classes=data.classes,
        places=data.places,
        reason=data.reason,
    )
    return _change(await backend.ask(command, ChangeView), 201)


@post(
    "/{plan_id:str}/change-prechecks",
    status_code=200,
    **about("预检招生计划调整：按规则逐条说明，不提出申请", "4.2", "4.4", problems=(415,)),
)
async def precheck_change(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    plan_id: Id,
    idempotency_key: IdempotencyKey,
    data: JSONBody[Numbers],
) -> PlanPrechecked:
    query = PrecheckPlanChange(actor=actor, plan_id=plan_id, classes=data.classes, places=data.places)
    return await backend.ask(query, PlanPrechecked)


# ---- changes ----------------------------------------------------------------------------------------------------------


@get("/", **about("招生计划调整申请列表", "4.4"))
async def changes(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    plan_id: Annotated[str | None, QueryParameter(pattern=r"^[A-Za-z0-9-]{1,64}$", description="招生计划")] = None,
    school_year: SomeYear = None,
    in_state: Annotated[ChangeState | None, QueryParameter(name="state", description="waiting 待审批 等")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> ChangePage:
    query = ListPlanChanges(
        actor=actor, plan_id=plan_id, school_year=school_year, state=in_state, cursor=cursor, limit=limit
    )
    return await backend.ask(query, ChangePage)


@get("/{change_id:str}", **about("一项招生计划调整申请", "4.4"))
async def change(backend: Given[Backend], actor: Given[Actor], change_id: Id) -> Response[ChangeView]:
    return _change(await backend.ask(GetPlanChange(actor=actor, change_id=change_id), ChangeView))


@post(
    "/{change_id:str}/decisions",
    status_code=200,
    **about("审批招生计划调整：批准（可改数）即为新的版本，或不批准", "4.4", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    change_id: Id,
    command_id: Given[str],
    data: JSONBody[PlanDecision],
    if_match: IfMatch = None,
) -> Response[ChangeView]:
    command = DecidePlanChange(
        command_id=command_id,
        actor=actor,
        change_id=change_id,
        version=expected_version(if_match),
        **msgspec.structs.asdict(data),
    )
    return _change(await backend.ask(command, ChangeView))


@post("/{change_id:str}/withdrawal", status_code=200, **about("学校撤回招生计划调整申请", "4.4"))
async def withdraw(
    backend: Given[Backend], actor: Given[Actor], change_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[ChangeView]:
    command = WithdrawPlanChange(
        command_id=command_id, actor=actor, change_id=change_id, version=expected_version(if_match)
    )
    return _change(await backend.ask(command, ChangeView))


router = Router(
    "/v1",
    route_handlers=[
        Router(
            "/enrolment-plans",
            route_handlers=[
                plans,
                set_plans,
                precheck,
                workbook,
                read_workbook,
                plan,
                return_plan,
                ask_change,
                precheck_change,
            ],
        ),
        Router("/enrolment-plan-changes", route_handlers=[changes, change, decide, withdraw]),
    ],
    tags=["enrolment-plans"],
)
