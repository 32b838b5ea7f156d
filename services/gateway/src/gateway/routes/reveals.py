"""Full numbers, one pupil at a time and with a purpose; every showing is recorded (clauses 45.1, 45.3)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.identity import RevealDocuments, RevealedDocuments
from shared_contracts.records import GetStudent, StudentView

from gateway.backend import Backend
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Id

Purpose = Annotated[
    str,
    msgspec.Meta(
        min_length=4,
        max_length=200,
        pattern=r"^(?![\s\S]*\d{6})[\s\S]*$",
        description="用途：一句话，4 至 200 个字；不得写入证件号、学籍号、电话等号码（连续六位以上数字）",
    ),
]


class Reveal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    purpose: Purpose


class FullNumbers(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """`student_number`: None while the number has not been issued; `document_number`: empty without a document."""

    student_id: str
    document_number: str
    student_number: str | None


@post(
    "/{student_id:str}/reveal",
    status_code=200,
    **about("查看一名学生的完整证件号和学籍号：须写明用途，每次记入审计", "45.1", "45.3"),
)
async def reveal(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, command_id: Given[str], data: JSONBody[Reveal]
) -> Response[FullNumbers]:
    """The registry says whether the actor may see this pupil, identity whether it may see the numbers."""
    view = await backend.ask(GetStudent(actor=actor, student_id=student_id), StudentView)
    if view.copy_as_of is not None:
        raise ProblemError("forbidden", "该生已转出，本校只保留转出当日的学籍副本，不再查看完整号码。")
    command = RevealDocuments(
        command_id=command_id,
        actor=actor,
        person_ids=(view.person_id,),
        purpose=data.purpose.strip(),
        record_ids=(student_id,),
    )
    (person,) = (await backend.ask(command, RevealedDocuments)).persons
    numbers = FullNumbers(
        student_id=student_id, document_number=person.document_number, student_number=person.student_number
    )
    return Response(numbers, headers={"Cache-Control": "no-store"})


router = Router("/v1/students", route_handlers=[reveal], tags=["students"])
