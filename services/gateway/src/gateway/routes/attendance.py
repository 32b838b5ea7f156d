"""Who sits in a class against whose record is there (就读核对, clauses 24.6.1, 48)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.attendance import (
    MOST_SEATED,
    AttendanceCheck,
    AttendanceCheckPage,
    AttendanceRead,
    CheckAttendance,
    GetAttendanceCheck,
    GetAttendanceTemplate,
    ListAttendanceChecks,
    ReadAttendance,
    Seated,
)
from shared_contracts.discreet import Discreet
from shared_contracts.files import Template
from shared_contracts.identity import Sex

from gateway.answers import download
from gateway.backend import BULK, Backend
from gateway.idempotency import thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode
from gateway.routes.rosters import XLSX
from gateway.upload import Upload, passing

CURE = "请使用下载的就读名单表填写后上传。"

SchoolCode = Annotated[str, PathParameter(pattern=r"^\d{10}$", description="学校标识码（10 位）")]


class SeatedIn(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who sits in the class. `sex`, `birth_date`: for documents that do not say them."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    document_number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    document_kind: Annotated[str, msgspec.Meta(pattern="^[0-9A-Z]$")] = "1"
    sex: Sex | None = None
    birth_date: date | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who sits in the class today. `dry_run`: only say what is found."""

    grade: Annotated[int, msgspec.Meta(ge=1, le=9)]
    class_no: Annotated[int, msgspec.Meta(ge=1, le=99)]
    rows: Annotated[tuple[SeatedIn, ...], msgspec.Meta(min_length=1, max_length=MOST_SEATED)]
    dry_run: bool = False


@post(
    "/schools/{code:str}/attendance-checks",
    **about("就读核对：今天坐在一个班里的学生，与学籍比对；学籍在其他学校的列为整改", "24.6.1", "48", problems=(415,)),
)
async def check(
    backend: Given[Backend], actor: Given[Actor], code: SchoolCode, command_id: Given[str], data: JSONBody[Listed]
) -> Response[AttendanceCheck]:
    command = CheckAttendance(
        command_id=command_id,
        actor=actor,
        check_id=thing_id(actor, "attendance", command_id),
        school=code,
        grade=data.grade,
        class_no=data.class_no,
        rows=tuple(Seated(**msgspec.structs.asdict(row)) for row in data.rows),
        dry_run=data.dry_run,
    )
    found = await backend.ask(command, AttendanceCheck)
    if not found.kept:
        return Response(found, status_code=200)
    return Response(found, status_code=201, headers={"Location": f"/v1/attendance-checks/{found.id}"})


@get("/schools/{code:str}/attendance-checks/workbook", **about("就读名单表（空白）", "24.6.1", produces=XLSX))
async def workbook(backend: Given[Backend], actor: Given[Actor], code: SchoolCode) -> Response[bytes]:
    made = await backend.ask(GetAttendanceTemplate(actor=actor, school=code), Template)
    return download(made)


@post(
    "/schools/{code:str}/attendance-checks/workbook-readings",
    status_code=200,
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传就读名单并逐行读取（不比对、不保存）", "24.6.1", problems=(413, 415), consumes="multipart/form-data"),
)
async def read_workbook(
    *,
    request: Request[Actor, Any, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    code: SchoolCode,
    command_id: Given[str],
) -> AttendanceRead:
    """The workbook is read while the caller waits, and kept no longer than that."""
    file_id = derived("file", thing_id(actor, "attendance", command_id))
    async with passing(
        backend.files, Upload(request, backend.max_upload, cure=CURE), file_id, backend.max_upload
    ) as file:
        return await backend.ask(ReadAttendance(actor=actor, school=code, file=file), AttendanceRead, timeout=BULK)


@get("/attendance-checks", **about("就读核对列表", "24.6.1"))
async def checks(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AttendanceCheckPage:
    return await backend.ask(
        ListAttendanceChecks(actor=actor, school=school, cursor=cursor, limit=limit), AttendanceCheckPage
    )


@get("/attendance-checks/{attendance_id:str}", **about("一次就读核对的逐人结果", "24.6.1", "48"))
async def one_check(backend: Given[Backend], actor: Given[Actor], attendance_id: Id) -> AttendanceCheck:
    return await backend.ask(GetAttendanceCheck(actor=actor, check_id=attendance_id), AttendanceCheck)


router = Router("/v1", route_handlers=[check, workbook, read_workbook, checks, one_check], tags=["inspection"])
