"""The blank workbook: the form's columns, drop-downs with the code tables, and it can be filled in and read back."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from registry.form.check import SheetCheck
from registry.form.fields import FIELDS
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from registry.rosters.template import template
from registry.rosters.workbook import Problem, Sheet, read


@pytest.fixture(scope="module")
def book(school: SchoolFacts) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(template(school)))


def drop_downs(book: openpyxl.Workbook, sheet: Worksheet) -> dict[int, list[str]]:
    """Column -> what its list offers."""
    found = {}
    for validation in sheet.data_validations.dataValidation:
        column = next(iter(validation.sqref.ranges)).min_col
        source = validation.formula1
        if source.startswith('"'):
            found[column] = source.strip('"').split(",")
        else:
            name, cells = source.lstrip("=").split("!")
            found[column] = [row[0].value for row in book[name.strip("'")][cells]]
    return found


@pytest.mark.clause("14")
def test_the_columns_are_the_forms(book: openpyxl.Workbook) -> None:
    sheet = book["学生基本信息表"]
    assert [cell.value for cell in sheet[1]] == [field.header for field in FIELDS]
    assert all(cell.comment is not None for cell in sheet[1])


@pytest.mark.clause("14")
def test_every_code_column_has_its_whole_list(book: openpyxl.Workbook) -> None:
    lists = drop_downs(book, book["学生基本信息表"])
    for column, field in enumerate(FIELDS, start=1):
        if field.codes is None:
            assert column not in lists
        else:
            assert lists[column] == list(field.codes.options), field.key


def test_no_list_in_a_validation_is_longer_than_excel_takes(book: openpyxl.Workbook) -> None:
    for validation in book["学生基本信息表"].data_validations.dataValidation:
        assert len(validation.formula1) <= 257, validation.sqref


def test_cells_are_text_and_the_lists_are_hidden(book: openpyxl.Workbook) -> None:
    sheet = book["学生基本信息表"]
    assert {sheet.column_dimensions[c].number_format for c in ("A", "J", "AF")} == {"@"}
    assert book["代码"].sheet_state == "hidden"
    assert sheet["A2"].value == "2123010001"


def test_a_blank_template_has_no_pupils(school: SchoolFacts) -> None:
    found = read(template(school))
    assert isinstance(found, Problem)
    assert found.code == "workbook.no_rows"


def test_filled_in_by_the_drop_downs_it_passes(
    book: openpyxl.Workbook, school: SchoolFacts, pupil: Callable[..., dict[str, Any]]
) -> None:
    sheet = book["学生基本信息表"]
    lists = drop_downs(book, sheet)
    form = pupil(3)
    for column, field in enumerate(FIELDS, start=1):
        value = form.get(field.key)
        if value is not None and column in lists:
            entry = field.codes.find(str(value)) if field.codes else None
            assert entry is not None
            value = next(option for option in lists[column] if option.startswith(entry.code + "-"))
        sheet.cell(2, column).value = value
    out = io.BytesIO()
    book.save(out)
    found = read(out.getvalue())
    assert isinstance(found, Sheet)
    check = SheetCheck(found.columns, FormFacts(school=school, today=date(2026, 9, 10)))
    assert [check.row(cells, number).findings for number, cells in found.rows] == [()]
