"""The workbook of plans: the sheet that is handed out, and every cell that can be wrong in one that comes back (4.2)."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from registry.enrolment.plans import sheet
from registry.rosters.archive import Problem
from registry.rosters.workbook import Rows
from registry_world import CITY, FAR_SCHOOL, OFFICER, OTHER_SCHOOL, PRINCIPAL, SCHOOL, World, actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.plans import GetPlanTemplate, PlanGiven, ReadPlans, SetPlans

HEADERS = tuple(column.header for column in sheet.COLUMNS)
GOOD = {"school": SCHOOL.code, "stage": "1-小学", "classes": "2", "places": "90", "reason": "南教发〔2026〕5号"}


def book(*rows: dict[str, Any], headers: tuple[str, ...] = HEADERS) -> bytes:
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.title = sheet.TITLE
    page.append(headers)
    keys = {column.header: column.key for column in sheet.COLUMNS}
    for row in rows:
        page.append([row.get(keys.get(header, header)) for header in headers])
    return _bytes(made)


def _bytes(made: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(*rows: dict[str, Any]) -> list[sheet.Read]:
    found = sheet.rows_of(book(*rows))
    assert isinstance(found, Rows), found
    return sheet.plans(found, 2026)


# ---- rows ------------------------------------------------------------------------------------------------------------


def test_a_row_as_a_plan():
    (one,) = read(GOOD)
    assert one.row == 2 and not one.findings
    assert one.given == PlanGiven(
        school=SCHOOL.code, school_year=2026, stage="primary", classes=2, places=90, reason="南教发〔2026〕5号"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stage": "小学"}, ("primary", 2, 90)),
        ({"stage": "2"}, ("junior", 2, 90)),
        ({"stage": "2-初中", "classes": 3, "places": 150.0}, ("junior", 3, 150)),
        ({"classes": "0", "places": "0"}, ("primary", 0, 0)),
        ({"classes": "200", "places": "9999"}, ("primary", 200, 9_999)),
    ],
)
def test_as_people_write_it(changes: dict[str, Any], expected: tuple[str, int, int]):
    (one,) = read(GOOD | changes)
    assert one.given and (one.given.stage, one.given.classes, one.given.places) == expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("school", None),
        ("school", "2" * 21),
        ("stage", None),
        ("stage", "高中"),
        ("classes", None),
        ("classes", "两"),
        ("classes", "2.5"),
        ("classes", -1),
        ("classes", 201),
        ("places", None),
        ("places", "九十"),
        ("places", 90.5),
        ("places", "-1"),
        ("places", 10_000),
        ("places", "90人"),
        ("reason", "长" * 201),
        ("reason", "看不见\u200e的字"),
    ],
)
def test_each_wrong_cell_is_named_with_its_cure(column: str, value: Any):
    """And it alone: the other cells of the row and the other rows are in order."""
    first, second = read(GOOD | {column: value}, GOOD)
    header = next(one.header for one in sheet.COLUMNS if one.key == column)
    assert first.given is None
    (finding,) = first.findings
    assert f"“{header}”" in finding.message and finding.cure and finding.fields == (column,)
    assert finding.outcome == "refuse"
    assert second.given is not None and second.row == 3


def test_every_fault_of_a_row_is_said():
    (one,) = read({"school": SCHOOL.code, "stage": "x", "classes": "x", "places": "x"})
    assert [finding.fields for finding in one.findings] == [("stage",), ("classes",), ("places",)]
    assert (one.school, one.stage) == (SCHOOL.code, "")


def test_rows_that_nobody_filled_in_are_no_plans():
    left = {"school": OTHER_SCHOOL.code, "name": OTHER_SCHOOL.name, "stage": "1-小学", "now": "未下达"}
    assert [one.row for one in read(left, GOOD, left)] == [3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: b"no workbook", "xlsx"),
        (lambda: book(GOOD, headers=("品名", "数量", "单价")), "没有找到"),
        (lambda: book(GOOD, headers=tuple(h for h in HEADERS if h != "学位数")), "学位数"),
        (lambda: book(GOOD, headers=(*HEADERS, "班数")), "重复的列"),
        (book, "没有招生计划数据"),
        (lambda: book(*[GOOD] * (sheet.LIMITS.rows + 1)), "超过1000行"),
    ],
)
def test_what_is_no_sheet_of_plans(content: Callable[[], bytes], said: str):
    found = sheet.rows_of(content())
    assert isinstance(found, Problem) and said in found.message


# ---- the sheet that is handed out ------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("4.2")
async def test_the_sheet_has_the_own_schools_with_their_plans(world: World):
    await world.do(
        SetPlans(
            command_id=world.id(),
            actor=OFFICER,
            plans=(PlanGiven(school=SCHOOL.code, school_year=2026, stage="primary", classes=2, places=90),),
        )
    )
    made = await world.ask(GetPlanTemplate(actor=OFFICER, school_year=2026))
    assert made.name == "2026年秋季招生计划表.xlsx"
    page = openpyxl.load_workbook(io.BytesIO(made.content)).worksheets[0]
    titles, *rows = page.iter_rows(values_only=True)
    assert titles[: len(HEADERS)] == HEADERS
    assert [row[:4] for row in rows if row[0]] == [
        (SCHOOL.code, SCHOOL.name, "1-小学", "2个班，90个学位"),
        (OTHER_SCHOOL.code, OTHER_SCHOOL.name, "1-小学", "未下达"),
    ]
    empty = await world.ask(GetPlanTemplate(actor=OFFICER, school_year=2027))
    page = openpyxl.load_workbook(io.BytesIO(empty.content)).worksheets[0]
    assert {row[3] for row in list(page.iter_rows(values_only=True))[1:] if row[0]} == {"未下达"}


@pytest.mark.integration
@pytest.mark.clause("3.1")
async def test_who_gets_no_sheet(world: World):
    assert (await world.ask(GetPlanTemplate(actor=PRINCIPAL, school_year=2026))).kind == "forbidden"
    city = await world.ask(GetPlanTemplate(actor=actor(Role.AUTHORITY_OFFICER, CITY), school_year=2026))
    page = openpyxl.load_workbook(io.BytesIO(city.content)).worksheets[0]
    assert not [row for row in list(page.iter_rows(values_only=True))[1:] if row[0]]  # supervises no school itself


# ---- one that comes back ---------------------------------------------------------------------------------------------


async def check(world: World, content: bytes, who: Any = OFFICER) -> Any:
    file = await world.deps.files.put("计划.xlsx", sheet.MEDIA_TYPE, content, 8 * 1024**2)
    return await world.ask(ReadPlans(actor=who, file=file, school_year=2026))


@pytest.mark.integration
@pytest.mark.clause("4.2")
async def test_the_sheet_filled_in_is_checked_row_by_row(world: World):
    made = await world.ask(GetPlanTemplate(actor=OFFICER, school_year=2026))
    filled = openpyxl.load_workbook(io.BytesIO(made.content))
    page = filled.worksheets[0]
    at = {cell.value: cell.column for cell in page[1]}
    page.cell(2, at["班数"]).value, page.cell(2, at["学位数"]).value, page.cell(2, at["说明"]).value = 2, 90, "文号"
    page.cell(3, at["班数"]).value, page.cell(3, at["学位数"]).value = 1, 46
    checked = await check(world, _bytes(filled))
    assert [(item.row, item.school, item.outcome) for item in checked.items] == [
        (2, SCHOOL.code, "created"),
        (3, OTHER_SCHOOL.code, "refused"),
    ]
    assert checked.refused == 1 and checked.items[0].reason == "文号"
    assert [finding.code for finding in checked.items[1].findings] == ["plan.over_size_classes"]
    assert not await world.sql("SELECT 1 FROM enrolment_plans")


@pytest.mark.integration
@pytest.mark.clause("3.1", "4.2")
async def test_unreadable_and_foreign_rows_and_one_that_stands_twice(world: World):
    checked = await check(
        world,
        book(GOOD, GOOD | {"classes": "x"}, GOOD | {"school": FAR_SCHOOL.code}, GOOD | {"places": 80}),
    )
    assert [item.outcome for item in checked.items] == ["created", "refused", "refused", "refused"]
    assert [[finding.code for finding in item.findings] for item in checked.items] == [
        [], ["plan.not_a_number"], ["plan.out_of_reach"], ["plan.twice"],
    ]  # fmt: skip
    assert "第2行" in checked.items[3].findings[0].message


@pytest.mark.integration
async def test_a_file_that_is_none_and_one_that_is_gone(world: World):
    for content in (b"PK", b"no workbook", b""):
        reply = await check(world, content)
        assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail, reply
    large = await check(world, bytes(sheet.LIMITS.size + 1))
    assert isinstance(large, Refused) and large.kind == "too_large" and "4MB" in large.detail
    file = await world.deps.files.put("计划.xlsx", sheet.MEDIA_TYPE, book(GOOD), 8 * 1024**2)
    await world.deps.files.delete(file.id)
    gone = await world.ask(ReadPlans(actor=OFFICER, file=file, school_year=2026))
    assert isinstance(gone, Refused) and gone.kind == "conflict" and "重新上传" in gone.detail
    assert (await check(world, book(GOOD), PRINCIPAL)).kind == "forbidden"
