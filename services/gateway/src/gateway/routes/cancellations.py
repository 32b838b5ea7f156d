"""Cancellations (注销, clause 22) and what keeps a record from being cancelled (保护, clause 18)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.clearing import (
    CancellationPage,
    CancellationState,
    CancellationView,
    ClearingChecked,
    DecideCancellation,
    EndProtection,
    GetCancellation,
    Ground,
    ListCancellations,
    ListProtections,
    PrecheckCancellation,
    ProposeCancellation,
    ProtectionKind,
    ProtectionPage,
    ProtectionView,
    ProtectRecord,
    ReinstateRecord,
    WithdrawCancellation,
)

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.corrections import StudentFilter
from gateway.routes.duplicates import Papers, RecordId
from gateway.routes.params import Because, Cursor, Id, Limit, Reason

ClauseId = Annotated[str, msgspec.Meta(pattern=r"^\d{1,2}(\.\d{1,2}){0,2}$")]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`violated`: the clause that the record was made against, for the ground `other_violation`."""

    student_id: RecordId
    ground: Ground
    reason: Reason
    violated: ClauseId | None = None


class Proposal(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    evidence: Papers


class Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: Literal["approve", "reject"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Protection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`since`: the day on which the pupil left; `report`: what the school reported."""

    student_id: RecordId
    kind: ProtectionKind
    since: date
    report: Reason
    evidence: Papers


class Ending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ended_on: date
    reason: Reason


def _cancellation(view: CancellationView, status: int = 200) -> Response[CancellationView]:
    return versioned(view, f"/v1/cancellations/{view.id}", status)


@post("/v1/cancellations", **about("提出注销学籍：五种情形之一，附查实材料", "22", "18", problems=(415,)))
async def propose(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Proposal]
) -> Response[CancellationView]:
    command = ProposeCancellation(
        command_id=command_id,
        actor=actor,
        cancellation_id=thing_id(actor, "cancellation", command_id),
        student_id=data.student_id,
        ground=data.ground,
        reason=data.reason,
        violated=data.violated,
        evidence=data.evidence,
    )
    return _cancellation(await backend.ask(command, CancellationView), 201)


@post(
    "/v1/cancellations/prechecks",
    status_code=200,
    **about("预检注销：同样的规则，不提交", "22", "18", problems=(415,)),
)
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Asked]
) -> ClearingChecked:
    query = PrecheckCancellation(
        actor=actor, student_id=data.student_id, ground=data.ground, reason=data.reason, violated=data.violated
    )
    return await backend.ask(query, ClearingChecked)


@get("/v1/cancellations", **about("注销学籍列表", "22"))
async def cancellations(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[CancellationState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    student: StudentFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> CancellationPage:
    query = ListCancellations(actor=actor, state=in_state, student_id=student, cursor=cursor, limit=limit)
    return await backend.ask(query, CancellationPage)


@get("/v1/cancellations/{cancellation_id:str}", **about("一项注销", "22"))
async def cancellation(backend: Given[Backend], actor: Given[Actor], cancellation_id: Id) -> Response[CancellationView]:
    query = GetCancellation(actor=actor, cancellation_id=cancellation_id)
    return _cancellation(await backend.ask(query, CancellationView))


@post(
    "/v1/cancellations/{cancellation_id:str}/decisions",
    status_code=200,
    **about("分管局长决定是否注销", "22", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    cancellation_id: Id,
    command_id: Given[str],
    data: JSONBody[Decided],
    if_match: IfMatch = None,
) -> Response[CancellationView]:
    command = DecideCancellation(
        command_id=command_id,
        actor=actor,
        cancellation_id=cancellation_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _cancellation(await backend.ask(command, CancellationView))


@post(
    "/v1/cancellations/{cancellation_id:str}/withdrawal",
    status_code=200,
    **about("撤回尚未决定的注销", "22", problems=(415,)),
)
async def withdraw(
    backend: Given[Backend],
    actor: Given[Actor],
    cancellation_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
) -> Response[CancellationView]:
    command = WithdrawCancellation(
        command_id=command_id, actor=actor, cancellation_id=cancellation_id, reason=data.reason
    )
    return _cancellation(await backend.ask(command, CancellationView))


@post(
    "/v1/cancellations/{cancellation_id:str}/reinstatement",
    status_code=200,
    **about("上级主管部门恢复被注销的学籍", "22", problems=(415,)),
)
async def reinstate(
    backend: Given[Backend],
    actor: Given[Actor],
    cancellation_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
) -> Response[CancellationView]:
    command = ReinstateRecord(command_id=command_id, actor=actor, cancellation_id=cancellation_id, reason=data.reason)
    return _cancellation(await backend.ask(command, CancellationView))


@post("/v1/protections", **about("登记学籍保护：失踪、被追究刑事责任、强制性教育措施", "18", problems=(415,)))
async def protect(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Protection]
) -> Response[ProtectionView]:
    command = ProtectRecord(
        command_id=command_id,
        actor=actor,
        protection_id=thing_id(actor, "protection", command_id),
        student_id=data.student_id,
        kind=data.kind,
        since=data.since,
        report=data.report,
        evidence=data.evidence,
    )
    return Response(await backend.ask(command, ProtectionView), status_code=201)


@get("/v1/protections", **about("受保护、不得注销的学籍", "18"))
async def protections(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    student: StudentFilter = None,
    in_force: Annotated[bool, QueryParameter(description="只看正在生效的")] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ProtectionPage:
    query = ListProtections(actor=actor, student_id=student, in_force=in_force, cursor=cursor, limit=limit)
    return await backend.ask(query, ProtectionPage)


@post(
    "/v1/protections/{protection_id:str}/ending",
    status_code=200,
    **about("原因消除，解除学籍保护", "18", problems=(415,)),
)
async def end(
    backend: Given[Backend],
    actor: Given[Actor],
    protection_id: Id,
    command_id: Given[str],
    data: JSONBody[Ending],
) -> ProtectionView:
    command = EndProtection(
        command_id=command_id, actor=actor, protection_id=protection_id, ended_on=data.ended_on, reason=data.reason
    )
    return await backend.ask(command, ProtectionView)


router = Router(
    "/",
    route_handlers=[
        propose,
        precheck,
        cancellations,
        cancellation,
        decide,
        withdraw,
        reinstate,
        protect,
        protections,
        end,
    ],
    tags=["cancellations"],
)
