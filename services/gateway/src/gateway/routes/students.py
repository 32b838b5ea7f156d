"""Student records (学籍) and their journals. Names and numbers are searched for in a body, never in an address."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.identity import FindPersons, FoundPersons
from shared_contracts.records import GetJournal, GetStudent, Journal, ListStudents, StudentPage, StudentView

from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, etag
from gateway.openapi import about
from gateway.problems import invalid
from gateway.routes.params import AsOf, Cursor, Id, KnownOn, Limit, OrganisationCode

Grade = Annotated[int | None, QueryParameter(ge=1, le=9, description="年级：1–9")]
ClassNo = Annotated[int | None, QueryParameter(ge=1, le=99, description="班号")]


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`number`: a document number or a student number (G, L or J; a former one too), whole. `name`: as it is written.
    At least one of the two."""

    number: Annotated[str, msgspec.Meta(min_length=4, max_length=40)] | None = None
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    school: Annotated[str, msgspec.Meta(pattern=r"^\d{2,12}$")] | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50

    def __repr__(self) -> str:
        return "Search(…)"


@get("/", **about("学生列表", "21.1"))
async def students(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    grade: Grade = None,
    class_no: ClassNo = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> StudentPage:
    query = ListStudents(actor=actor, school=school, grade=grade, class_no=class_no, cursor=cursor, limit=limit)
    return await backend.ask(query, StudentPage)


@post(
    "/searches",
    status_code=200,
    **about("按证件号码、学籍号（含曾用学籍号）或姓名查找学生", "15.4", problems=(415,)),
)
async def search(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Search]
) -> StudentPage:
    number, name = (data.number or "").strip(), (data.name or "").strip()
    if not number and not name:
        raise invalid("number", "请给出证件号码、学籍号或姓名")
    person_ids: tuple[str, ...] | None = None
    if number:
        found = await backend.ask(FindPersons(actor=actor, number=number), FoundPersons)
        if not found.person_ids:
            return StudentPage(items=())
        person_ids = found.person_ids
    query = ListStudents(
        actor=actor,
        school=data.school,
        name=name or None,
        person_ids=person_ids,
        cursor=data.cursor,
        limit=data.limit,
    )
    return await backend.ask(query, StudentPage)


@get("/{student_id:str}", **about("学生的学籍：现在的，或某一天的", "21.1", "15.4", "44"))
async def student(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None, known_on: KnownOn = None
) -> Response[StudentView]:
    """The past is not edited: only the present has an ETag."""
    query = GetStudent(actor=actor, student_id=student_id, as_of=as_of, known_on=known_on)
    view = await backend.ask(query, StudentView)
    return Response(view, headers=etag(view.version) if view.as_of is None else {})


@get("/{student_id:str}/journal", **about("学籍变动记录（永久保存，逐条相连）", "21.1"))
async def journal(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None, known_on: KnownOn = None
) -> Journal:
    query = GetJournal(actor=actor, student_id=student_id, as_of=as_of, known_on=known_on)
    return await backend.ask(query, Journal)


router = Router("/v1/students", route_handlers=[students, search, student, journal], tags=["students"])
