"""The blank workbook that a school fills in: the form's columns with drop-downs, notes and an example."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from registry.form.fields import FIELDS, Field
from registry.form.telling import how, need
from registry.organisations.facts import SchoolFacts

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET = "学生基本信息表"
_LISTS = "代码"
_ROWS = 2000  # rows with drop-downs and text format
_LIST_LIMIT = 255  # characters of a list that may stand in the validation itself (Excel)

_EXAMPLE: dict[str, str] = {
    "name": "张三",
    "sex": "1-男",
    "birth_date": "20200305",
    "birth_place": "230102000000",
    "native_place": "230102000000",
    "ethnicity": "01-汉族",
    "nationality": "CHN-中国",
    "document_kind": "1-居民身份证",
    "document_number": "（18位身份证号）",
    "overseas": "00-否",
    "health": "10-健康或良好",
    "household_place": "230102000000",
    "household_kind": "2-非农业户口",
    "grade": "1",
    "class_no": "1",
    "enrolled_month": "202609",
    "entry_way": "11-就近入学",
    "boarding": "1-走读",
    "current_address": "黑龙江省哈尔滨市道里区某街1号",
    "postal_address": "黑龙江省哈尔滨市道里区某街1号",
    "home_address": "黑龙江省哈尔滨市道里区某街1号",
    "phone": "13800000000",
    "postcode": "150010",
    "only_child": "1-是",
    "preschool": "1-是",
    "member1_name": "张大",
    "member1_relation": "51-父亲",
    "member1_phone": "13800000000",
    "member1_guardian": "1-是",
}


@functools.lru_cache(maxsize=64)
def template(school: SchoolFacts) -> bytes:
    """The workbook (.xlsx) for one school: its code stands in the rows already."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": f"{SHEET}（{school.name}）"})
        sheet = book.add_worksheet(SHEET)
        guide = book.add_worksheet("填写说明")
        lists = book.add_worksheet(_LISTS)
        lists.hide()
        columns = dict(enumerate(FIELDS))
        dress(book, sheet, columns)
        add_lists(sheet, lists, columns)
        code = book.add_format({"num_format": "@", "font_color": "#7F7F7F"})
        for row in range(1, 1 + _PREFILLED):
            sheet.write_string(row, 0, school.code, code)
        _guide(book, guide, school)
    return out.getvalue()


_PREFILLED = 100


def note(field: Field) -> str:
    """What stands in the comment of a column's title."""
    return f"{need(field)}\n{how(field)}"


def dress(
    book: Any, sheet: Any, columns: Mapping[int, Field], frozen: int = 2, note: Callable[[Any], str] = note
) -> None:
    """The header row, with a note in each cell; every column is text, so that Excel cuts no digits."""
    text = book.add_format({"num_format": "@"})
    must = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "vcenter",
                            "font_color": "#C00000", "num_format": "@"})  # fmt: skip
    may = book.add_format({"bold": True, "bg_color": "#F2F2F2", "border": 1, "text_wrap": True, "valign": "vcenter",
                           "num_format": "@"})  # fmt: skip
    sheet.set_row(0, 36)
    sheet.freeze_panes(1, frozen)
    for column, field in columns.items():
        sheet.set_column(column, column, _width(field), text)
        sheet.write_string(0, column, field.header, must if field.required == "yes" else may)
        sheet.write_comment(0, column, note(field), {"x_scale": 2, "y_scale": 1.2, "author": "学籍"})


def _width(field: Field) -> int:
    wide = {"text": 24, "document": 22, "division": 15, "name": 12, "phone": 15, "email": 20}
    return max(wide.get(field.kind, 12), min(len(field.header) * 2, 18))


def add_lists(sheet: Any, lists: Any, columns: Mapping[int, Field], rows: int = _ROWS) -> None:
    """A drop-down for each code column; long lists stand on a hidden sheet. Other values may be typed (names, codes)."""
    places: dict[str, str] = {}
    for column, field in columns.items():
        table = field.codes
        if table is None:
            continue
        options = list(table.options)
        source: Any = options
        if len(",".join(options)) > _LIST_LIMIT or any("," in option for option in options):
            if table.key not in places:
                at = len(places)
                for row, option in enumerate(options):
                    lists.write_string(row, at, option)
                name = xl_col_to_name(at, col_abs=True)
                places[table.key] = f"={_LISTS}!{name}$1:{name}${len(options)}"
            source = places[table.key]
        sheet.data_validation(
            1, column, rows, column,
            {"validate": "list", "source": source, "error_type": "warning", "error_title": field.header,
             "error_message": "不在下拉列表中。请从列表选择，或填写代码、名称。"},
        )  # fmt: skip


def _guide(book: Any, guide: Any, school: SchoolFacts) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    title = book.add_format({"bold": True, "font_size": 14})
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "num_format": "@"})
    guide.set_column(0, 0, 6)
    guide.set_column(1, 1, 26)
    guide.set_column(2, 2, 30)
    guide.set_column(3, 3, 70)
    guide.set_column(4, 4, 30)
    guide.write_string(0, 0, f"{SHEET}填写说明（{school.name}，{school.code}）", title)
    lines = (
        "一、在“学生基本信息表”工作表中从第2行起每名学生填一行；红色列名为必填；不要合并单元格，不要使用公式。",
        "二、本模板各列已设为文本格式。从其他表格复制时请“选择性粘贴—数值”，否则身份证号会丢失末几位。",
        "三、上传后先检查、不入库；确认无误再正式建籍。不能通过的行会退回一份标红的表格，改正后可以再次上传。",
        "四、同一学生不会重复建籍：已在本校的行会自动跳过。",
    )
    for row, line in enumerate(lines, start=1):
        guide.write_string(row, 0, line)
    start = len(lines) + 2
    for column, text in enumerate(("项目", "列名", "是否必填", "填写方法", "示例")):
        guide.write_string(start, column, text, head)
    for row, field in enumerate(FIELDS, start=start + 1):
        example = school.code if field.key == "school_code" else _EXAMPLE.get(field.key, "")
        number = str(field.no) if field.no else ""
        for column, text in enumerate((number, field.header, need(field), how(field), example)):
            guide.write_string(row, column, text, cell)
