"""The returned workbook: the refused rows, explained where they are wrong, and good to be uploaded again."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from registry.form.check import SheetCheck
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from registry.rosters.returned import returned
from registry.rosters.workbook import Sheet, read
from shared_contracts.decisions import Finding, Outcome

Pupil = Callable[..., dict[str, Any]]
RED, YELLOW = "FFFFC7CE", "FFFFEB9C"


def _read(content: bytes) -> Sheet:
    sheet = read(content)
    assert isinstance(sheet, Sheet), sheet
    return sheet


def _check(sheet: Sheet, school: SchoolFacts) -> dict[int, tuple[Finding, ...]]:
    facts = FormFacts(school=school, today=date(2026, 9, 10))
    check = SheetCheck(sheet.columns, facts)
    return {n: c.findings for n, cells in sheet.rows if (c := check.row(cells, n)).entry is None}


@pytest.fixture
def original(workbook: Callable[..., bytes], pupil: Pupil) -> Sheet:
    born = datetime(2020, 3, 6)
    return _read(
        workbook(
            [
                pupil(1),
                pupil(2, sex="未知", phone="12"),
                pupil(3),
                pupil(4, birth_date=born, document_number=230102202003050019.0, preschool=None),
            ],
            above=("名册",),
            extra={"备注": "老师填写"},
        )
    )


def test_the_refused_rows_with_red_cells_and_comments(original: Sheet, school: SchoolFacts) -> None:
    findings = _check(original, school)
    assert list(findings) == [4, 6]
    page = openpyxl.load_workbook(io.BytesIO(returned(original, findings)))["学生基本信息表"]
    titles = {cell.value: cell.column for cell in page[1]}
    assert page.max_row == 3
    assert [page.cell(row, titles["原行号"]).value for row in (2, 3)] == [4, 6]
    for row, title, part in (
        (2, "性别", "代码表"),
        (2, "联系电话", "不是有效的电话号码"),
        (3, "身份证件号", "末几位已经丢失"),
        (3, "是否受过学前教育", "没有填写"),
    ):
        cell = page.cell(row, titles[title])
        assert cell.fill.start_color.rgb == RED, title
        assert part in cell.comment.text
        assert "改正：" in cell.comment.text
    assert "依据：实施细则第14条" in page.cell(2, titles["性别"]).comment.text
    assert page.cell(2, titles["姓名"]).fill.start_color.rgb != RED
    assert page.cell(2, titles["姓名"]).comment is None
    assert page.cell(3, titles["备注"]).value == "老师填写"
    assert "没有填写" in page.cell(3, titles["退回原因"]).value


def test_values_stay_as_they_were(original: Sheet, school: SchoolFacts) -> None:
    again = _read(returned(original, _check(original, school)))
    assert [field.key for field in again.columns if field] == [field.key for field in original.columns if field]
    before = {n: cells for n, cells in original.rows if n in (4, 6)}
    old = {f.key: i for i, f in enumerate(original.columns) if f}
    new = {f.key: i for i, f in enumerate(again.columns) if f}
    for (_, cells), was in zip(again.rows, before.values(), strict=True):
        assert {key: cells[i] for key, i in new.items()} == {key: was[i] for key, i in old.items()}


def test_the_returned_workbook_can_be_corrected_and_uploaded_again(
    original: Sheet, school: SchoolFacts, resident: Callable[..., str]
) -> None:
    content = returned(original, _check(original, school))
    same = _read(content)
    assert [len(f) for f in _check(same, school).values()] == [2, 2]  # uncorrected: the same faults
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book["学生基本信息表"]
    titles = {cell.value: cell.column for cell in page[1]}
    page.cell(2, titles["性别"]).value = "男"
    page.cell(2, titles["联系电话"]).value = "13845001234"
    page.cell(3, titles["身份证件号"]).value = resident(4, "20200306")
    page.cell(3, titles["是否受过学前教育"]).value = "是"
    out = io.BytesIO()
    book.save(out)
    corrected = _read(out.getvalue())
    assert [note.message.count("备注") for note in corrected.notes] == [1]  # and not our own columns
    assert _check(corrected, school) == {}


def test_notes_are_yellow_and_row_findings_stand_at_the_row_number(original: Sheet) -> None:
    findings = (
        Finding(code="a", outcome=Outcome.NOTE, message="看一下", fields=("name",)),
        Finding(code="b", outcome=Outcome.REFUSE, message="整行不行", cure="改", clause="15.2"),
        Finding(code="c", outcome=Outcome.PASS, message="没问题", fields=("sex",)),
        Finding(code="d", outcome=Outcome.REFUSE, message="两列不一致", fields=("name", "birth_date")),
    )
    page = openpyxl.load_workbook(io.BytesIO(returned(original, {3: findings})))["学生基本信息表"]
    titles = {cell.value: cell.column for cell in page[1]}
    assert "整行不行" in page.cell(2, 1).comment.text
    assert "实施细则第15.2条" in page.cell(2, 1).comment.text
    assert page.cell(2, titles["姓名"]).fill.start_color.rgb == RED
    assert {"看一下", "两列不一致"} <= set(page.cell(2, titles["姓名"]).comment.text.replace("\n", " ").split())
    assert page.cell(2, titles["出生日期"]).fill.start_color.rgb == RED
    assert page.cell(2, titles["性别"]).comment is None
    assert page.cell(2, 2).value == "整行不行；两列不一致"


def test_text_that_looks_like_a_formula_stays_text(workbook: Callable[..., bytes], pupil: Pupil) -> None:
    sheet = _read(workbook([pupil(name="王小明")]))
    cells = list(sheet.rows[0][1])
    cells[1] = '=HYPERLINK("http://x","y")'
    sheet.rows[0] = (2, cells)
    found = Finding(code="a", outcome=Outcome.REFUSE, message="姓名", fields=("name",))
    content = returned(sheet, {2: (found,)})
    assert dict(_read(content).rows)[2][3] == cells[1]
