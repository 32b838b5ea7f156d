"""Classes (班级): sizes, what is above the standard, making, naming and closing them (clause 11)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.classes import (
    ClassPage,
    ClassView,
    CloseClass,
    CreateClass,
    ExcessReport,
    GetClass,
    GetClassExcess,
    ListClasses,
    RenameClass,
)

from gateway.answers import versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, repeatable, required_version
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode

Grade = Annotated[int, msgspec.Meta(ge=1, le=9, description="年级，1 至 9")]
ClassNo = Annotated[int, msgspec.Meta(ge=1, le=99, description="班号")]
OneGrade = Annotated[int | None, QueryParameter(ge=1, le=9, description="只看这个年级的")]
DisplayName = Annotated[str, msgspec.Meta(min_length=1, max_length=30)]


class ClassIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grade: Grade
    class_no: ClassNo
    display_name: DisplayName | None = None


class ClassName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`display_name`: null gives up the name; the class is called by its number then."""

    display_name: DisplayName | None


def _class(view: ClassView, status: int = 200) -> Response[ClassView]:
    return versioned(view, f"/v1/classes/{view.id}", status)


@get("/", **about("班级列表及班额：本校的，或所辖学校的", "11"))
async def classes(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    grade: OneGrade = None,
    closed: Annotated[bool, QueryParameter(description="已撤销的空班也列出")] = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> ClassPage:
    query = ListClasses(actor=actor, school=school, grade=grade, closed=closed, cursor=cursor, limit=limit)
    return await backend.ask(query, ClassPage)


@get("/excess", **about("超过标准班额的班级：按主管部门汇总，按学校列出", "11"))
async def excess(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    authority: Annotated[
        str | None, QueryParameter(pattern=r"^\d{6}$", description="只看这个教育行政部门及其下级的")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ExcessReport:
    query = GetClassExcess(actor=actor, authority=authority, cursor=cursor, limit=limit)
    return await backend.ask(query, ExcessReport, timeout=BULK)


@get("/{class_id:str}", **about("一个班级", "11"))
async def one(backend: Given[Backend], actor: Given[Actor], class_id: Id) -> Response[ClassView]:
    return _class(await backend.ask(GetClass(actor=actor, class_id=class_id), ClassView))


@post("/", **about("新设班级", "11", problems=(415,)))
async def create(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[ClassIn]
) -> Response[ClassView]:
    command = CreateClass(
        command_id=command_id,
        actor=actor,
        grade=data.grade,
        class_no=data.class_no,
        display_name=data.display_name,
    )
    return _class(await backend.ask(command, ClassView), 201)


@patch("/{class_id:str}", **about("班级更名：年级和班号不变", "41", problems=(415, 428)))
async def rename(
    backend: Given[Backend],
    actor: Given[Actor],
    class_id: Id,
    data: JSONBody[ClassName],
    if_match: IfMatch = None,
) -> Response[ClassView]:
    version = required_version(if_match)
    command = RenameClass(
        command_id=repeatable(actor, "rename_class", class_id, version, data.display_name),
        actor=actor,
        class_id=class_id,
        display_name=data.display_name,
        version=version,
    )
    return _class(await backend.ask(command, ClassView))


@post("/{class_id:str}/closure", status_code=200, **about("撤销空班", "11"))
async def close(
    backend: Given[Backend], actor: Given[Actor], class_id: Id, command_id: Given[str]
) -> Response[ClassView]:
    return _class(await backend.ask(CloseClass(command_id=command_id, actor=actor, class_id=class_id), ClassView))


router = Router("/v1/classes", route_handlers=[classes, excess, one, create, rename, close], tags=["classes"])
