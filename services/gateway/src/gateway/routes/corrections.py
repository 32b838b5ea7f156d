"""Corrections of key fields (关键信息更正, clause 40): name, sex, document, family members' documents; never a birth date."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.clearing import (
    CaseDecision,
    ClearingChecked,
    CorrectionPage,
    CorrectionState,
    CorrectionStep,
    CorrectionView,
    DecideCorrection,
    GetCorrection,
    ListCorrections,
    OpenCorrection,
    PrecheckCorrection,
    ResubmitCorrection,
    WithdrawCorrection,
)
from shared_contracts.discreet import Discreet
from shared_contracts.identity import KeyFields, Member

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import (
    IdempotencyKey,
    IfMatch,
    expected_version,
    required_version,
    thing_id,
)
from gateway.openapi import about
from gateway.routes.duplicates import Papers, RecordId
from gateway.routes.params import Because, Cursor, Id, Limit, Reason

StudentFilter = Annotated[
    str | None, QueryParameter(name="student", pattern=r"^[A-Za-z0-9-]{1,64}$", description="只看这名学生的")
]


class MemberDocument(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document of family member `slot` of the form, as a whole; an empty number: the member has none any more."""

    slot: Literal[1, 2]
    document_kind: Annotated[str, msgspec.Meta(max_length=2)] = ""
    document_number: Annotated[str, msgspec.Meta(max_length=30)] = ""


class Values(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values; what is not given stays. `sex`: 1 男, 2 女. `document_kind`: code of SFZJLX_FORM."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    sex: Literal["1", "2"] | None = None
    document_kind: Annotated[str, msgspec.Meta(min_length=1, max_length=2)] | None = None
    document_number: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    members: Annotated[tuple[MemberDocument, ...], msgspec.Meta(max_length=2)] = ()

    @property
    def fields(self) -> KeyFields:
        members = tuple(Member(**msgspec.structs.asdict(member)) for member in self.members)
        return KeyFields(**msgspec.structs.asdict(msgspec.structs.replace(self, members=())) | {"members": members})


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    student_id: RecordId
    values: Values


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    student_id: RecordId
    values: Values
    reason: Reason
    evidence: Papers


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the correction asks for now, as a whole; `evidence`: files to add."""

    values: Values
    reason: Reason
    evidence: Papers = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    step: CorrectionStep
    decision: CaseDecision
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _correction(view: CorrectionView, status: int = 200) -> Response[CorrectionView]:
    return versioned(view, f"/v1/corrections/{view.id}", status)


@post("/", **about("申请更正关键信息（附户口簿等材料）", "40", problems=(415,)))
async def apply(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Application]
) -> Response[CorrectionView]:
    command = OpenCorrection(
        command_id=command_id,
        actor=actor,
        correction_id=thing_id(actor, "correction", command_id),
        student_id=data.student_id,
        values=data.values.fields,
        reason=data.reason,
        evidence=data.evidence,
    )
    return _correction(await backend.ask(command, CorrectionView), 201)


@post("/prechecks", status_code=200, **about("预检更正：同样的规则，不提交", "40", "15.2", problems=(415,)))
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Asked]
) -> ClearingChecked:
    query = PrecheckCorrection(actor=actor, student_id=data.student_id, values=data.values.fields)
    return await backend.ask(query, ClearingChecked)


@get("/", **about("关键信息更正列表", "40"))
async def corrections(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[CorrectionState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    student: StudentFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> CorrectionPage:
    query = ListCorrections(actor=actor, state=in_state, student_id=student, cursor=cursor, limit=limit)
    return await backend.ask(query, CorrectionPage)


@get("/{correction_id:str}", **about("一项关键信息更正", "40"))
async def correction(backend: Given[Backend], actor: Given[Actor], correction_id: Id) -> Response[CorrectionView]:
    return _correction(await backend.ask(GetCorrection(actor=actor, correction_id=correction_id), CorrectionView))


@post("/{correction_id:str}/decisions", status_code=200, **about("审核更正的一步", "40", "3.1", problems=(415,)))
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    correction_id: Id,
    command_id: Given[str],
    data: JSONBody[Decided],
    if_match: IfMatch = None,
) -> Response[CorrectionView]:
    command = DecideCorrection(
        command_id=command_id,
        actor=actor,
        correction_id=correction_id,
        step=data.step,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _correction(await backend.ask(command, CorrectionView))


@post(
    "/{correction_id:str}/resubmission",
    status_code=200,
    **about("补正退回的更正并重新提交", "40", problems=(415, 428)),
)
async def resubmit(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    correction_id: Id,
    command_id: Given[str],
    data: JSONBody[Again],
    if_match: IfMatch = None,
) -> Response[CorrectionView]:
    command = ResubmitCorrection(
        command_id=command_id,
        actor=actor,
        correction_id=correction_id,
        values=data.values.fields,
        reason=data.reason,
        evidence=data.evidence,
        version=required_version(if_match),
    )
    return _correction(await backend.ask(command, CorrectionView))


@post("/{correction_id:str}/withdrawal", status_code=200, **about("撤回尚未核准的更正", "40", problems=(415,)))
async def withdraw(
    backend: Given[Backend],
    actor: Given[Actor],
    correction_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
) -> Response[CorrectionView]:
    command = WithdrawCorrection(command_id=command_id, actor=actor, correction_id=correction_id, reason=data.reason)
    return _correction(await backend.ask(command, CorrectionView))


router = Router(
    "/v1/corrections",
    route_handlers=[apply, precheck, corrections, correction, decide, resubmit, withdraw],
    tags=["corrections"],
)
