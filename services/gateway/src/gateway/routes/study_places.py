"""A pupil whose record has stayed comes back from the school of study (clause 24.4)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response, Router, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from shared_contracts.actors import Actor
from shared_contracts.records import StudentView
from shared_contracts.study_places import EndStudyPlace

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Id


class Return(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: from which day the pupil studies where the record is, today at the latest. `reason`: no numbers in it."""

    on: date
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@post(
    "/{student_id:str}/study-place/ending",
    status_code=200,
    **about("登记学籍保留在本校、在其他学校就读的学生返回本校就读", "24.4", problems=(415,)),
)
async def end(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, command_id: Given[str], data: JSONBody[Return]
) -> Response[StudentView]:
    """Said by the school with the record, approved by nobody; the school of study is told."""
    command = EndStudyPlace(command_id=command_id, actor=actor, student_id=student_id, on=data.on, reason=data.reason)
    return versioned(await backend.ask(command, StudentView), f"/v1/students/{student_id}")


router = Router("/v1/students", route_handlers=[end], tags=["students"])
