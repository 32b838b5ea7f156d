"""Lists in a workbook: what organisations, plans, zones and graduates have in common.

A list has columns with titles, some of them with a drop-down; a row becomes values by its column's checker, or findings that
name the cell. The file is opened in a child process (`jobs`), which knows nothing but it: `uploaded` is the service's side.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import xlsxwriter
from regulation.codetables import CodeTable
from shared_contracts.decisions import Finding, Outcome

from registry.form.cells import code_checker, text_checker
from registry.form.faults import Fault, finding, missing
from registry.form.fields import Field, fold
from registry.rosters.archive import Limits, Problem
from registry.rosters.template import add_lists, dress
from registry.rosters.workbook import Form, Rows, text_rows

Then = Callable[[str], str | Fault]
"""What a checked cell has to be besides."""
_NOTHING: Mapping[str, Then] = MappingProxyType({})


class Column(Field, frozen=True, kw_only=True):
    """A column of the sheet. `options`: what its drop-down offers; `help`: how it is filled in."""

    options: CodeTable | None = None
    help: str

    @property
    def codes(self) -> CodeTable | None:
        return self.options


def column(
    key: str, header: str, help_: str, *, must: bool = False, most: int = 30, options: CodeTable | None = None
) -> Column:
    return Column(
        no=None,
        key=key,
        header=header,
        kind="code" if options else "text",
        required="yes" if must else "no",
        max=most,
        personal=False,
        options=options,
        help=help_,
    )


class Layout:
    """`title`: in 《》; `subject`: what a row is; `prefilled`: what a template's rows hold that nobody has filled in."""

    def __init__(
        self,
        title: str,
        subject: str,
        columns: Sequence[Column],
        limits: Limits,
        prefilled: frozenset[str] = frozenset(),
    ) -> None:
        titles: dict[str, Field] = {fold(one.header): one for one in columns}
        self.title, self.columns, self.limits = title, tuple(columns), limits
        self.by_key = {one.key: one for one in columns}
        self.form = Form(
            title=title,
            subject=subject,
            by_header=lambda header: titles.get(fold(header)),
            needed=tuple(one for one in columns if one.required == "yes"),
            prefilled=prefilled,
        )
        self._checkers = {
            one.key: code_checker(one, one.options) if one.options else text_checker(one) for one in columns
        }

    def rows_of(self, content: bytes) -> Rows | Problem:
        """Open an untrusted workbook (in the child)."""
        return text_rows(content, self.limits, self.form)

    def absent(self, key: str, fault: Fault) -> Finding:
        """A cell that need not be filled in, and must be here."""
        one = self.by_key[key]
        return Finding(
            code=fault.code,
            outcome=Outcome.REFUSE,
            message=f"“{one.header}”{fault.reason}",
            cure=fault.cure,
            facts={"column": one.header},
            fields=(key,),
        )

    def values(
        self, cells: Mapping[str, str], then: Mapping[str, Then] = _NOTHING
    ) -> tuple[dict[str, str], tuple[Finding, ...]]:
        """A row's cells, checked, by key; and what is wrong with others. `then`: further checks by key."""
        values: dict[str, str] = {}
        found: list[Finding] = []
        for one in self.columns:
            text = cells.get(one.key, "")
            if not text:
                if one.required == "yes":
                    found.append(missing(one))
                continue
            checked = self._checkers[one.key](text)
            if not isinstance(checked, Fault) and one.key in then:
                checked = then[one.key](checked)
            if isinstance(checked, Fault):
                found.append(finding(one, text, checked))
                if checked.value is None:
                    continue
                checked = checked.value
            values[one.key] = checked
        return values, tuple(found)


def refusing(findings: Iterable[Finding]) -> bool:
    return any(one.outcome is Outcome.REFUSE for one in findings)


def workbook(layout: Layout, heading: str, lines: Iterable[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The sheet to fill in (.xlsx). `heading`: the file's title; `lines`: how it is filled in; `rows`: what stands in it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": heading})
        sheet, guide, codes = (book.add_worksheet(name) for name in (layout.title, "填写说明", "代码"))
        codes.hide()
        columns = dict(enumerate(layout.columns))
        dress(book, sheet, columns, note=lambda one: one.help)
        filled = list(rows)
        add_lists(sheet, codes, columns, rows=len(filled) + SPARE)
        for at, line in enumerate(lines):
            guide.write_string(at, 0, line)
        for number, cells in enumerate(filled, start=1):
            for at, text in enumerate(cells):
                sheet.write_string(number, at, text)
    return out.getvalue()


SPARE = 1_000
"""Rows below those that are filled in, with drop-downs, for what people add."""
