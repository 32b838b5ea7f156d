"""Lists in a workbook: what organisations, plans, zones, children and graduates have in common.

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

from registry.form.cells import (
    Checker,
    code_checker,
    date_checker,
    document_checker,
    name_checker,
    phone_checker,
    text_checker,
)
from registry.form.faults import Cell, Fault, finding, missing, plain
from registry.form.fields import BY_KEY, Field, Kind, fold
from registry.rosters.archive import Limits, Problem
from registry.rosters.template import add_lists, dress
from registry.rosters.workbook import Form, Rows, text_rows

Then = Callable[[str], str | Fault]
"""What a checked cell has to be besides."""
_NOTHING: Mapping[str, Then] = MappingProxyType({})


_CHECKERS: Mapping[str, Callable[[Field], Checker]] = MappingProxyType(
    {"name": name_checker, "date": date_checker, "document": document_checker, "phone": phone_checker}
)


class Column(Field, frozen=True, kw_only=True):
    """A column of the sheet. `options`: what its drop-down offers, where that is no code table of the national form;
    `help`: how it is filled in."""

    options: CodeTable | None = None
    help: str

    @property
    def codes(self) -> CodeTable | None:
        return self.options or super().codes

    @property
    def checker(self) -> Checker:
        if self.codes is not None:
            return code_checker(self, self.codes)
        return _CHECKERS.get(self.kind, text_checker)(self)


def column(
    key: str,
    header: str,
    help_: str,
    *,
    must: bool = False,
    most: int = 30,
    options: CodeTable | None = None,
    kind: Kind = "text",
    personal: bool = False,
) -> Column:
    """A column of a list's own. `personal`: what stands in it is masked in messages."""
    return Column(
        no=None,
        key=key,
        header=header,
        kind="code" if options else kind,
        required="yes" if must else "no",
        max=most,
        personal=personal,
        options=options,
        help=help_,
    )


def national(key: str, help_: str, *, must: bool = True) -> Column:
    """A column of the national form: the same title, codes and check."""
    field = BY_KEY[key]
    return Column(
        no=None,
        key=key,
        header=field.header,
        kind=field.kind,
        table=field.table,
        required="yes" if must else "no",
        max=field.max,
        personal=field.personal,
        variants=field.variants,
        help=help_,
    )


def as_text(_key: str, cell: Cell) -> str:
    return plain(cell).strip()


class Layout:
    """`title`: in 《》; `subject`: what a row is; `prefilled`: what a template's rows hold that nobody has filled in;
    `text`: a cell as text, by its column's key."""

    def __init__(
        self,
        title: str,
        subject: str,
        columns: Sequence[Column],
        limits: Limits,
        prefilled: frozenset[str] = frozenset(),
        text: Callable[[str, Cell], str] = as_text,
    ) -> None:
        titles: dict[str, Field] = {fold(name): one for one in columns for name in (one.header, *one.variants)}
        self.title, self.columns, self.limits = title, tuple(columns), limits
        self.by_key = {one.key: one for one in columns}
        self.form = Form(
            title=title,
            subject=subject,
            by_header=lambda header: titles.get(fold(header)),
            needed=tuple(one for one in columns if one.required == "yes"),
            prefilled=prefilled,
        )
        self._text = text
        self._checkers = {one.key: one.checker for one in columns}

    def rows_of(self, content: bytes) -> Rows | Problem:
        """Open an untrusted workbook (in the child)."""
        return text_rows(content, self.limits, self.form, self._text)

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
