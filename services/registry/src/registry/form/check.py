"""Checking filled-in forms: a sheet's rows one by one, or one form given by its keys (clauses 3.5, 14).

A `SheetCheck` is made once for a sheet's columns. What a column has already seen it knows again, so that a valid row
costs mostly look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

import msgspec
from regulation.documents import mask_document
from regulation.mark import clause
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import Member, Sex

from registry.form import rules
from registry.form.cells import Checker, checker, too_long
from registry.form.entry import Checked, Entry
from registry.form.faults import Cell, Fault, finding, missing, plain, visible
from registry.form.fields import BY_KEY, FIELDS, MEMBERS, Field
from registry.form.rules import Form, FormFacts
from registry.registration.policy import NO_DISABILITY

_MEMORY = 4096
"""Values a column remembers; enough for code tables, dates and a school's streets."""
_LONGEST = 2000  # characters of a cell that are looked at
_UNREPEATED = frozenset({"name", "document", "phone"})


def letters(column: int) -> str:
    """A column's letters as Excel shows them: 0 -> A, 27 -> AB."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


class _Column:
    __slots__ = ("check", "field", "index", "key", "letters", "seen")

    def __init__(self, index: int, field: Field, check: Checker, name: str) -> None:
        self.index, self.field, self.key, self.check, self.letters = index, field, field.key, check, name
        self.seen: dict[str, str] = {}


class SheetCheck:
    """Checks the rows of a sheet whose columns are `fields` (None: a column that is not of the form).

    `first_column`: how many columns stand left of them in the sheet, for the cells' addresses.
    """

    def __init__(self, fields: Sequence[Field | None], facts: FormFacts, first_column: int = 0) -> None:
        self._facts = facts
        self._columns = [
            _Column(index, field, checker(field, facts.school), letters(first_column + index))
            for index, field in enumerate(fields)
            if field is not None
        ]
        self._row = [(c.index, c.key, c.seen, c) for c in self._columns]
        self._letters = {column.key: column.letters for column in self._columns}

    @clause("3.5", "14")
    def row(self, cells: Sequence[Cell], number: int = 0) -> Checked:
        """One row. `number`: the row's number in the sheet, for the cells' addresses in the findings (0: none)."""
        form: Form = {}
        findings: list[Finding] = []
        bad: set[str] = set()
        for index, key, seen, column in self._row:
            cell = cells[index]
            if cell is None or cell == "":
                continue
            if type(cell) is str and (known := seen.get(cell)) is not None:
                form[key] = known
                continue
            if type(cell) is str and len(cell) > _LONGEST:
                result: str | Fault = too_long(column.field, cell)
            else:
                result = column.check(cell)
            if type(result) is str:
                if result:  # nothing but white space is empty
                    form[key] = result
                    if type(cell) is str and len(seen) < _MEMORY and column.field.kind not in _UNREPEATED:
                        seen[cell] = result
                continue
            fault = cast("Fault", result)
            findings.append(finding(column.field, cell, fault, self._place(key, number)))
            if fault.value is None:
                bad.add(key)
            else:
                form[key] = fault.value
        return self._whole(form, findings, bad, cells, number)

    def _whole(self, form: Form, findings: list[Finding], bad: set[str], cells: Sequence[Cell], number: int) -> Checked:
        facts = self._facts
        for key in rules.required_fields(form, facts, bad):
            findings.append(missing(BY_KEY[key], self._place(key, number)))
        for rule in rules.RULES:
            found = rule(form, facts, bad)
            if found:
                told = (found,) if isinstance(found, Finding) else found
                findings += [self._placed(one, number) for one in told] if number else told
        if findings and any(one.outcome is Outcome.REFUSE for one in findings):
            return self._refused(form, findings, cells)
        entry = _entry(form, facts)
        return Checked(
            entry=entry,
            findings=tuple(findings),
            name=entry.name,
            masked_document=mask_document(entry.document_kind, entry.document_number),
        )

    def _refused(self, form: Form, findings: list[Finding], cells: Sequence[Cell]) -> Checked:
        raw = {c.key: plain(cells[c.index]) for c in self._columns if c.key in ("name", "document_number")}
        number = form.get("document_number") or raw.get("document_number", "").strip()
        return Checked(
            entry=None,
            findings=tuple(findings),
            name=form.get("name") or visible(raw.get("name", "").strip()[:60]),
            masked_document=mask_document(form.get("document_kind", "1"), number)[:40],
        )

    def _place(self, key: str, number: int) -> str:
        column = self._letters.get(key)
        return f"{column}{number}" if number and column else ""

    def _placed(self, one: Finding, number: int) -> Finding:
        """A rule's finding with the address of the first cell it speaks of."""
        key = one.fields[0] if one.fields else ""
        facts = dict(one.facts)
        if key in BY_KEY:
            facts.setdefault("column", BY_KEY[key].header)
        if place := self._place(key, number):
            facts["cell"] = place
        return msgspec.structs.replace(one, facts=facts)


def check_form(form: Mapping[str, Cell], facts: FormFacts) -> Checked:
    """One form by its fields' keys; unknown keys are refused, empty values are the same as none."""
    unknown = [key for key in form if key not in BY_KEY]
    if unknown:
        keys = "、".join(visible(key[:40]) for key in unknown[:5])
        fault = Finding(
            code="form.unknown_field",
            outcome=Outcome.REFUSE,
            message=f"没有这样的项目：{keys}",
            cure="项目的键名以接口说明为准",
        )
        return Checked(entry=None, findings=(fault,))
    fields = [field for field in FIELDS if field.key in form]
    return SheetCheck(fields, facts).row([form[field.key] for field in fields])


def _entry(form: Form, facts: FormFacts) -> Entry:
    """Everything is there and right. Takes the document numbers out of the form."""
    number = form.pop("document_number", "")
    members = tuple(
        Member(slot=n, document_kind=form[f"member{n}_document_kind"], document_number=theirs)
        for n in MEMBERS
        if (theirs := form.pop(f"member{n}_document_number", None))
    )
    return Entry(
        name=form["name"],
        sex=cast("Sex", form["sex"]),
        birth_date=date.fromisoformat(form["birth_date"]),
        document_kind=form["document_kind"],
        document_number=number,
        area=form["household_place"][:6] if "household_place" in form else facts.school.division,
        grade=int(form["grade"]),
        class_no=int(form["class_no"]),
        enrolled_month=form["enrolled_month"],
        entry_way=form["entry_way"],
        placement=rules.placement_of(form, facts.school.special),
        disability=form.get("disability", NO_DISABILITY),
        overseas=form["overseas"],
        members=members,
        form=form,
    )
