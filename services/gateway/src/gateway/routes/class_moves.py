"""Moves of pupils between the classes of a grade (调班; clauses 11, 24.6.1, 41)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from shared_contracts.actors import Actor
from shared_contracts.classes import ClassMove, ClassMovePage, ListClassMoves, MovePupil

from gateway.backend import Backend
from gateway.idempotency import thing_id
from gateway.openapi import about
from gateway.routes.classes import OneGrade
from gateway.routes.params import Cursor, Limit, OrganisationCode, Reason

IdIn = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class MoveIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`pupil_id`: of a student record, or of a registration on its way. `class_id`: a class of the same grade."""

    pupil_id: IdIn
    class_id: IdIn
    reason: Reason


@post("/", **about("同年级调班：即日起，须有理由", "11", "24.6.1", "25.5", "41", problems=(415,)))
async def move(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[MoveIn]
) -> ClassMove:
    command = MovePupil(
        command_id=command_id,
        actor=actor,
        move_id=thing_id(actor, "class_move", command_id),
        pupil_id=data.pupil_id,
        class_id=data.class_id,
        reason=data.reason,
    )
    return await backend.ask(command, ClassMove)


@get("/", **about("调班记录", "41"))
async def moves(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    grade: OneGrade = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ClassMovePage:
    query = ListClassMoves(actor=actor, school=school, grade=grade, cursor=cursor, limit=limit)
    return await backend.ask(query, ClassMovePage)


router = Router("/v1/class-moves", route_handlers=[move, moves], tags=["classes"])
