"""Rosters (名册): a school's new pupils in one workbook. Upload, check, confirm, result; then the steps of clause 15.1."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream
from service_kit.clock import Clock
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.registry import (
    CancelRoster,
    ConfirmRoster,
    DecideRoster,
    DecisionDone,
    FileRef,
    GetRoster,
    GetRosterFile,
    GetTemplate,
    ListRosterRows,
    ListRosters,
    OpenRoster,
    PrintSheets,
    RosterFile,
    RosterPage,
    RosterRowPage,
    RosterState,
    RosterView,
    RowState,
    Step,
    Template,
)

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, repeatable, thing_id
from gateway.keyring import Caller
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode
from gateway.sse import Watch
from gateway.upload import Upload

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ORDER = [state for state in RosterState if state not in (RosterState.CANCELLED, RosterState.FAILED)]
Until = Literal["checked", "in_approval", "completed", "failed", "cancelled"]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class StepDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision on one step. `signed_on`: the day the guardian signed (step `guardian`)."""

    step: Step
    decision: Literal["approve", "reject", "return"]
    reason: Reason = ""
    signed_on: date | None = None


def _roster(view: RosterView, status: int = 200) -> Response[RosterView]:
    return versioned(view, f"/v1/rosters/{view.id}", status)


@get("/template", **about("空白名册工作簿（含代码表下拉选项）", "15.1", produces=XLSX))
async def template(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    return download(await backend.ask(GetTemplate(actor=actor), Template, timeout=20.0))


@get("/blank-form", **about("空白《学生基本信息表》（PDF，打印后下发给学生填写）", "15.1", produces=PDF))
async def blank_form(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    return download(await backend.ask(GetTemplate(actor=actor, form="paper"), Template, timeout=20.0))


@post(
    "/",
    status_code=202,
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传名册，开始检查", "15.1", "13.1", problems=(413, 415), consumes="multipart/form-data"),
)
async def upload(
    request: Request[Actor, Any, Any], backend: Given[Backend], actor: Given[Actor], command_id: Given[str]
) -> Response[RosterView]:
    """The workbook goes to the file store as it arrives; the registry checks it in its own time."""
    incoming = Upload(request, backend.max_upload)
    await incoming.begin()
    roster_id = thing_id(actor, "roster", command_id)
    file_id = derived("file", roster_id)
    if await _exists(backend, actor, roster_id):
        # A repeat: its file may be being read, so it is measured and not written again. Another file under the same
        # key then differs from the first command, and the registry says so.
        file = await _measure(incoming, file_id)
        opened = await backend.ask(_open(command_id, actor, roster_id, file), RosterView)
        return _roster(opened, 202)
    file = await backend.files.put(
        incoming.name, incoming.media_type, incoming.content(), backend.max_upload, file_id=file_id
    )
    try:
        opened = await backend.ask(_open(command_id, actor, roster_id, file), RosterView)
    except ProblemError:  # refused: nothing was opened. (Where no answer came, the file waits for the repeat.)
        if not await _exists(backend, actor, roster_id):
            await backend.files.delete(file_id)
        raise
    return _roster(opened, 202)


def _open(command_id: str, actor: Actor, roster_id: str, file: FileRef) -> OpenRoster:
    return OpenRoster(command_id=command_id, actor=actor, roster_id=roster_id, file=file)


async def _exists(backend: Backend, actor: Actor, roster_id: str) -> bool:
    try:
        await backend.ask(GetRoster(actor=actor, roster_id=roster_id), RosterView)
    except ProblemError as problem:
        if problem.kind in ("not_found", "forbidden"):
            return False
        raise
    return True


async def _measure(incoming: Upload, file_id: str) -> FileRef:
    size, digest = 0, hashlib.sha256()
    async for piece in incoming.content():
        size += len(piece)
        digest.update(piece)
    return FileRef(
        id=file_id,
        name=incoming.name,
        size=size,
        sha256=digest.hexdigest(),
        media_type=incoming.media_type,
    )


@get("/", **about("名册列表", "15.1"))
async def rosters(
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RosterPage:
    return await backend.ask(ListRosters(actor=actor, school=school, cursor=cursor, limit=limit), RosterPage)


@get("/{roster_id:str}", **about("名册的状态、进度与结果", "15.1"))
async def roster(backend: Given[Backend], actor: Given[Actor], roster_id: Id) -> Response[RosterView]:
    return _roster(await backend.ask(GetRoster(actor=actor, roster_id=roster_id), RosterView))


@get("/{roster_id:str}/rows", **about("名册的逐行结果：通过、提示、拒绝及原因", "15.1", "15.2", "20.1", "20.2"))
async def rows(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    roster_id: Id,
    row_state: Annotated[RowState | None, QueryParameter(name="state", description="只看这种结果的行")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> RosterRowPage:
    query = ListRosterRows(actor=actor, roster_id=roster_id, state=row_state, cursor=cursor, limit=limit)
    return await backend.ask(query, RosterRowPage)


@get(
    "/{roster_id:str}/events",
    **about(
        "名册进度（Server-Sent Events）：progress 事件为名册的当前内容，end 事件表示结束",
        "15.1",
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
    roster_id: Id,
    until: Annotated[Until, QueryParameter(description="到达此状态（或不可能再到达）时结束")] = "completed",
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=64)] = None,
) -> Stream:
    target = RosterState(until)

    async def ask() -> RosterView:
        return await backend.ask(GetRoster(actor=actor, roster_id=roster_id), RosterView)

    return await Watch(
        ask=ask,
        done=lambda view: reached(view.state, target),
        seconds=request.auth.seconds_left(clock.now()),
        closing=closing,
        last_event_id=last_event_id or "",
    ).response()


def reached(state: RosterState, target: RosterState) -> bool:
    """Whether a roster in this state is at the target, beyond it, or will never get there."""
    if state in (RosterState.CANCELLED, RosterState.FAILED, RosterState.COMPLETED):
        return True
    return target in _ORDER and _ORDER.index(state) >= _ORDER.index(target)


@post("/{roster_id:str}/confirmation", status_code=202, **about("确认导入检查通过的行", "15.1", "15.2"))
async def confirm(
    backend: Given[Backend], actor: Given[Actor], roster_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[RosterView]:
    command = ConfirmRoster(command_id=command_id, actor=actor, roster_id=roster_id, version=expected_version(if_match))
    return _roster(await backend.ask(command, RosterView), 202)


@delete("/{roster_id:str}", status_code=200, **about("放弃尚未确认的名册", "15.1"))
async def cancel(backend: Given[Backend], actor: Given[Actor], roster_id: Id) -> Response[RosterView]:
    command_id = repeatable(actor, "cancel", roster_id)
    command = CancelRoster(command_id=command_id, actor=actor, roster_id=roster_id)
    return _roster(await backend.ask(command, RosterView))


@post(
    "/{roster_id:str}/confirmation-sheets",
    status_code=202,
    **about("生成监护人确认表（PDF，每班一份）", "15.1"),
)
async def sheets(
    backend: Given[Backend], actor: Given[Actor], roster_id: Id, command_id: Given[str]
) -> Response[RosterView]:
    command = PrintSheets(command_id=command_id, actor=actor, roster_id=roster_id)
    return _roster(await backend.ask(command, RosterView, timeout=BULK), 202)


@get(
    "/{roster_id:str}/files/{file_id:str}",
    **about("下载名册的文件：拒绝行工作簿、确认表", "15.1", "45.1", produces=f"{XLSX} {PDF}"),
)
async def file(backend: Given[Backend], actor: Given[Actor], roster_id: Id, file_id: Id) -> Stream:
    """The registry says whether this actor may have it, and records that it was fetched (clause 45.1)."""
    query = GetRosterFile(actor=actor, roster_id=roster_id, file_id=file_id)
    offered = await backend.ask(query, RosterFile)
    return await backend.download(offered.file, offered.name)


@post("/{roster_id:str}/decisions", status_code=200, **about("对整个名册审核一步", "15.1", "13.2"))
async def decide(
    backend: Given[Backend], actor: Given[Actor], roster_id: Id, command_id: Given[str], data: JSONBody[StepDecision]
) -> DecisionDone:
    command = DecideRoster(
        command_id=command_id,
        actor=actor,
        roster_id=roster_id,
        step=data.step,
        decision=data.decision,
        reason=data.reason,
        signed_on=data.signed_on,
    )
    return await backend.ask(command, DecisionDone, timeout=BULK)


router = Router(
    "/v1/rosters",
    route_handlers=[
        template,
        blank_form,
        upload,
        rosters,
        roster,
        rows,
        events,
        confirm,
        cancel,
        sheets,
        file,
        decide,
    ],
    tags=["rosters"],
)
