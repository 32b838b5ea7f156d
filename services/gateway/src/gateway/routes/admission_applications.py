"""Applications beside the placement by zone: deferral (6), migrant children (7), private schools (8), international (9)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    AdmitPrivately,
    ApplicationKind,
    ApplicationPage,
    ApplicationView,
    ApplyAsMigrant,
    ApplyForDeferral,
    ApplyInternationally,
    ChildGiven,
    DecideApplication,
    GetApplication,
    ListApplications,
    PrivateAdmissions,
    StageName,
)
from shared_contracts.discreet import Discreet
from shared_contracts.evidence import EvidenceGiven

from gateway.answers import versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.admissions import IdIn
from gateway.routes.attendance_zones import Address, Division, SchoolIn
from gateway.routes.children import Name
from gateway.routes.params import Cursor, Id, Limit, Reason

Evidence = Annotated[tuple[EvidenceGiven, ...], msgspec.Meta(max_length=20)]
InState = Annotated[
    Literal["open", "approved", "rejected"] | None, QueryParameter(name="state", description="只看这种状态的")
]


class Child(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`division`, `address`: where the child lives. The document number goes to the identity service and stays there."""

    name: Name
    sex: Literal["1", "2"]
    birth_date: date
    document_kind: Annotated[str, msgspec.Meta(min_length=1, max_length=4)]
    document_number: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    division: Division
    address: Address
    guardian: Name
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]

    @property
    def given(self) -> ChildGiven:
        return ChildGiven(**msgspec.structs.asdict(self))


class Deferral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    child_id: IdIn
    cause: Literal["health", "other"]
    reason: Reason
    institution: Annotated[str, msgspec.Meta(max_length=100)] = ""
    evidence: Evidence = ()


class MigrantApplication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`evidence`: residence permits (`residence_permit`) and the household booklet (`household_register`), nothing else."""

    child: Child
    stage: StageName = "primary"
    evidence: Evidence = ()


class InternationalApplication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    child: Child
    stage: StageName = "primary"
    evidence: Evidence = ()


class Applicants(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    applicants: Annotated[tuple[Child, ...], msgspec.Meta(min_length=1, max_length=500)]
    stage: StageName = "primary"
    dry_run: bool = False


class ApplicationDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`school`: where the authority assigns a migrant child."""

    step: Literal["school", "authority"]
    decision: Literal["approve", "reject"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    school: SchoolIn | None = None


def _application(view: ApplicationView, path: str, status: int = 200) -> Response[ApplicationView]:
    return versioned(view, f"/v1/{path}/{view.id}", status)


async def _decide(
    backend: Backend,
    actor: Actor,
    kind: ApplicationKind,
    application_id: str,
    command_id: str,
    data: ApplicationDecision,
    version: int | None,
) -> ApplicationView:
    command = DecideApplication(
        command_id=command_id,
        actor=actor,
        application_id=application_id,
        kind=kind,
        step=data.step,
        decision=data.decision,
        reason=data.reason,
        school=data.school,
        version=version,
    )
    return await backend.ask(command, ApplicationView)


# ---- deferral (6) ------------------------------------------------------------------------------------------------------


@post("/", **about("受理延缓入学申请", "6", problems=(415,)))
async def defer(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Deferral]
) -> Response[ApplicationView]:
    command = ApplyForDeferral(
        command_id=command_id,
        actor=actor,
        application_id=thing_id(actor, "deferral", command_id),
        child_id=data.child_id,
        cause=data.cause,
        reason=data.reason,
        institution=data.institution,
        evidence=data.evidence,
    )
    return _application(await backend.ask(command, ApplicationView), "deferrals", 201)


@get("/", **about("延缓入学申请列表", "6"))
async def deferrals(
    backend: Given[Backend], actor: Given[Actor], in_state: InState = None, cursor: Cursor = None, limit: Limit = 50
) -> ApplicationPage:
    query = ListApplications(actor=actor, kind="deferral", state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, ApplicationPage)


@get("/{deferral_id:str}", **about("一项延缓入学申请", "6"))
async def deferral(backend: Given[Backend], actor: Given[Actor], deferral_id: Id) -> Response[ApplicationView]:
    query = GetApplication(actor=actor, application_id=deferral_id, kind="deferral")
    return _application(await backend.ask(query, ApplicationView), "deferrals")


@post("/{deferral_id:str}/decisions", status_code=200, **about("办理延缓入学申请的一步", "6", problems=(415,)))
async def decide_deferral(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    deferral_id: Id,
    command_id: Given[str],
    data: JSONBody[ApplicationDecision],
    if_match: IfMatch = None,
) -> Response[ApplicationView]:
    version = expected_version(if_match)
    view = await _decide(backend, actor, "deferral", deferral_id, command_id, data, version)
    return _application(view, "deferrals")


# ---- migrant children (7) ----------------------------------------------------------------------------------------------


@post("/", **about("受理随迁子女就学申请：只凭居住证和户口簿", "7", problems=(415,)))
async def apply_migrant(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[MigrantApplication]
) -> Response[ApplicationView]:
    command = ApplyAsMigrant(
        command_id=command_id,
        actor=actor,
        application_id=thing_id(actor, "migrant", command_id),
        child=data.child.given,
        stage=data.stage,
        evidence=data.evidence,
    )
    return _application(await backend.ask(command, ApplicationView, timeout=20.0), "migrant-applications", 201)


@get("/", **about("随迁子女就学申请列表", "7"))
async def migrants(
    backend: Given[Backend], actor: Given[Actor], in_state: InState = None, cursor: Cursor = None, limit: Limit = 50
) -> ApplicationPage:
    query = ListApplications(actor=actor, kind="migrant", state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, ApplicationPage)


@get("/{migrant_id:str}", **about("一项随迁子女就学申请，含可安排的学校（公办优先、相对就近）", "7"))
async def migrant(backend: Given[Backend], actor: Given[Actor], migrant_id: Id) -> Response[ApplicationView]:
    query = GetApplication(actor=actor, application_id=migrant_id, kind="migrant")
    return _application(await backend.ask(query, ApplicationView), "migrant-applications")


@post("/{migrant_id:str}/decisions", status_code=200, **about("安排随迁子女就读的学校", "7", "4.3", problems=(415,)))
async def decide_migrant(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    migrant_id: Id,
    command_id: Given[str],
    data: JSONBody[ApplicationDecision],
    if_match: IfMatch = None,
) -> Response[ApplicationView]:
    version = expected_version(if_match)
    view = await _decide(backend, actor, "migrant", migrant_id, command_id, data, version)
    return _application(view, "migrant-applications")


# ---- international pupils (9) ------------------------------------------------------------------------------------------


@post("/", **about("受理国际学生就读申请", "9", problems=(415,)))
async def apply_international(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[InternationalApplication]
) -> Response[ApplicationView]:
    command = ApplyInternationally(
        command_id=command_id,
        actor=actor,
        application_id=thing_id(actor, "international", command_id),
        child=data.child.given,
        stage=data.stage,
        evidence=data.evidence,
    )
    view = await backend.ask(command, ApplicationView, timeout=20.0)
    return _application(view, "international-applications", 201)


@get("/", **about("国际学生就读申请列表", "9"))
async def internationals(
    backend: Given[Backend], actor: Given[Actor], in_state: InState = None, cursor: Cursor = None, limit: Limit = 50
) -> ApplicationPage:
    query = ListApplications(actor=actor, kind="international", state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, ApplicationPage)


@get("/{international_id:str}", **about("一项国际学生就读申请", "9"))
async def international(
    backend: Given[Backend], actor: Given[Actor], international_id: Id
) -> Response[ApplicationView]:
    query = GetApplication(actor=actor, application_id=international_id, kind="international")
    return _application(await backend.ask(query, ApplicationView), "international-applications")


@post(
    "/{international_id:str}/decisions",
    status_code=200,
    **about("学校、主管教育行政部门同意国际学生就读", "9", "4.3", problems=(415,)),
)
async def decide_international(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    international_id: Id,
    command_id: Given[str],
    data: JSONBody[ApplicationDecision],
    if_match: IfMatch = None,
) -> Response[ApplicationView]:
    version = expected_version(if_match)
    view = await _decide(backend, actor, "international", international_id, command_id, data, version)
    return _application(view, "international-applications")


# ---- private schools (8) -----------------------------------------------------------------------------------------------


@post(
    "/",
    status_code=200,
    **about("民办学校按经批准的招生方案录取：全部录取，或全部不办；dry_run 时只检查", "8", "4.3", problems=(415,)),
)
async def admit_privately(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Applicants]
) -> PrivateAdmissions:
    command = AdmitPrivately(
        command_id=command_id,
        actor=actor,
        list_id=thing_id(actor, "private", command_id),
        applicants=tuple(child.given for child in data.applicants),
        stage=data.stage,
        dry_run=data.dry_run,
    )
    return await backend.ask(command, PrivateAdmissions, timeout=BULK)


router = Router(
    "/v1",
    route_handlers=[
        Router("/deferrals", route_handlers=[defer, deferrals, deferral, decide_deferral]),
        Router("/migrant-applications", route_handlers=[apply_migrant, migrants, migrant, decide_migrant]),
        Router(
            "/international-applications",
            route_handlers=[apply_international, internationals, international, decide_international],
        ),
        Router("/private-admissions", route_handlers=[admit_privately]),
    ],
    tags=["admissions"],
)
