"""Passing on the paper archive when a record has gone to another school (clauses 21.2, 48)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.handover import (
    GetHandover,
    HandingWay,
    HandOverArchives,
    HandoverPage,
    HandoverState,
    HandoverView,
    ListHandovers,
    ListPassedArchives,
    PassedArchivePage,
    ReceiveArchives,
)

from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode

StudentId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Students = Annotated[tuple[StudentId, ...], msgspec.Meta(max_length=500)]
Direction = Annotated[Literal["out", "in"] | None, QueryParameter(description="移出（out）或接收（in）")]
State = Annotated[HandoverState | None, QueryParameter(name="state", description="不填：没有办结的")]


class Dispatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`students`: whose archives; empty: all that are still there. `carried_by`: who brought or sent them."""

    way: HandingWay
    carried_by: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    on: date
    students: Students = ()


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`students`: whose archives; empty: all that have not been received."""

    on: date
    students: Students = ()


@get("", **about("纸质学籍档案移交列表，先到期的在前", "21.2"))
async def handovers(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    direction: Direction = None,
    in_state: State = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> HandoverPage:
    query = ListHandovers(actor=actor, school=school, direction=direction, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, HandoverPage)


@get("/{handover_id:str}", **about("查看一批纸质学籍档案的移交", "21.2"))
async def handover(backend: Given[Backend], actor: Given[Actor], handover_id: Id) -> HandoverView:
    return await backend.ask(GetHandover(actor=actor, handover_id=handover_id), HandoverView)


@get("/{handover_id:str}/archives", **about("一批纸质学籍档案的学生名单", "21.2"))
async def archives(
    *, backend: Given[Backend], actor: Given[Actor], handover_id: Id, cursor: Cursor = None, limit: Limit = 50
) -> PassedArchivePage:
    query = ListPassedArchives(actor=actor, handover_id=handover_id, cursor=cursor, limit=limit)
    return await backend.ask(query, PassedArchivePage)


@post("/{handover_id:str}/dispatch", status_code=200, **about("转出学校登记移交纸质学籍档案", "21.2", problems=(415,)))
async def dispatch(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], handover_id: Id, data: JSONBody[Dispatch]
) -> HandoverView:
    command = HandOverArchives(
        command_id=command_id, actor=actor, handover_id=handover_id, way=data.way, carried_by=data.carried_by, on=data.on,
        students=data.students,
    )  # fmt: skip
    return await backend.ask(command, HandoverView)


@post("/{handover_id:str}/receipt", status_code=200, **about("接收学校签收纸质学籍档案", "21.2", problems=(415,)))
async def receipt(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], handover_id: Id, data: JSONBody[Receipt]
) -> HandoverView:
    command = ReceiveArchives(
        command_id=command_id, actor=actor, handover_id=handover_id, on=data.on, students=data.students
    )
    return await backend.ask(command, HandoverView)


router = Router(
    "/v1/archive-handovers", route_handlers=[handovers, handover, archives, dispatch, receipt], tags=["archives"]
)
