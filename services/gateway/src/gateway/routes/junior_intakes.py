"""Junior intake (小升初): template, list, check, approval, way back (clause 16)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.junior_intake import (
    BuildJuniorIntake,
    CancelJuniorIntake,
    DecideJuniorIntake,
    GetJuniorIntake,
    GetJuniorIntakeTemplate,
    IntakeTemplate,
    JuniorIntakePage,
    JuniorIntakeRows,
    JuniorIntakeView,
    ListJuniorIntakeRows,
    ListJuniorIntakes,
    OpenJuniorIntake,
    ResumeJuniorIntake,
    RowOutcome,
    SchoolPair,
    UndoJuniorIntake,
)

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Id, Limit
from gateway.routes.rosters import XLSX
from gateway.upload import Upload, passing

CURE = "请删除图片和无关工作表后重新上传。"
SchoolCode = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """对口: graduates of `primary` go to `junior`."""

    primary: SchoolCode
    junior: SchoolCode


class IntakeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pairs: Annotated[tuple[Pair, ...], msgspec.Meta(min_length=1, max_length=500)]


class IntakeDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason`: asked for where the list is rejected."""

    decision: Literal["approve", "reject"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _shown(view: JuniorIntakeView, status: int = 200) -> Response[JuniorIntakeView]:
    return versioned(view, f"/v1/junior-intakes/{view.id}", status)


@get("/", **about("初中招生名单列表", "16"))
async def intakes(
    backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50
) -> JuniorIntakePage:
    return await backend.ask(ListJuniorIntakes(actor=actor, cursor=cursor, limit=limit), JuniorIntakePage)


@get("/template", **about("初中招生模板：已填好本地小学毕业生，选择目标初中后上传", "16", produces=XLSX))
async def template(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    made = (await backend.ask(GetJuniorIntakeTemplate(actor=actor), IntakeTemplate, timeout=BULK)).template
    return download(made)


@post(
    "/",
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传招生名单并逐行检查（不办理）", "16", problems=(413, 415), consumes="multipart/form-data"),
)
async def upload(
    request: Request[Actor, Any, Any], backend: Given[Backend], actor: Given[Actor], command_id: Given[str]
) -> Response[JuniorIntakeView]:
    """The workbook is read while the caller waits, and kept no longer than that."""
    intake_id = thing_id(actor, "junior-intake", command_id)
    incoming = Upload(request, backend.max_upload, cure=CURE)
    async with passing(backend.files, incoming, derived("file", intake_id), backend.max_upload) as file:
        command = OpenJuniorIntake(command_id=command_id, actor=actor, intake_id=intake_id, file=file)
        return _shown(await backend.ask(command, JuniorIntakeView, timeout=BULK), 201)


@post("/rules", **about("按对口关系（小学—初中）生成招生名单并检查（不办理）", "16", problems=(415,)))
async def build(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[IntakeRule]
) -> Response[JuniorIntakeView]:
    command = BuildJuniorIntake(
        command_id=command_id,
        actor=actor,
        intake_id=thing_id(actor, "junior-intake", command_id),
        pairs=tuple(SchoolPair(primary=pair.primary, junior=pair.junior) for pair in data.pairs),
    )
    return _shown(await backend.ask(command, JuniorIntakeView, timeout=BULK), 201)


@get("/{intake_id:str}", **about("一份招生名单：检查结果、各初中学位、进度", "4.3", "16"))
async def intake(backend: Given[Backend], actor: Given[Actor], intake_id: Id) -> Response[JuniorIntakeView]:
    return _shown(await backend.ask(GetJuniorIntake(actor=actor, intake_id=intake_id), JuniorIntakeView))


@get("/{intake_id:str}/rows", **about("招生名单逐行结果；unplaced 为没有安排初中的毕业生", "16"))
async def rows(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    intake_id: Id,
    outcome: Annotated[RowOutcome | None, QueryParameter(description="只看这种结果的行")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> JuniorIntakeRows:
    query = ListJuniorIntakeRows(actor=actor, intake_id=intake_id, outcome=outcome, cursor=cursor, limit=limit)
    return await backend.ask(query, JuniorIntakeRows)


@post(
    "/{intake_id:str}/decisions",
    status_code=200,
    **about("县级教育行政部门核准；核准后学籍自动分批转入初中", "4.3", "16", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    intake_id: Id,
    command_id: Given[str],
    data: JSONBody[IntakeDecision],
    if_match: IfMatch = None,
) -> Response[JuniorIntakeView]:
    command = DecideJuniorIntake(
        command_id=command_id,
        actor=actor,
        intake_id=intake_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, JuniorIntakeView, timeout=BULK))


@post("/{intake_id:str}/cancellation", status_code=200, **about("开始办理前取消名单", "16", problems=(415,)))
async def cancel(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    intake_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[JuniorIntakeView]:
    command = CancelJuniorIntake(
        command_id=command_id,
        actor=actor,
        intake_id=intake_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, JuniorIntakeView))


@post("/{intake_id:str}/resumption", status_code=200, **about("中断后从中断处继续办理", "16"))
async def resume(
    *, backend: Given[Backend], actor: Given[Actor], intake_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[JuniorIntakeView]:
    command = ResumeJuniorIntake(
        command_id=command_id, actor=actor, intake_id=intake_id, version=expected_version(if_match)
    )
    return _shown(await backend.ask(command, JuniorIntakeView))


@post(
    "/{intake_id:str}/undo",
    status_code=200,
    **about("整体撤回；涉及的学籍之后有变动的，不能撤回", "16", "44", problems=(415,)),
)
async def undo(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    intake_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[JuniorIntakeView]:
    command = UndoJuniorIntake(
        command_id=command_id,
        actor=actor,
        intake_id=intake_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _shown(await backend.ask(command, JuniorIntakeView, timeout=BULK))


router = Router(
    "/v1/junior-intakes",
    route_handlers=[intakes, template, upload, build, intake, rows, decide, cancel, resume, undo],
    tags=["junior-intakes"],
)
