"""One-click class assignment (一键分班; clause 17): settings, the closed list, the draw, its application; a second draw only
with the authority's approval. What is published needs no account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Actor
from shared_contracts.classes import (
    ApplyAssignment,
    AskRedraw,
    AssignmentPage,
    AssignmentPupils,
    AssignmentRule,
    AssignmentView,
    Attribute,
    Balance,
    CancelAssignment,
    CommitAssignment,
    DecideRedraw,
    DrawAssignment,
    GetAssignment,
    GetPublishedAssignment,
    ListAssignmentPupils,
    ListAssignments,
    OpenAssignment,
    PreviewAssignment,
    PublishedAssignment,
    PupilSetting,
    ReviseAssignment,
)

from gateway.allowance import Allowance, count
from gateway.answers import public, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, repeatable, required_version, thing_id
from gateway.openapi import about
from gateway.routes.class_moves import IdIn
from gateway.routes.classes import ClassNo, Grade
from gateway.routes.params import Because, Cursor, Id, Limit, OrganisationCode, Reason

Numbers = Annotated[tuple[ClassNo, ...], msgspec.Meta(min_length=1, max_length=40, description="参加分班的班号")]
Attributes = Annotated[tuple[Attribute, ...], msgspec.Meta(max_length=3, description="除性别外还要均衡的项目")]
AssignmentNumber = Annotated[
    str, PathParameter(pattern=r"^FB-\d{4}-\d{10}-\d-\d{2,3}$", description="分班编号：FB-学年-学校-年级-次数")
]
Word = Annotated[str, msgspec.Meta(max_length=20)]


class AssignmentIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grade: Grade
    classes: Numbers
    attributes: Attributes = ()


class SettingIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`home`: 居住片区. `level`: 发展层次 A 至 E，不是分数. `place_in`: 随班就读学生手工安置的班号."""

    pupil_id: IdIn
    home: Word = ""
    level: Word = ""
    place_in: ClassNo | None = None


class RuleIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Literal["together", "apart"]
    pupils: Annotated[tuple[IdIn, ...], msgspec.Meta(min_length=2, max_length=20)]
    reason: Annotated[str, msgspec.Meta(max_length=200)]


class SettingsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings anew: a pupil who is not named is drawn, without home and level."""

    classes: Numbers
    attributes: Attributes = ()
    pupils: Annotated[tuple[SettingIn, ...], msgspec.Meta(max_length=2500)] = ()
    rules: Annotated[tuple[RuleIn, ...], msgspec.Meta(max_length=100)] = ()


class CommitmentIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`public_source`: where a value will come from that nobody knows yet; `public_at`: when it comes to be known."""

    public_source: Annotated[str, msgspec.Meta(min_length=4, max_length=100, pattern=r"^\S[^\x00-\x1f\x7f]*\S$")]
    public_at: Annotated[datetime, msgspec.Meta(tz=True)]


class DrawIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`public_value`: as it stands at its source; who recomputes the draw types the same."""

    public_value: Annotated[str, msgspec.Meta(min_length=4, max_length=100, pattern=r"^[!-~]+( [!-~]+)*$")]


class RedrawDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: Literal["approve", "reject"]
    reason: Reason


def _assignment(view: AssignmentView, status: int = 200) -> Response[AssignmentView]:
    return versioned(view, f"/v1/class-assignments/{view.id}", status)


@post("/", **about("准备一个年级的一键分班", "17", "11", problems=(415,)))
async def begin(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[AssignmentIn]
) -> Response[AssignmentView]:
    command = OpenAssignment(
        command_id=command_id,
        actor=actor,
        assignment_id=thing_id(actor, "class_assignment", command_id),
        grade=data.grade,
        classes=data.classes,
        attributes=data.attributes,
    )
    return _assignment(await backend.ask(command, AssignmentView, timeout=BULK), 201)


@get("/", **about("分班列表：本校的，或所辖学校的", "17"))
async def assignments(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    redraws: Annotated[bool, QueryParameter(description="只看等待审批重新分班的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AssignmentPage:
    query = ListAssignments(actor=actor, school=school, redraws=redraws, cursor=cursor, limit=limit)
    return await backend.ask(query, AssignmentPage)


@get("/{assignment_id:str}", **about("一次分班：设置、状态、各班构成", "17"))
async def assignment(backend: Given[Backend], actor: Given[Actor], assignment_id: Id) -> Response[AssignmentView]:
    return _assignment(await backend.ask(GetAssignment(actor=actor, assignment_id=assignment_id), AssignmentView))


@get("/{assignment_id:str}/pupils", **about("分班名单：学生姓名与编码，用于告知监护人", "17"))
async def pupils(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    assignment_id: Id,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> AssignmentPupils:
    query = ListAssignmentPupils(actor=actor, assignment_id=assignment_id, cursor=cursor, limit=limit)
    return await backend.ask(query, AssignmentPupils)


@get("/{assignment_id:str}/preview", **about("试算：各班人数、男女与各项的构成，不显示谁在哪班", "17", "11"))
async def preview(backend: Given[Backend], actor: Given[Actor], assignment_id: Id) -> Balance:
    return await backend.ask(PreviewAssignment(actor=actor, assignment_id=assignment_id), Balance, timeout=BULK)


@patch(
    "/{assignment_id:str}",
    **about("修改设置并刷新名单（封存前）", "17", "34.2", problems=(415, 428)),
)
async def revise(
    backend: Given[Backend],
    actor: Given[Actor],
    assignment_id: Id,
    data: JSONBody[SettingsIn],
    if_match: IfMatch = None,
) -> Response[AssignmentView]:
    version = required_version(if_match)
    command = ReviseAssignment(
        command_id=repeatable(actor, "revise_assignment", assignment_id, version, data),
        actor=actor,
        assignment_id=assignment_id,
        classes=data.classes,
        attributes=data.attributes,
        pupils=tuple(
            PupilSetting(pupil_id=one.pupil_id, home=one.home, level=one.level, place_in=one.place_in)
            for one in data.pupils
        ),
        rules=tuple(AssignmentRule(kind=one.kind, pupils=one.pupils, reason=one.reason) for one in data.rules),
        version=version,
    )
    return _assignment(await backend.ask(command, AssignmentView, timeout=BULK))


@post("/{assignment_id:str}/cancellation", status_code=200, **about("取消：公开数值公布以前", "17", problems=(415,)))
async def cancel(
    backend: Given[Backend], actor: Given[Actor], assignment_id: Id, command_id: Given[str], data: JSONBody[Because]
) -> Response[AssignmentView]:
    command = CancelAssignment(command_id=command_id, actor=actor, assignment_id=assignment_id, reason=data.reason)
    return _assignment(await backend.ask(command, AssignmentView))


@post(
    "/{assignment_id:str}/commitment",
    status_code=200,
    **about("封存名单，公布名单与种子的哈希，并指定公开数值的来源", "17", "11", problems=(415, 428)),
)
async def commit(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    assignment_id: Id,
    command_id: Given[str],
    data: JSONBody[CommitmentIn],
    if_match: IfMatch = None,
) -> Response[AssignmentView]:
    command = CommitAssignment(
        command_id=command_id,
        actor=actor,
        assignment_id=assignment_id,
        public_source=data.public_source,
        public_at=data.public_at,
        version=required_version(if_match),
    )
    return _assignment(await backend.ask(command, AssignmentView, timeout=BULK))


@post(
    "/{assignment_id:str}/draw",
    status_code=200,
    **about("抽签：公开种子，得出分班结果，只能一次", "17", problems=(415,)),
)
async def draw(
    backend: Given[Backend], actor: Given[Actor], assignment_id: Id, command_id: Given[str], data: JSONBody[DrawIn]
) -> Response[AssignmentView]:
    command = DrawAssignment(
        command_id=command_id, actor=actor, assignment_id=assignment_id, public_value=data.public_value
    )
    return _assignment(await backend.ask(command, AssignmentView, timeout=BULK))


@post(
    "/{assignment_id:str}/application", status_code=200, **about("执行：学生进入抽签所得的班级", "17", "11", "24.6.1")
)
async def apply(
    backend: Given[Backend], actor: Given[Actor], assignment_id: Id, command_id: Given[str]
) -> Response[AssignmentView]:
    command = ApplyAssignment(command_id=command_id, actor=actor, assignment_id=assignment_id)
    return _assignment(await backend.ask(command, AssignmentView, timeout=BULK))


@post("/{assignment_id:str}/redraw-request", status_code=200, **about("申请重新分班", "17", problems=(415,)))
async def ask_redraw(
    backend: Given[Backend], actor: Given[Actor], assignment_id: Id, command_id: Given[str], data: JSONBody[Because]
) -> Response[AssignmentView]:
    command = AskRedraw(command_id=command_id, actor=actor, assignment_id=assignment_id, reason=data.reason)
    return _assignment(await backend.ask(command, AssignmentView))


@post(
    "/{assignment_id:str}/redraw-decision",
    status_code=200,
    **about("审批重新分班；两次结果都保留并公布", "17", problems=(415,)),
)
async def decide_redraw(
    backend: Given[Backend],
    actor: Given[Actor],
    assignment_id: Id,
    command_id: Given[str],
    data: JSONBody[RedrawDecision],
) -> Response[AssignmentView]:
    command = DecideRedraw(
        command_id=command_id,
        actor=actor,
        assignment_id=assignment_id,
        decision=data.decision,
        reason=data.reason,
    )
    return _assignment(await backend.ask(command, AssignmentView))


@get(
    "/published/{assignment_number:str}",
    **about(
        "公布的分班文件：名单编码、承诺与结果，任何人可用来重新计算",
        "17",
        problems=(404, 429, 504),
        public=True,
        produces="application/json",
    ),
)
async def published(
    request: Request[Any, Any, Any],
    backend: Given[Backend],
    allowance: Given[Allowance],
    assignment_number: AssignmentNumber,
) -> Response[bytes]:
    count(allowance, request)
    found = await backend.ask(GetPublishedAssignment(actor=ANONYMOUS, number=assignment_number), PublishedAssignment)
    return public(found.document)


router = Router(
    "/v1/class-assignments",
    route_handlers=[
        begin,
        assignments,
        published,
        assignment,
        pupils,
        preview,
        revise,
        cancel,
        commit,
        draw,
        apply,
        ask_redraw,
        decide_redraw,
    ],
    tags=["classes"],
)
