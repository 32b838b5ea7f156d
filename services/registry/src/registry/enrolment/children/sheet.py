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
from regulation.divisions import DIVISIONS, full_name
from regulation.documents import check_document, mask_document
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.discreet import Discreet

from registry.form.faults import Fault, finding
from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, as_text, column, national
from registry.rosters.template import add_lists, dress
from registry.rosters.workbook import Rows

TITLE = "适龄儿童名单"
LIMITS = Limits(size=16 * 1024**2, unpacked=256 * 1024**2, rows=20_000, columns=100)


COLUMNS: tuple[Column, ...] = (
    national("name", "与户口簿一致"),
    national("sex", "从下拉列表选择"),
    national("birth_date", "8位数字，如20200305，或设为日期格式"),
    national("document_kind", "从下拉列表选择；有户籍的儿童一般为居民身份证"),
    national("document_number", "居民身份证号在户口簿上"),
    column("division", "户籍所在县区代码", "6位行政区划代码；留空为本县（市、区）", most=12),
    column(
        "address",
        "户籍地址",
        "详细地址，含街道（乡镇）、社区（村）和门牌；按它确定学区",
        must=True,
        most=200,
        personal=True,
    ),
    column("guardian", "监护人姓名", "父母或其他法定监护人", must=True, most=60, kind="name", personal=True),
    column("phone", "监护人电话", "11位手机号，或区号加座机号", must=True, most=30, kind="phone", personal=True),
)


def _text(key: str, cell: Any) -> str:
    """Of a number that Excel has rounded the checker must see that it was one."""
    if key == "document_number" and isinstance(cell, float) and abs(cell) >= 2**53:
        return f"{cell:.5E}"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return as_text(key, cell)


LAYOUT = Layout(TITLE, "儿童", COLUMNS, LIMITS, text=_text)


class Child(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class ReadRow(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`child`: None where `findings` refuse the row. `name`: as written."""

    row: int
    name: str
    masked: str
    child: Child | None
    findings: tuple[Finding, ...] = ()


def children(rows: Rows, county: str, today: date) -> Iterator[ReadRow]:
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
    values, read = LAYOUT.values(cells)
    found = list(read)
    values.setdefault("division", county)
    if (division := DIVISIONS.get(values["division"][:6])) is None or division.level != "county":
        wrong = Fault(code="form.division", reason="不是县（市、区）行政区划代码", cure="请填6位行政区划代码，如230102")
        found.append(finding(LAYOUT.by_key["division"], values["division"], wrong))
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
