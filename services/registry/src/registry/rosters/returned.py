"""The refused rows as a workbook to correct and upload again: original values, faulty cells red and explained."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter
from shared_contracts.decisions import Finding, Outcome

from registry.form.faults import Cell
from registry.rosters.template import SHEET, add_lists, dress
from registry.rosters.workbook import OWN_COLUMNS, Row, Sheet

_COMMENT = {"x_scale": 2.2, "y_scale": 1.4, "author": "学籍"}


def returned(sheet: Sheet, findings: Mapping[int, Sequence[Finding]]) -> bytes:
    """The workbook (.xlsx) of the rows whose numbers are in `findings`, in their order.

    The first two columns, 原行号 and 退回原因, are ignored by an upload. A finding's comment stands in the cell of its
    first field that the sheet has a column for, its other fields are red too; what concerns no cell stands at 原行号.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        page = book.add_worksheet(SHEET)
        lists = book.add_worksheet("代码")
        lists.hide()
        paint = _Paint(book)
        kept = [index for index, title in enumerate(sheet.titles) if title and title not in OWN_COLUMNS]
        at = {index: column for column, index in enumerate(kept, start=len(OWN_COLUMNS))}
        fields = {column: field for index, column in at.items() if (field := sheet.columns[index]) is not None}
        dress(book, page, fields, frozen=len(OWN_COLUMNS) + 2)
        page.set_column(0, 0, 8)
        page.set_column(1, 1, 40)
        for column, title in enumerate(OWN_COLUMNS):
            page.write_string(0, column, title, paint.head)
        for index, column in at.items():
            if sheet.columns[index] is None:
                page.write_string(0, column, sheet.titles[index], paint.head)
        places = {field.key: column for column, field in fields.items()}
        rows = [row for row in sheet.rows if row[0] in findings]
        writer = _Page(page, at, places, paint)
        for line, row in enumerate(rows, start=1):
            writer.write(line, row, _faults(findings[row[0]]))
        add_lists(page, lists, fields, rows=max(len(rows), 1))
    return out.getvalue()


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is not Outcome.PASS]


class _Paint:
    def __init__(self, book: Any) -> None:
        self.head = book.add_format({"bold": True, "bg_color": "#F2F2F2", "border": 1, "num_format": "@"})
        self.plain = book.add_format({"num_format": "@"})
        self.date = book.add_format({"num_format": "yyyy-mm-dd"})
        self.wrong = book.add_format({"num_format": "@", "bg_color": "#FFC7CE", "border": 1, "border_color": "#C00000"})
        self.wrong_date = book.add_format({"num_format": "yyyy-mm-dd", "bg_color": "#FFC7CE", "border": 1,
                                           "border_color": "#C00000"})  # fmt: skip
        self.noted = book.add_format({"num_format": "@", "bg_color": "#FFEB9C"})
        self.noted_date = book.add_format({"num_format": "yyyy-mm-dd", "bg_color": "#FFEB9C"})

    def of(self, outcome: Outcome | None, cell: Cell) -> Any:
        day = isinstance(cell, date)
        if outcome is Outcome.REFUSE:
            return self.wrong_date if day else self.wrong
        if outcome is not None:
            return self.noted_date if day else self.noted
        return self.date if day else self.plain


def explain(finding: Finding) -> str:
    """A finding in one text: what is wrong, the cure, the clause."""
    parts = [finding.message]
    if finding.cure:
        parts.append(f"改正：{finding.cure}")
    if finding.clause:
        parts.append(f"依据：实施细则第{finding.clause}条")
    return "\n".join(parts)


class _Page:
    """`at`: where a column of the original stands now; `places`: the column of a field."""

    def __init__(self, page: Any, at: Mapping[int, int], places: Mapping[str, int], paint: _Paint) -> None:
        self._page, self._at, self._places, self._paint = page, at, places, paint

    def write(self, line: int, row: Row, findings: Sequence[Finding]) -> None:
        number, cells = row
        outcomes: dict[int, Outcome] = {}
        comments: dict[int, list[str]] = {}
        for finding in findings:
            columns = [self._places[key] for key in finding.fields if key in self._places]
            for column in columns:
                if outcomes.get(column) is not Outcome.REFUSE:
                    outcomes[column] = finding.outcome
            comments.setdefault(columns[0] if columns else 0, []).append(explain(finding))
        reasons = "；".join(finding.message for finding in findings if finding.outcome is Outcome.REFUSE)
        page, paint = self._page, self._paint
        page.write_number(line, 0, number, paint.wrong if 0 in comments else paint.plain)
        page.write_string(line, 1, reasons, paint.plain)
        for index, column in self._at.items():
            _write(page, line, column, cells[index], look=paint.of(outcomes.get(column), cells[index]))
        for column, texts in comments.items():
            page.write_comment(line, column, "\n\n".join(texts), _COMMENT)


def _write(page: Any, line: int, column: int, cell: Cell, *, look: Any) -> None:
    """The original value in its original type: a number stays one, so that what it has lost is not hidden."""
    if cell is None or cell == "":
        page.write_blank(line, column, None, look)
    elif isinstance(cell, bool):
        page.write_boolean(line, column, cell, look)
    elif isinstance(cell, int | float):
        page.write_number(line, column, cell, look)
    elif isinstance(cell, datetime):
        page.write_datetime(line, column, cell.replace(tzinfo=None), look)
    elif isinstance(cell, date):
        page.write_datetime(line, column, datetime.combine(cell, time.min), look)
    elif isinstance(cell, time | timedelta):
        page.write_string(line, column, str(cell), look)
    else:
        page.write_string(line, column, cell, look)
