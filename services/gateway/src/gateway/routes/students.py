"""Student records (学籍) and their journals. Names and numbers are searched for in a body, never in an address."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.clearing import UpdateProfile
from shared_contracts.discreet import Discreet
from shared_contracts.identity import FindPersons, FoundPersons
from shared_contracts.records import (
    GetJournal,
    GetStudent,
    GetStudentForm,
    Journal,
    ListStudents,
    StudentForm,
    StudentPage,
    StudentState,
    StudentView,
)
from shared_contracts.search import FoundPage, SearchStudents

from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, repeatable, required_version
from gateway.openapi import about
from gateway.problems import invalid
from gateway.routes.params import AsOf, Cursor, Id, KnownOn, Limit, OrganisationCode

Grade = Annotated[int | None, QueryParameter(ge=1, le=9, description="年级：1–9")]
ClassNo = Annotated[int | None, QueryParameter(ge=1, le=99, description="班号")]


Stage = Literal["primary", "junior"]
Placement = Literal["ordinary", "mainstreamed", "special_school", "home_teaching"]
_DIGIT = re.compile("[0-9０-９]")
_SHORTEST_NUMBER = 4


class Search(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At least one of `text`, `number` and `name`; the others narrow the result.

    `text`: whatever is at hand: a name or a part of it (a former one too), pinyin from its beginning, with or without
    blanks, initials; with a digit in it, a number. `number`: a document number or a student number (G, L or J; a former one
    too), whole. `name`: a whole name.
    """

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    number: Annotated[str, msgspec.Meta(min_length=4, max_length=40)] | None = None
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    school: Annotated[str, msgspec.Meta(pattern=r"^\d{2,12}$")] | None = None
    grade: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    class_no: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    stage: Stage | None = None
    state: StudentState | None = None
    placement: Placement | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=900)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


@get("/", **about("学生列表", "21.1"))
async def students(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    grade: Grade = None,
    class_no: ClassNo = None,
    stage: Annotated[Stage | None, QueryParameter(description="学段")] = None,
    in_state: Annotated[StudentState | None, QueryParameter(name="state", description="学籍状态")] = None,
    placement: Annotated[Placement | None, QueryParameter(description="就读方式")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> StudentPage:
    query = ListStudents(
        actor=actor,
        school=school,
        grade=grade,
        class_no=class_no,
        stage=stage,
        state=in_state,
        placement=placement,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, StudentPage)


@post(
    "/searches",
    status_code=200,
    **about("按姓名（含曾用名、其中一部分）、拼音、首字母或号码（含曾用学籍号）查找学生", "15.4", problems=(415,)),
)
async def search(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Search]
) -> FoundPage:
    number, name, text = ((given or "").strip() for given in (data.number, data.name, data.text))
    if text and name:
        raise invalid("text", "text 与 name 只给一项：完整姓名用 name，其他用 text")
    if text and not number and _DIGIT.search(text):  # no name has a digit
        number, text = text, ""
    if not (number or name or text):
        raise invalid("text", "请给出姓名、拼音、首字母或号码（text、name、number 至少一项）")
    if number and len(number) < _SHORTEST_NUMBER:
        raise invalid("text", "号码须完整：请给出整个证件号码或学籍号")
    person_ids: tuple[str, ...] | None = None
    if number:
        found = await backend.ask(FindPersons(actor=actor, number=number), FoundPersons)
        if not found.person_ids:
            return FoundPage(items=())
        person_ids = found.person_ids
    query = SearchStudents(
        actor=actor,
        text=name or text or None,
        exact=bool(name),
        person_ids=person_ids,
        school=data.school,
        grade=data.grade,
        class_no=data.class_no,
        stage=data.stage,
        state=data.state,
        placement=data.placement,
        cursor=data.cursor,
        limit=data.limit,
    )
    return await backend.ask(query, FoundPage)


@get("/{student_id:str}", **about("学生的学籍：现在的，或某一天的", "21.1", "15.4", "44"))
async def student(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None, known_on: KnownOn = None
) -> Response[StudentView]:
    """The past is not edited: only the present has an ETag."""
    query = GetStudent(actor=actor, student_id=student_id, as_of=as_of, known_on=known_on)
    view = await backend.ask(query, StudentView)
    return Response(view, headers=etag(view.version) if view.as_of is None else {})


@get("/{student_id:str}/form", **about("学生基本信息表的各项：现在的，或某一天的", "14", "21.1", "21.2"))
async def form(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None, known_on: KnownOn = None
) -> StudentForm:
    query = GetStudentForm(actor=actor, student_id=student_id, as_of=as_of, known_on=known_on)
    return await backend.ask(query, StudentForm)


@get("/{student_id:str}/journal", **about("学籍变动记录（永久保存，逐条相连）", "21.1"))
async def journal(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None, known_on: KnownOn = None
) -> Journal:
    query = GetJournal(actor=actor, student_id=student_id, as_of=as_of, known_on=known_on)
    return await backend.ask(query, Journal)


class Update(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of the form by their keys, as they would stand in a cell; an empty value takes one away."""

    changes: Annotated[
        dict[Annotated[str, msgspec.Meta(max_length=60)], Annotated[str, msgspec.Meta(max_length=500)]],
        msgspec.Meta(min_length=1, max_length=60),
    ]


@patch(
    "/{student_id:str}",
    **about("更新学生的联系方式等一般信息（关键信息另按更正办理）", "21.1", "40", "41", problems=(415, 428)),
)
async def update(
    backend: Given[Backend],
    actor: Given[Actor],
    student_id: Id,
    data: JSONBody[Update],
    if_match: IfMatch = None,
) -> Response[StudentView]:
    version = required_version(if_match)
    command = UpdateProfile(
        command_id=repeatable(actor, "update", student_id, version, data.changes),
        actor=actor,
        student_id=student_id,
        changes=data.changes,
        version=version,
    )
    view = await backend.ask(command, StudentView)
    return Response(view, headers=etag(view.version))


router = Router("/v1/students", route_handlers=[students, search, student, form, journal, update], tags=["students"])
