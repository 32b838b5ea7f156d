"""A class's list as a workbook: the sheet that is handed out, and each cell that can be wrong in one that comes back."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from attendance_desk import number
from registry.attendance import sheet
from registry.rosters.archive import Problem
from registry.rosters.workbook import Rows
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, REGISTRAR, SCHOOL, World
from shared_contracts.attendance import (
    MOST_SEATED,
    AttendanceRead,
    GetAttendanceTemplate,
    ReadAttendance,
    Seated,
    SeatedRow,
)
from shared_contracts.decisions import Refused
from shared_contracts.files import Template

pytestmark = pytest.mark.clause("24.6.1")
HEADERS = tuple(column.header for column in sheet.COLUMNS)
GOOD = {"name": "张三", "document_number": number(1)}
PASSPORT = {
    "name": "玛丽",
    "document_number": "G1234567",
    "document_kind": "A-护照",
    "sex": "2-女",
    "birth_date": "20190307",
}


def book(*rows: dict[str, Any], headers: tuple[str, ...] = HEADERS) -> bytes:
    keys = {column.header: column.key for column in sheet.COLUMNS}
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.title = sheet.TITLE
    page.append(headers)
    for row in rows:
        page.append([row.get(keys[header]) for header in headers])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def lines(*rows: dict[str, Any]) -> tuple[SeatedRow, ...]:
    found = sheet.rows_of(book(*rows))
    assert isinstance(found, Rows), found
    return sheet.lines(found)


def test_the_sheet_that_is_handed_out_is_read_again() -> None:
    found = sheet.rows_of(sheet.template())
    assert isinstance(found, Problem) and found.code == "workbook.no_rows", "its heads are known, and it is empty"


def test_residents_need_no_more_than_name_and_number() -> None:
    resident, other = lines(GOOD, PASSPORT)
    assert resident.seated == Seated(name="张三", document_number=number(1))
    assert other.seated is not None
    assert (other.seated.sex, other.seated.birth_date) == ("2", date(2019, 3, 7))
    assert other.seated.document_kind != "1"


@pytest.mark.parametrize(("change", "cell"), [
    ({"name": None}, "name"), ({"name": "1"}, "name"), ({"document_number": None}, "document_number"),
    ({"document_kind": "没有这种"}, "document_kind"), ({"sex": "三"}, "sex"), ({"birth_date": "昨天"}, "birth_date"),
    ({"birth_date": "20190230"}, "birth_date"),
])  # fmt: skip
def test_a_wrong_cell_is_told_with_its_cure(change: dict[str, Any], cell: str) -> None:
    wrong, right = lines(PASSPORT | change, GOOD)
    assert wrong.seated is None and right.seated is not None
    assert [one.fields for one in wrong.findings] == [(cell,)]
    assert all(one.cure for one in wrong.findings)


async def upload(world: World, content: bytes) -> Any:
    return await world.deps.files.put("名单.xlsx", sheet.MEDIA_TYPE, content, 16 * 1024**2)


@pytest.mark.integration
async def test_who_hands_out_and_who_reads(world: World) -> None:
    made = await world.ask(GetAttendanceTemplate(actor=REGISTRAR, school=SCHOOL.code))
    assert isinstance(made, Template) and made.name.endswith(".xlsx")
    for school in (OTHER_SCHOOL.code, FAR_SCHOOL.code, "9999999999"):
        no = await world.ask(GetAttendanceTemplate(actor=REGISTRAR, school=school))
        assert isinstance(no, Refused) and no.kind == "not_found"
    file = await upload(world, book(GOOD, PASSPORT | {"sex": "三"}))
    read = await world.ask(ReadAttendance(actor=REGISTRAR, school=SCHOOL.code, file=file))
    assert isinstance(read, AttendanceRead), read
    assert (len(read.rows), read.refused) == (2, 1)
    no = await world.ask(ReadAttendance(actor=REGISTRAR, school=OTHER_SCHOOL.code, file=file))
    assert isinstance(no, Refused) and no.kind == "not_found"


@pytest.mark.integration
@pytest.mark.parametrize(("content", "kind"), [
    (b"PK", "invalid"), (book(), "invalid"), (book(GOOD, headers=HEADERS[:1]), "invalid"),
    (book(*[GOOD] * (MOST_SEATED + 1)), "too_large"),
], ids=["no-workbook", "empty", "a-column-lacks", "too-many"])  # fmt: skip
async def test_a_list_that_is_none_is_told(world: World, content: bytes, kind: str) -> None:
    no = await world.ask(ReadAttendance(actor=REGISTRAR, school=SCHOOL.code, file=await upload(world, content)))
    assert isinstance(no, Refused) and (no.kind, bool(no.detail)) == (kind, True)
