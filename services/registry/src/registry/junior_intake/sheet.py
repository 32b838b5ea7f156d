"""The list in a workbook: filled with the county's graduates, sent back with their junior schools.

The key of a record stands in a column of its own: letters, digits and hyphens that no spreadsheet takes for a number.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import msgspec
import xlsxwriter
from regulation.codetables import CodeTable, Entry
from regulation.school_year import grade_name
from shared_contracts.discreet import Discreet

from registry.junior_intake.policy import Graduate
from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, column
from registry.rosters.template import MEDIA_TYPE as MEDIA_TYPE  # noqa: PLC0414 - the same kind of file
from registry.rosters.template import add_lists, dress
from registry.rosters.workbook import Rows

TITLE = "初中招生名单"
MOST = 30_000
LIMITS = Limits(size=16 * 1024**2, unpacked=256 * 1024**2, rows=MOST, columns=50)
_SPARE = 0  # rows below the graduates: the list names who is known, and nobody else


COLUMNS: tuple[Column, ...] = (
    column("name", "学生姓名", "已填好，供核对", most=60),
    column("from_name", "毕业小学", "已填好，供核对", most=60),
    column("class", "班级", "已填好，供核对", most=60),
    column("number", "学籍号", "已填好，只显示部分数字，供核对", most=60),
    column("target", "目标初中", "从下拉列表选择；留空的由县级教育行政部门以后安排", must=True, most=60),
    column("record", "记录标识", "已填好，系统用来识别学生，不要改动", must=True, most=64),
)
LAYOUT = Layout(TITLE, "学生", COLUMNS, LIMITS)


class Line(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was filled in. `target`: the junior school's code, or what was written instead."""

    row: int
    record: str
    name: str
    target: str


def lines(rows: Rows) -> list[Line]:
    return [
        Line(
            row=number,
            record=cells.get("record", "")[:64],
            name=cells.get("name", "")[:60],
            target=cells.get("target", "")[:100].split("-", 1)[0].strip(),
        )
        for number, cells in rows.rows
    ]


def template(graduates: Sequence[Graduate], juniors: Mapping[str, str]) -> bytes:
    """The workbook (.xlsx). `juniors`: the names of the schools to choose from, by code."""
    table = CodeTable(
        key="juniors",
        title="初中",
        standard="",
        entries=tuple(Entry(code, name.replace("-", "—")) for code, name in sorted(juniors.items())),
        aliases={},
    )
    columns = {
        at: msgspec.structs.replace(column, kind="code", options=table)
        if column.key == "target" and juniors
        else column
        for at, column in enumerate(COLUMNS)
    }
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": False, "strings_to_formulas": False}) as book:
        book.set_properties({"title": TITLE})
        sheet = book.add_worksheet(TITLE)
        lists = book.add_worksheet("代码")
        lists.hide()
        dress(book, sheet, columns, frozen=1, note=lambda column: column.help)
        sheet.set_column(4, 4, 40)
        sheet.set_column(5, 5, 40)
        add_lists(sheet, lists, columns, rows=max(len(graduates), 1) + _SPARE)
        for row, one in enumerate(graduates, start=1):
            class_ = f"{grade_name(one.grade)}{one.class_no}班" if one.grade and one.class_no else ""
            for at, text in enumerate((one.name, one.school_name, class_, one.student_number, "", one.id)):
                sheet.write_string(row, at, text)
    return out.getvalue()
