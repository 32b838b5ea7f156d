"""The blank workbook of organisations, with drop-downs and one example of each kind."""

from __future__ import annotations

import functools
import io
from typing import Any

import xlsxwriter

from registry.organisations.sheet import COLUMNS, TITLE
from registry.rosters.lists import Column
from registry.rosters.template import MEDIA_TYPE as MEDIA_TYPE  # noqa: PLC0414 - the same kind of file
from registry.rosters.template import add_lists, dress

_NEED = {"yes": "必填", "no": "见填写方法"}
_LINES = (
    "一、在“机构信息表”工作表中从第2行起每个机构填一行；红色列名为必填；不要合并单元格，不要使用公式。",
    "二、已有的机构也可以填入：与现有信息相同的不变，不同的从导入时选定的生效日期起变更。",
    "三、上传后先检查、不入库，逐行列出新建、变更和错误；全部无误再确认，一次办完。",
    "四、撤销机构不在此办理：在该机构上单独办理撤销。",
)
_EXAMPLES = (
    ("2123010001", "某某区某某小学", "4-学校", "230102", "230102", "211-小学", "", "63-六三制", "1-公办", "1-城区", ""),
    ("230102", "某某市某某区教育局", "3-县级教育行政部门", "230100", "", "", "", "", "", "", ""),
    ("110108", "北京市海淀区教育委员会", "5-外省教育行政部门", "", "", "", "", "", "", "", ""),
)


def note(column: Column) -> str:
    return f"{_NEED[column.required]}\n{column.help}"


@functools.cache
def template() -> bytes:
    """The workbook (.xlsx)."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": TITLE})
        sheet = book.add_worksheet(TITLE)
        guide = book.add_worksheet("填写说明")
        lists = book.add_worksheet("代码")
        lists.hide()
        columns = dict(enumerate(COLUMNS))
        dress(book, sheet, columns, note=note)
        add_lists(sheet, lists, columns)
        _guide(book, guide)
    return out.getvalue()


def _guide(book: Any, guide: Any) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "num_format": "@"})
    guide.write_string(0, 0, f"{TITLE}填写说明", book.add_format({"bold": True, "font_size": 14}))
    guide.set_column(0, 0, 24)
    guide.set_column(1, 1, 12)
    guide.set_column(2, 2, 60)
    guide.set_column(3, 5, 26)
    for row, line in enumerate(_LINES, start=1):
        guide.write_string(row, 0, line)
    start = len(_LINES) + 2
    for at, text in enumerate(("列名", "是否必填", "填写方法", "学校示例", "教育行政部门示例", "外省示例")):
        guide.write_string(start, at, text, head)
    for row, column in enumerate(COLUMNS):
        texts = (column.header, _NEED[column.required], column.help, *(example[row] for example in _EXAMPLES))
        for at, text in enumerate(texts):
            guide.write_string(start + 1 + row, at, text, cell)
