"""Reading a roster's workbook: the sheet with the form's columns, its header row, its rows with their Excel numbers."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
from shared_contracts.decisions import Finding, Outcome

from registry.form.check import letters
from registry.form.faults import Cell, plain, visible
from registry.form.fields import BY_KEY, FIELDS, Field, by_header
from registry.rosters.archive import Limits, Problem, examine, problem

ORIGINAL_ROW, REASONS = "原行号", "退回原因"
"""The columns that the returned workbook adds; an upload ignores them."""
OWN_COLUMNS = (ORIGINAL_ROW, REASONS)

_ENOUGH = 5  # titles that make a row the header
_NEEDED = tuple(f for f in FIELDS if f.required == "yes" or f.key == "document_number")

Row = tuple[int, Sequence[Cell]]
"""A row's number as Excel shows it, and its cells from the sheet's first used column on."""


class Sheet(msgspec.Struct, kw_only=True):
    """A roster sheet. `columns`: the field of each column of `rows`, None where it is not of the form; `first_column`:
    how many columns stand left of them; `titles`: as written; `notes`: for the roster as a whole."""

    name: str
    header_row: int
    first_column: int
    columns: tuple[Field | None, ...]
    titles: tuple[str, ...]
    rows: list[Row]
    notes: tuple[Finding, ...] = ()


def read(content: bytes, limits: Limits | None = None) -> Sheet | Problem:
    """The roster sheet of a workbook with all rows that are not empty, or what keeps it from being read."""
    limits = limits or Limits()
    if found := examine(content, limits):
        return found
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            return _roster_sheet(workbook, limits)
    except CalamineError:
        return problem("unreadable", "文件内容无法读取。", "请在Excel中打开并另存为“Excel工作簿（*.xlsx）”后上传。")


def _roster_sheet(workbook: CalamineWorkbook, limits: Limits) -> Sheet | Problem:
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
        header = _header(sheet, limits)
        if header is None:
            continue
        if best is None or header.known > best.known:
            best = header
        if header.known < _ENOUGH or not header.has("name"):
            continue
        read_sheet = _sheet(meta.name, sheet, header, limits)
        if isinstance(read_sheet, Problem):
            return read_sheet
        found.append(read_sheet)
    if not found:
        return _no_header(seen, best, limits)
    with_rows = [sheet for sheet in found if sheet.rows]
    if len(with_rows) > 1:
        names = "、".join(f"“{visible(sheet.name)}”" for sheet in with_rows)
        return problem(
            "several_sheets", f"有{len(with_rows)}个工作表含有学生数据：{names}。", "请只保留一个工作表后上传。"
        )
    if not with_rows:
        name = visible(found[0].name)
        return problem("no_rows", f"工作表“{name}”的表头下面没有学生数据。", "请在表头下一行起逐行填写学生信息后上传。")
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


def _header(sheet: CalamineSheet, limits: Limits) -> _Header | None:
    """The row with most of the form's titles among the first ones: titles, notes and dates may stand above it."""
    best: _Header | None = None
    for number, cells in enumerate(_rows(sheet)):
        if number >= limits.header_rows:
            break
        titles = tuple(plain(cell).strip() if isinstance(cell, str) else "" for cell in cells)
        header = _Header(
            row=number, titles=titles, fields=tuple(by_header(title) if title else None for title in titles)
        )
        if header.known and (best is None or header.known > best.known):
            best = header
    return best


def _rows(sheet: CalamineSheet) -> Iterator[Sequence[Cell]]:
    yield from sheet.iter_rows()


def _sheet(name: str, sheet: CalamineSheet, header: _Header, limits: Limits) -> Sheet | Problem:
    first = sheet.start[1] if sheet.start else 0
    if found := _columns(name, header, first):
        return found
    rows: list[Row] = []
    used = [index for index, field in enumerate(header.fields) if field is not None and field.key != "school_code"]
    for number, cells in enumerate(_rows(sheet)):
        # A template comes with the school's code in its rows: that alone is no pupil.
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
        notes=_notes(header, first),
    )


def _blank(cell: Cell) -> bool:
    return cell is None or cell == "" or (isinstance(cell, str) and not cell.strip())


def _columns(name: str, header: _Header, first: int) -> Problem | None:
    """Columns that are missing or stand twice: no row could be judged."""
    places: dict[str, list[str]] = {}
    for index, field in enumerate(header.fields):
        if field is not None:
            places.setdefault(field.key, []).append(letters(first + index))
    twice = [f"“{BY_KEY[key].header}”（{'、'.join(where)}列）" for key, where in places.items() if len(where) > 1]
    if twice:
        reason = f"工作表“{visible(name)}”第{header.row + 1}行的表头中有重复的列：{'；'.join(twice)}。"
        return problem("duplicate_columns", reason, "请每列只保留一个后上传。")
    lacking = [field.header for field in _NEEDED if field.key not in places]
    if lacking:
        reason = f"工作表“{visible(name)}”第{header.row + 1}行的表头缺少必填的列：{'、'.join(lacking)}。"
        return problem("missing_columns", reason, "请下载最新模板，或补上这些列（列的先后不限）后上传。")
    return None


def _notes(header: _Header, first: int) -> tuple[Finding, ...]:
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
            message=f"有{len(extra)}列不属于《学生基本信息表》，已忽略：{shown}",
            cure="不需要处理；如果是列名写错，请按模板更正列名后重新上传",
            facts={"columns": [column for column, _ in extra]},
        ),
    )


def _no_header(seen: Sequence[str], best: _Header | None, limits: Limits) -> Problem:
    where = "、".join(seen) or "（没有可见的工作表）"
    near = ""
    if best is not None:
        known = [field.header for field in best.fields if field is not None]
        near = f"最接近的是第{best.row + 1}行，只认出：{'、'.join(known[:8])}。"
    return problem(
        "no_header",
        f"在工作表{where}的前{limits.header_rows}行中没有找到《学生基本信息表》的表头。{near}",
        "请下载模板，把数据填入模板后上传。",
    )
