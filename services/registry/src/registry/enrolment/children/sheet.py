"""A county's list of children of age in a workbook: its columns, its rows as values, its blank form.

Rows are read in a child process (`registry.rosters.jobs`), which knows nothing but the file; what they mean is decided here.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import xlsxwriter
from regulation.codetables import TABLES, CodeTable
from regulation.divisions import DIVISIONS, full_name
from regulation.documents import check_document, mask_document
from shared_contracts.decisions import Finding, Outcome

from registry.form.cells import (
    Checker,
    code_checker,
    date_checker,
    document_checker,
    name_checker,
    phone_checker,
    text_checker,
)
from registry.form.faults import Fault, finding, missing, plain
from registry.form.fields import BY_KEY as NATIONAL
from registry.form.fields import Field, fold
from registry.rosters.archive import Limits, Problem
from registry.rosters.template import add_lists, dress
from registry.rosters.workbook import Form, read

TITLE = "适龄儿童名单"
LIMITS = Limits(size=16 * 1024**2, unpacked=256 * 1024**2, rows=20_000, columns=100)


class Column(Field, frozen=True, kw_only=True):
    """A column of the sheet. `help`: how it is filled in."""

    help: str
    options: CodeTable | None = None

    @property
    def codes(self) -> CodeTable | None:
        return self.options or (TABLES[self.table] if self.table else None)


def _national(key: str, help_: str, *variants: str) -> Column:
    field = NATIONAL[key]
    return Column(
        no=None,
        key=key,
        header=field.header,
        kind=field.kind,
        table=field.table,
        required="yes",
        max=field.max,
        personal=field.personal,
        variants=(*field.variants, *variants),
        help=help_,
    )


def _own(key: str, header: str, help_: str, *, kind: Any = "text", must: bool = True, most: int = 60) -> Column:
    required: Any = "yes" if must else "no"
    return Column(no=None, key=key, header=header, kind=kind, required=required, max=most, personal=True, help=help_)


COLUMNS: tuple[Column, ...] = (
    _national("name", "与户口簿一致"),
    _national("sex", "从下拉列表选择"),
    _national("birth_date", "8位数字，如20200305，或设为日期格式"),
    _national("document_kind", "从下拉列表选择；有户籍的儿童一般为居民身份证"),
    _national("document_number", "居民身份证号在户口簿上"),
    msgspec.structs.replace(
        _own("division", "户籍所在县区代码", "6位行政区划代码；留空为本县（市、区）", must=False, most=12),
        personal=False,
    ),
    _own("address", "户籍地址", "详细地址，含街道（乡镇）、社区（村）和门牌；按它确定学区", most=200),
    _own("guardian", "监护人姓名", "父母或其他法定监护人", kind="name"),
    _own("phone", "监护人电话", "11位手机号，或区号加座机号", kind="phone", most=30),
)
BY_KEY: dict[str, Column] = {column.key: column for column in COLUMNS}
_TITLES: dict[str, Field] = {fold(title): column for column in COLUMNS for title in (column.header, *column.variants)}
FORM = Form(
    title=TITLE,
    subject="儿童",
    by_header=lambda header: _TITLES.get(fold(header)),
    needed=tuple(column for column in COLUMNS if column.required == "yes"),
)


def _checker(column: Column) -> Checker:
    if column.codes is not None:
        return code_checker(column, column.codes)
    made = {"name": name_checker, "date": date_checker, "document": document_checker, "phone": phone_checker}
    return made.get(column.kind, text_checker)(column)


_CHECKERS = {column.key: _checker(column) for column in COLUMNS}


class ChildRows(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The filled rows of a workbook: number as Excel shows it, and what its cells say, by column."""

    rows: tuple[tuple[int, dict[str, str]], ...]


class Child(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row that can be read. `document_number`: normalised; on its way to identity, and never kept."""

    name: str
    sex: str
    birth_date: date
    document_kind: str
    document_number: str
    division: str
    address: str
    guardian: str
    phone: str

    @property
    def masked(self) -> str:
        return mask_document(self.document_kind, self.document_number)


class ReadRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`child`: None where `findings` refuse the row. `name`: as written."""

    row: int
    name: str
    masked: str
    child: Child | None
    findings: tuple[Finding, ...] = ()


def rows_of(content: bytes) -> ChildRows | Problem:
    """Open an untrusted workbook (in the child process)."""
    sheet = read(content, LIMITS, FORM)
    if isinstance(sheet, Problem):
        return sheet
    places = [(field.key, index) for index, field in enumerate(sheet.columns) if field is not None]
    return ChildRows(
        rows=tuple(
            (number, {key: text for key, at in places if at < len(cells) and (text := _text(key, cells[at]))})
            for number, cells in sheet.rows
        )
    )


def _text(key: str, cell: Any) -> str:
    """Of a number that Excel has rounded the checker must see that it was one."""
    if key == "document_number" and isinstance(cell, float) and abs(cell) >= 2**53:
        return f"{cell:.5E}"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return plain(cell).strip()


def children(rows: ChildRows, county: str, today: date) -> Iterator[ReadRow]:
    """Each row by itself, and documents that stand twice."""
    return once(read_child(number, cells, county, today) for number, cells in rows.rows)


def once(rows: Iterable[ReadRow]) -> Iterator[ReadRow]:
    """Of rows with the same document the first one counts."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        earlier = row.row
        if row.child is not None:
            earlier = first.setdefault((row.child.document_kind, row.child.document_number), row.row)
        same = earlier != row.row
        yield msgspec.structs.replace(row, child=None, findings=(*row.findings, twice(earlier))) if same else row


def twice(earlier: int) -> Finding:
    """The same document stands in an earlier row of the list."""
    return Finding(
        code="child.twice",
        outcome=Outcome.REFUSE,
        clause="5.2",
        message=f"身份证件号与第{earlier}行重复",
        cure="每名儿童只保留一行；不是同一人的，核对证件号",
        fields=("document_number",),
    )


def read_child(number: int, cells: Mapping[str, str], county: str, today: date) -> ReadRow:
    values: dict[str, str] = {}
    found: list[Finding] = []
    for column in COLUMNS:
        text = cells.get(column.key, "")
        if not text:
            if column.required == "yes":
                found.append(missing(column))
            continue
        checked = _CHECKERS[column.key](text)
        if isinstance(checked, Fault):
            found.append(finding(column, text, checked))
            if checked.value is None:
                continue
            checked = checked.value
        values[column.key] = checked
    values.setdefault("division", county)
    if (division := DIVISIONS.get(values["division"][:6])) is None or division.level != "county":
        wrong = Fault(code="form.division", reason="不是县（市、区）行政区划代码", cure="请填6位行政区划代码，如230102")
        found.append(finding(BY_KEY["division"], values["division"], wrong))
    if not any(f.outcome is Outcome.REFUSE for f in found):
        found.extend(_document(values, today))
    kind = values.get("document_kind", "1")
    good = not any(f.outcome is Outcome.REFUSE for f in found)
    return ReadRow(
        row=number,
        name=cells.get("name", "")[:60],
        masked=mask_document(kind, values.get("document_number", "")),
        child=_child(values) if good else None,
        findings=tuple(found),
    )


def _child(values: Mapping[str, str]) -> Child:
    return Child(
        birth_date=date.fromisoformat(values["birth_date"]),
        division=values["division"][:6],
        **{key: values[key] for key in values if key not in ("birth_date", "division")},
    )


def _document(values: Mapping[str, str], today: date) -> tuple[Finding, ...]:
    return check_document(
        values["document_kind"],
        values["document_number"],
        birth_date=date.fromisoformat(values["birth_date"]),
        sex=values["sex"],
        today=today,
    )


# ---- the blank workbook -----------------------------------------------------------------------------------------------

_LINES = (
    "一、在“适龄儿童名单”工作表中从第2行起每名儿童填一行；红色列名为必填；不要合并单元格，不要使用公式。",
    "二、填写当年8月31日之前（含8月31日）年满6周岁、户籍在本县（市、区）的儿童。",
    "三、上传后先逐行检查、不入库；确认后再列入名单。已在名单中的儿童不会重复，可以分批上传。",
    "四、上年批准延缓入学的儿童已在今年的名单中，不必再填。",
)


@functools.lru_cache(maxsize=64)
def template(county: str) -> bytes:
    """The workbook (.xlsx) of one county."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": f"{TITLE}（{full_name(county)}）"})
        sheet = book.add_worksheet(TITLE)
        guide = book.add_worksheet("填写说明")
        lists = book.add_worksheet("代码")
        lists.hide()
        columns = dict(enumerate(COLUMNS))
        dress(
            book, sheet, columns, note=lambda column: f"{'必填' if column.required == 'yes' else '选填'}\n{column.help}"
        )
        add_lists(sheet, lists, columns)
        guide.set_column(0, 0, 24)
        guide.set_column(1, 1, 70)
        guide.write_string(0, 0, f"{TITLE}填写说明（{full_name(county)}）", book.add_format({"bold": True}))
        for row, line in enumerate(_LINES, start=1):
            guide.write_string(row, 0, line)
        for row, column in enumerate(COLUMNS, start=len(_LINES) + 2):
            guide.write_string(row, 0, column.header)
            guide.write_string(row, 1, column.help)
    return out.getvalue()
