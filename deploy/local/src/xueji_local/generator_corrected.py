"""What a registrar does with the returned workbook: puts right what the comments name, takes out what cannot be put right."""

from __future__ import annotations

from pathlib import Path

import msgspec
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from xueji_local.generator import Roster
from xueji_local.generator_cases import IDENTIFYING, Case

TEXT = "@"
"""Excel's number format for text."""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """`cured`, `removed`: keys of the cases. `rows`: pupils left in the sheet. `unexpected`: row numbers of the returned
    sheet that belong to no planted case (they stay as they are). `uncommented`: cases whose faulty cells carry no comment.
    """

    path: str
    rows: int
    cured: tuple[str, ...]
    removed: tuple[str, ...]
    unexpected: tuple[int, ...] = ()
    uncommented: tuple[str, ...] = ()


class Unreadable(Exception):
    """The returned workbook has no row with the form's titles."""


def make_corrected(path_in: Path, path_out: Path, roster: Roster) -> Correction:
    """Repair the returned workbook of refused rows by the manifest of the roster it came from. Raises Unreadable."""
    book = load_workbook(path_in)
    sheet, header_row, columns = _find([s for s in book.worksheets if isinstance(s, Worksheet)], path_in)
    by_who = {who: case for case in roster.cases if case.outcome == "refused" for who in case.who}
    cured: list[str] = []
    removed: list[tuple[int, str]] = []
    unexpected: list[int] = []
    uncommented: list[str] = []
    left = 0
    for row in range(header_row + 1, sheet.max_row + 1):
        who = tuple(_text(sheet.cell(row, columns[header]).value) for header in IDENTIFYING)
        if not any(who):
            continue
        case = by_who.get(who)
        if case is None:
            unexpected.append(row)
        elif case.remove:
            removed.append((row, case.key))
            continue
        else:
            if not _cure(sheet, row, columns, case):
                uncommented.append(case.key)
            cured.append(case.key)
        left += 1
    for row, _ in reversed(removed):
        sheet.delete_rows(row)
    path_out.parent.mkdir(parents=True, exist_ok=True)
    book.save(path_out)
    return Correction(
        path=str(path_out),
        rows=left,
        cured=tuple(cured),
        removed=tuple(key for _, key in removed),
        unexpected=tuple(unexpected),
        uncommented=tuple(uncommented),
    )


def _find(sheets: list[Worksheet], path: Path) -> tuple[Worksheet, int, dict[str, int]]:
    """The sheet with the pupils, the row of its titles, title -> column."""
    for sheet in sheets:
        for row in sheet.iter_rows(min_row=1, max_row=20):
            columns = {_text(cell.value): cell.column for cell in row if cell.value is not None and cell.column}
            if {"身份证件号", *IDENTIFYING} <= columns.keys():
                return sheet, row[0].row or 0, columns
    raise Unreadable(f"{path.name} 中没有找到国家表的标题行")


def _cure(sheet: Worksheet, row: int, columns: dict[str, int], case: Case) -> bool:
    """Put the right values in. Says whether each of the cells had a comment."""
    commented = True
    for header, value in case.cures.items():
        cell = sheet.cell(row, columns[header])
        commented = commented and cell.comment is not None
        cell.number_format = TEXT
        cell.value = value
        cell.comment = None
    return commented


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
