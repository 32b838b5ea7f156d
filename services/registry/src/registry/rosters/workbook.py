"""Reading a workbook: the sheet with a form's columns, its header row, its rows with their Excel numbers.

The form is the roster's unless another is given: whatever people upload is opened with the same care.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.discreet import Discreet

from registry.form.check import letters
from registry.form.faults import Cell, plain, visible
from registry.form.fields import FIELDS, Field, by_header
from registry.rosters.archive import Limits, Problem, examine, problem

ORIGINAL_ROW, REASONS = "原行号", "退回原因"
"""The columns that the returned workbook adds; an upload ignores them."""
OWN_COLUMNS = (ORIGINAL_ROW, REASONS)

_ENOUGH = 5  # titles that make a row the header


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a workbook. `title`: in 《》; `subject`: what a row is; `by_header`: a column by its title;
    `needed`: columns without which no row can be judged; `prefilled`: what a template's empty rows hold already."""

    title: str
    subject: str
    by_header: Callable[[str], Field | None]
    needed: tuple[Field, ...]
    prefilled: frozenset[str] = frozenset()


ROSTER = Form(
    title="学生基本信息表",
    subject="学生",
    by_header=by_header,
    needed=tuple(f for f in FIELDS if f.required == "yes" or f.key == "document_number"),
    prefilled=frozenset({"school_code"}),
)

Row = tuple[int, Sequence[Cell]]
"""A row's number as Excel shows it, and its cells from the sheet's first used column on."""


class Sheet(Discreet, msgspec.Struct, kw_only=True):
    """A sheet. `columns`: the field of each column of `rows`, None where it is not of the form; `first_column`:
    how many columns stand left of them; `titles`: as written; `notes`: for the workbook as a whole."""

    name: str
    header_row: int
    first_column: int
    columns: tuple[Field | None, ...]
    titles: tuple[str, ...]
    rows: list[Row]
    notes: tuple[Finding, ...] = ()


def read(content: bytes, limits: Limits | None = None, form: Form = ROSTER) -> Sheet | Problem:
    """The form's sheet of a workbook with all rows that are not empty, or what keeps it from being read."""
    limits = limits or Limits()
    if found := examine(content, limits):
        return found
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            return _form_sheet(workbook, limits, form)
    except CalamineError:
        return problem("unreadable", "文件内容无法读取。", "请在Excel中打开并另存为“Excel工作簿（*.xlsx）”后上传。")


class Rows(Discreet, msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The filled rows of a workbook: number as Excel shows it, and what its cells say, by column."""

    rows: tuple[tuple[int, dict[str, str]], ...]


def text_rows(content: bytes, limits: Limits, form: Form, text: Callable[[str, Cell], str]) -> Rows | Problem:
    """The form's sheet as text, for workbooks whose rows are judged elsewhere. `text`: a cell as text, by column."""
    sheet = read(content, limits, form)
    if isinstance(sheet, Problem):
        return sheet
    places = [(field.key, index) for index, field in enumerate(sheet.columns) if field is not None]
    return Rows(
        rows=tuple(
            (number, {key: said for key, at in places if at < len(cells) and (said := text(key, cells[at]))})
            for number, cells in sheet.rows
        )
    )


def _form_sheet(workbook: CalamineWorkbook, limits: Limits, form: Form) -> Sheet | Problem:
    found: list[Sheet] = []
    seen: list[str] = []
    best: _Header | None = None
    for meta in workbook.sheets_metadata:
        if meta.typ is not SheetTypeEnum.WorkSheet or meta.visible is not SheetVisibleEnum.Visible:
            continue
        seen.append(f"“{visible(meta.name)}”")
        sheet = workbook.get_sheet_by_name(meta.name)
        if sheet.start is None:
            continue
        header = _header(sheet, limits, form)
        if header is None:
            continue
        if best is None or header.known > best.known:
            best = header
        if header.known < _ENOUGH or not header.has("name"):
            continue
        read_sheet = _sheet(meta.name, sheet, header, limits, form)
        if isinstance(read_sheet, Problem):
            return read_sheet
        found.append(read_sheet)
    if not found:
        return _no_header(seen, best, limits, form)
    with_rows = [sheet for sheet in found if sheet.rows]
    if len(with_rows) > 1:
        names = "、".join(f"“{visible(sheet.name)}”" for sheet in with_rows)
        return problem(
            "several_sheets",
            f"有{len(with_rows)}个工作表含有{form.subject}数据：{names}。",
            "请只保留一个工作表后上传。",
        )
    if not with_rows:
        name = visible(found[0].name)
        return problem(
            "no_rows",
            f"工作表“{name}”的表头下面没有{form.subject}数据。",
            f"请在表头下一行起逐行填写{form.subject}信息后上传。",
        )
    return with_rows[0]


class _Header(msgspec.Struct, kw_only=True):
    row: int  # from 0
    titles: tuple[str, ...]
    fields: tuple[Field | None, ...]

    @property
    def known(self) -> int:
        return sum(field is not None for field in self.fields)

    def has(self, key: str) -> bool:
        return any(field is not None and field.key == key for field in self.fields)


def _header(sheet: CalamineSheet, limits: Limits, form: Form) -> _Header | None:
    """The row with most of the form's titles among the first ones: titles, notes and dates may stand above it."""
    best: _Header | None = None
    for number, cells in enumerate(_rows(sheet)):
        if number >= limits.header_rows:
            break
        titles = tuple(plain(cell).strip() if isinstance(cell, str) else "" for cell in cells)
        header = _Header(
            row=number, titles=titles, fields=tuple(form.by_header(title) if title else None for title in titles)
        )
        if header.known and (best is None or header.known > best.known):
            best = header
    return best


def _rows(sheet: CalamineSheet) -> Iterator[Sequence[Cell]]:
    yield from sheet.iter_rows()


def _sheet(name: str, sheet: CalamineSheet, header: _Header, limits: Limits, form: Form) -> Sheet | Problem:
    first = sheet.start[1] if sheet.start else 0
    if found := _columns(name, header, first, form):
        return found
    rows: list[Row] = []
    used = [index for index, field in enumerate(header.fields) if field is not None and field.key not in form.prefilled]
    for number, cells in enumerate(_rows(sheet)):
        # A roster's template comes with the school's code in its rows: that alone is no pupil.
        if number <= header.row or all(_blank(cells[index]) for index in used):
            continue
        rows.append((number + 1, cells))
        if len(rows) > limits.rows:
            reason = f"工作表“{visible(name)}”超过{limits.rows}行。"
            return problem("too_many_rows", reason, f"请分成几个文件上传，每个不超过{limits.rows}行。")
    return Sheet(
        name=name,
        header_row=header.row + 1,
        first_column=first,
        columns=header.fields,
        titles=header.titles,
        rows=rows,
        notes=_notes(header, first, form),
    )


def _blank(cell: Cell) -> bool:
    return cell is None or cell == "" or (isinstance(cell, str) and not cell.strip())


def _columns(name: str, header: _Header, first: int, form: Form) -> Problem | None:
    """Columns that are missing or stand twice: no row could be judged."""
    places: dict[str, list[str]] = {}
    titles = {field.key: field.header for field in header.fields if field is not None}
    for index, field in enumerate(header.fields):
        if field is not None:
            places.setdefault(field.key, []).append(letters(first + index))
    twice = [f"“{titles[key]}”（{'、'.join(where)}列）" for key, where in places.items() if len(where) > 1]
    if twice:
        reason = f"工作表“{visible(name)}”第{header.row + 1}行的表头中有重复的列：{'；'.join(twice)}。"
        return problem("duplicate_columns", reason, "请每列只保留一个后上传。")
    lacking = [field.header for field in form.needed if field.key not in places]
    if lacking:
        reason = f"工作表“{visible(name)}”第{header.row + 1}行的表头缺少必填的列：{'、'.join(lacking)}。"
        return problem("missing_columns", reason, "请下载最新模板，或补上这些列（列的先后不限）后上传。")
    return None


def _notes(header: _Header, first: int, form: Form) -> tuple[Finding, ...]:
    extra = [
        (letters(first + index), title)
        for index, (title, field) in enumerate(zip(header.titles, header.fields, strict=True))
        if title and field is None and title not in OWN_COLUMNS
    ]
    if not extra:
        return ()
    shown = "、".join(f"{column}列“{visible(title[:20])}”" for column, title in extra[:10])
    return (
        Finding(
            code="workbook.extra_columns",
            outcome=Outcome.NOTE,
            message=f"有{len(extra)}列不属于《{form.title}》，已忽略：{shown}",
            cure="不需要处理；如果是列名写错，请按模板更正列名后重新上传",
            facts={"columns": [column for column, _ in extra]},
        ),
    )


def _no_header(seen: Sequence[str], best: _Header | None, limits: Limits, form: Form) -> Problem:
    where = "、".join(seen) or "（没有可见的工作表）"
    near = ""
    if best is not None:
        known = [field.header for field in best.fields if field is not None]
        near = f"最接近的是第{best.row + 1}行，只认出：{'、'.join(known[:8])}。"
    return problem(
        "no_header",
        f"在工作表{where}的前{limits.header_rows}行中没有找到《{form.title}》的表头。{near}",
        "请下载模板，把数据填入模板后上传。",
    )
