"""Exports (导出): asked for, approved in writing by the authority, fetched once (clause 45.2)."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream
from service_kit.bus import BusError
from service_kit.clock import Clock
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.exports import (
    FIELDS,
    AttachApproval,
    CancelExport,
    DecideExport,
    DownloadExport,
    ExportField,
    ExportFile,
    ExportPage,
    ExportPrechecked,
    ExportProgress,
    ExportRequest,
    ExportSelection,
    ExportState,
    ExportView,
    GetApproval,
    GetExport,
    GetExportProgress,
    ListExports,
    PrecheckExport,
    Recipient,
    RequestExport,
    ResubmitExport,
)

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, IfMatch, expected_version, thing_id
from gateway.keyring import Caller
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Because, Cursor, Id, Limit, OrganisationIn
from gateway.sse import Watch
from gateway.upload import Upload, keep

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SCANS = "application/pdf image/jpeg image/png"
MOST_DOCUMENT = 10_000_000
"""Bytes of a scan; access looks at what it is."""
COUNTING = 20.0
"""Seconds for a request whose pupils are counted first."""
_PENDING = (ExportState.WAITING, ExportState.RETURNED, ExportState.MAKING)


class SelectionIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`organisation`: a school, or an authority with all schools below it."""

    organisation: OrganisationIn
    grade: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    class_no: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    state: Literal["in_school"] | None = None


class RecipientIn(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`inside`: an organisation of this system, by `code`. `outside`: another body, by `name`."""

    kind: Literal["inside", "outside"]
    code: OrganisationIn | None = None
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ExportIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fields`: keys of `GET /v1/exports/fields`. `expires_on`: the last day on which the file may be fetched."""

    fields: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=60)], ...], msgspec.Meta(max_length=60)]
    selection: SelectionIn
    recipient: RecipientIn
    purpose: Annotated[
        str,
        msgspec.Meta(
            max_length=200,
            pattern=r"^(?![\s\S]*\d{6})[\s\S]*$",
            description="用途：一句话，4 至 200 个字，不得写入证件号、学籍号、电话等号码",
        ),
    ]
    expires_on: date

    def asked(self) -> ExportRequest:
        chosen, to = self.selection, self.recipient
        return ExportRequest(
            fields=self.fields,
            selection=ExportSelection(
                organisation=chosen.organisation,
                grade=chosen.grade,
                class_no=chosen.class_no,
                state=chosen.state,
            ),
            recipient=Recipient(kind=to.kind, code=to.code, name=to.name),
            purpose=self.purpose,
            expires_on=self.expires_on,
        )


class ExportDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one step of an export is the leader's."""

    decision: Literal["approve", "reject", "return"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    step: Literal["leader"] = "leader"


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What may be exported; nothing else can be."""

    items: tuple[ExportField, ...]


def _export(view: ExportView, status: int = 200) -> Response[ExportView]:
    return versioned(view, f"/v1/exports/{view.id}", status)


async def _look(backend: Backend, actor: Actor, export_id: str) -> ExportView:
    """The export; while its file is being made, with how far it is."""
    view = await backend.ask(GetExport(actor=actor, export_id=export_id), ExportView)
    if view.state is not ExportState.MAKING:
        return view
    try:
        progress = await backend.ask(GetExportProgress(actor=actor, export_id=export_id), ExportProgress)
    except BusError:
        return view  # the registry is away: the export itself can be looked at
    except ProblemError as problem:
        if problem.kind in ("timeout", "unavailable"):
            return view
        if problem.kind != "not_found":
            raise
        # The approval is on its way to the registry.
        progress = ExportProgress(state="waiting", done=0, total=view.rows)
    return msgspec.structs.replace(view, progress=progress)


@get("/fields", **about("可导出字段目录及敏感程度", "45.2"))
async def fields() -> Catalogue:
    return Catalogue(items=FIELDS)


@post("/", **about("申请导出学籍信息", "45.2"))
async def ask(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[ExportIn]
) -> Response[ExportView]:
    export_id = thing_id(actor, "export", command_id)
    command = RequestExport(command_id=command_id, actor=actor, export_id=export_id, request=data.asked())
    return _export(await backend.ask(command, ExportView, timeout=COUNTING), 201)


@post("/prechecks", status_code=200, **about("预检：同样的规则，不建立申请", "45.2"))
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[ExportIn]
) -> ExportPrechecked:
    query = PrecheckExport(actor=actor, request=data.asked())
    return await backend.ask(query, ExportPrechecked, timeout=COUNTING)


@get("/", **about("导出申请列表：本校的，或所辖范围内的", "45.2"))
async def exports(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[ExportState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ExportPage:
    return await backend.ask(ListExports(actor=actor, state=in_state, cursor=cursor, limit=limit), ExportPage)


@get("/{export_id:str}", **about("导出申请的状态、经过与进度", "45.2"))
async def export(backend: Given[Backend], actor: Given[Actor], export_id: Id) -> Response[ExportView]:
    return _export(await _look(backend, actor, export_id))


@get(
    "/{export_id:str}/events",
    **about(
        "导出进度（Server-Sent Events）：progress 事件为申请的当前内容，end 事件表示文件已生成或不会再生成",
        "45.2",
        produces="text/event-stream",
    ),
)
async def events(
    *,
    request: Request[Actor, Caller, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    clock: Given[Clock],
    closing: Given[asyncio.Event],
    export_id: Id,
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=64)] = None,
) -> Stream:
    return await Watch(
        ask=lambda: _look(backend, actor, export_id),
        done=lambda view: view.state not in _PENDING,
        seconds=request.auth.seconds_left(clock.now()),
        closing=closing,
        last_event_id=last_event_id or "",
    ).response()


@post("/{export_id:str}/resubmission", status_code=200, **about("补正被退回的申请并重新提交", "45.2"))
async def resubmit(
    backend: Given[Backend], actor: Given[Actor], export_id: Id, command_id: Given[str], data: JSONBody[ExportIn]
) -> Response[ExportView]:
    command = ResubmitExport(command_id=command_id, actor=actor, export_id=export_id, request=data.asked())
    return _export(await backend.ask(command, ExportView, timeout=COUNTING))


@post("/{export_id:str}/cancellation", status_code=200, **about("撤销尚未核准的申请", "45.2"))
async def cancel(
    backend: Given[Backend], actor: Given[Actor], export_id: Id, command_id: Given[str], data: JSONBody[Because]
) -> Response[ExportView]:
    command = CancelExport(command_id=command_id, actor=actor, export_id=export_id, reason=data.reason)
    return _export(await backend.ask(command, ExportView))


@post(
    "/{export_id:str}/approval-document",
    status_code=200,
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传书面核准文件（PDF、JPEG、PNG）", "45.2", problems=(413, 415), consumes="multipart/form-data"),
)
async def attach(
    request: Request[Actor, Any, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    export_id: Id,
    command_id: Given[str],
) -> Response[ExportView]:
    """The scan is named after its content: the same file under the same key is the same command."""
    incoming = Upload(request, MOST_DOCUMENT, cure="请降低扫描分辨率后重新上传。")
    await incoming.begin()
    document = await keep(backend.files, incoming, "approval", command_id, MOST_DOCUMENT)
    command = AttachApproval(command_id=command_id, actor=actor, export_id=export_id, document=document)
    try:
        return _export(await backend.ask(command, ExportView))
    except ProblemError as problem:
        if problem.kind != "unavailable":  # then a repeat may find that it was attached
            await backend.files.delete(document.id)
        raise


@get(
    "/{export_id:str}/approval-document",
    **about("下载书面核准文件", "45.2", produces=SCANS),
)
async def approval_document(backend: Given[Backend], actor: Given[Actor], export_id: Id) -> Stream:
    view = await backend.ask(GetApproval(actor=actor, export_id=export_id), ExportView)
    if view.approval_document is None:
        raise ProblemError("not_found", "还没有上传书面核准文件。")
    return await backend.download(view.approval_document, view.approval_document.name)


@post("/{export_id:str}/decisions", status_code=200, **about("核准、不予核准或退回", "45.2"))
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    export_id: Id,
    command_id: Given[str],
    data: JSONBody[ExportDecision],
    if_match: IfMatch = None,
) -> Response[ExportView]:
    command = DecideExport(
        command_id=command_id,
        actor=actor,
        export_id=export_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _export(await backend.ask(command, ExportView))


@post(
    "/{export_id:str}/download",
    status_code=200,
    **about("下载导出文件：只能一次；中断的，15 分钟内以同一 Idempotency-Key 重取", "45.2", produces=XLSX),
)
async def download(
    backend: Given[Backend], actor: Given[Actor], clock: Given[Clock], export_id: Id, command_id: Given[str]
) -> Stream:
    command = DownloadExport(command_id=command_id, actor=actor, export_id=export_id)
    leaving = await backend.ask(command, ExportFile)
    if clock.now() >= leaving.available_until:
        raise ProblemError("conflict", "下载后 15 分钟的重取时间已过，文件已删除。仍需要的，请重新申请。")
    return await backend.download(leaving.file, f"{leaving.number}.xlsx")


router = Router(
    "/v1/exports",
    route_handlers=[
        fields,
        ask,
        precheck,
        exports,
        export,
        events,
        resubmit,
        cancel,
        attach,
        approval_document,
        decide,
        download,
    ],
    tags=["exports"],
)
