"""Pairs of records that may be one pupil's (查重): searched for, heard, decided, taken back (clauses 20.1, 39)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.clearing import (
    DecideDuplicate,
    DuplicatePage,
    DuplicateState,
    DuplicateView,
    GetDuplicate,
    GetScan,
    ListDuplicates,
    ListScans,
    Position,
    ReportDuplicate,
    ScanPage,
    ScanView,
    StartScan,
    StateDuplicate,
    UndoDuplicate,
)
from shared_contracts.discreet import Discreet
from shared_contracts.evidence import EvidenceGiven

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Id, Limit, OrganisationIn, Reason

RecordId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Papers = Annotated[tuple[EvidenceGiven, ...], msgspec.Meta(max_length=20)]
"""Uploaded files by their ids, in order."""


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose records are searched: a school, or an authority with everything under it."""

    organisation: OrganisationIn


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    record_ids: tuple[RecordId, RecordId]
    reason: Reason


class Statement(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`position`: one pupil, two pupils, cannot tell."""

    position: Position
    text: Reason
    evidence: Papers = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`different`: two pupils, for good. `correct`: `record_id` has to be corrected. `cancel`: `record_id` is kept, the other
    one proposed for cancellation, which the leader decides."""

    decision: Literal["different", "correct", "cancel"]
    reason: Reason
    record_id: RecordId | None = None
    evidence: Papers = ()


def _pair(view: DuplicateView, status: int = 200) -> Response[DuplicateView]:
    return versioned(view, f"/v1/duplicates/{view.id}", status)


@post("/scans", **about("开始查重：本校或所辖范围的全部学籍，与全省比对", "20.1", problems=(415,)))
async def start(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Scope]
) -> Response[ScanView]:
    scan_id = thing_id(actor, "duplicate-scan", command_id)
    command = StartScan(command_id=command_id, actor=actor, scan_id=scan_id, organisation=data.organisation)
    view = await backend.ask(command, ScanView)
    return Response(view, status_code=201, headers={"Location": f"/v1/duplicates/scans/{view.id}"})


@get("/scans", **about("查重记录与进度", "20.1"))
async def scans(backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50) -> ScanPage:
    return await backend.ask(ListScans(actor=actor, cursor=cursor, limit=limit), ScanPage)


@get("/scans/{scan_id:str}", **about("一次查重的进度", "20.1"))
async def scan(backend: Given[Backend], actor: Given[Actor], scan_id: Id) -> ScanView:
    return await backend.ask(GetScan(actor=actor, scan_id=scan_id), ScanView)


@get("/", **about("疑似重复学籍：本校或所辖学校涉及的，成对列出", "20.1", "39"))
async def duplicates(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[DuplicateState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    to_decide: Annotated[bool, QueryParameter(description="只看由本部门处理的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DuplicatePage:
    query = ListDuplicates(actor=actor, state=in_state, to_decide=to_decide, cursor=cursor, limit=limit)
    return await backend.ask(query, DuplicatePage)


@post("/", **about("登记两份可能是同一人的学籍", "20.1", "39", problems=(415,)))
async def report(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Report]
) -> Response[DuplicateView]:
    command = ReportDuplicate(command_id=command_id, actor=actor, record_ids=data.record_ids, reason=data.reason)
    return _pair(await backend.ask(command, DuplicateView), 201)


@get("/{duplicate_id:str}", **about("一对疑似重复学籍", "20.1", "39"))
async def duplicate(backend: Given[Backend], actor: Given[Actor], duplicate_id: Id) -> Response[DuplicateView]:
    return _pair(await backend.ask(GetDuplicate(actor=actor, duplicate_id=duplicate_id), DuplicateView))


@post("/{duplicate_id:str}/statements", status_code=200, **about("学校陈述意见，附证明材料", "39", problems=(415,)))
async def state(
    backend: Given[Backend],
    actor: Given[Actor],
    duplicate_id: Id,
    command_id: Given[str],
    data: JSONBody[Statement],
) -> Response[DuplicateView]:
    command = StateDuplicate(
        command_id=command_id,
        actor=actor,
        duplicate_id=duplicate_id,
        position=data.position,
        text=data.text,
        evidence=data.evidence,
    )
    return _pair(await backend.ask(command, DuplicateView))


@post(
    "/{duplicate_id:str}/decisions",
    status_code=200,
    **about("处理：不是同一人、更正其一、或保留一份注销另一份", "39", "22", "40", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    duplicate_id: Id,
    command_id: Given[str],
    data: JSONBody[Decision],
    if_match: IfMatch = None,
) -> Response[DuplicateView]:
    command = DecideDuplicate(
        command_id=command_id,
        actor=actor,
        duplicate_id=duplicate_id,
        decision=data.decision,
        reason=data.reason,
        record_id=data.record_id,
        evidence=data.evidence,
        version=expected_version(if_match),
    )
    return _pair(await backend.ask(command, DuplicateView))


@post(
    "/{duplicate_id:str}/undo",
    status_code=200,
    **about("撤销处理；合并的在没有其他变动时原样恢复", "39", "22", problems=(415,)),
)
async def undo(
    backend: Given[Backend], actor: Given[Actor], duplicate_id: Id, command_id: Given[str], data: JSONBody[Because]
) -> Response[DuplicateView]:
    command = UndoDuplicate(command_id=command_id, actor=actor, duplicate_id=duplicate_id, reason=data.reason)
    return _pair(await backend.ask(command, DuplicateView))


router = Router(
    "/v1/duplicates",
    route_handlers=[start, scans, scan, duplicates, report, duplicate, state, decide, undo],
    tags=["duplicates"],
)
