"""How a cell that cannot be taken is told: what was wrong, where, and the cure; personal values masked."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from regulation.documents import mask_document
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.discreet import Discreet

from registry.form.fields import Field

Cell = str | float | int | bool | date | datetime | time | timedelta | None
"""What a spreadsheet cell holds."""


class Fault(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a checker says of one cell. `reason` goes on from “列名”填写的“值”.

    `value`: set where the cell is taken all the same, with a note.
    """

    code: str
    reason: str
    cure: str
    clause: str | None = None
    value: str | None = None


_INVISIBLE = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """Characters that nobody can see, by their code: `〔U+200B〕`."""
    return "".join(
        f"〔U+{ord(c):04X}〕" if unicodedata.category(c) in _INVISIBLE and ord(c) < 0x20000 else c for c in text
    )


def plain(cell: Cell) -> str:
    """A cell's value as a person would write it."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e20:
        return str(int(cell))  # also one whose last digits Excel made up: it shows as it was typed, and is refused
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(" ", "minutes")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def shown(field: Field, cell: Cell) -> str:
    """A cell's value for a message: at most 30 characters, masked where personal."""
    text = plain(cell).strip()
    if not field.personal:
        return visible(text if len(text) <= 30 else text[:29] + "…")
    if field.kind == "document":
        return visible(mask_document("1", text))
    if field.kind == "name":
        return visible(text[:1] + "*" * (min(len(text), 6) - 1))
    if field.kind == "phone":
        return visible(text[:3] + "*" * max(len(text) - 5, 0) + text[-2:]) if len(text) > 5 else "*" * len(text)
    return visible(text[:4] + "…") if len(text) > 6 else text[:1] + "*" * (len(text) - 1)


def finding(field: Field, cell: Cell, fault: Fault, place: str = "") -> Finding:
    """A fault as the person who filled in the form sees it. `place`: the cell's address in the sheet (`"J12"`)."""
    value = shown(field, cell)
    facts: dict[str, Any] = {"column": field.header, "value": value}
    if place:
        facts["cell"] = place
    return Finding(
        code=fault.code,
        outcome=Outcome.REFUSE if fault.value is None else Outcome.NOTE,
        message=f"“{field.header}”填写的“{value}”{fault.reason}",
        clause=fault.clause,
        cure=fault.cure,
        facts=facts,
        fields=(field.key,),
    )


def missing(field: Field, place: str = "", cure: str = "") -> Finding:
    """A field that must be filled in and is not (clause 14: the base fields follow the national form)."""
    facts: dict[str, Any] = {"column": field.header}
    if place:
        facts["cell"] = place
    return Finding(
        code="form.missing",
        outcome=Outcome.REFUSE,
        message=f"“{field.header}”没有填写",
        clause="14",
        cure=cure or f"请填写“{field.header}”",
        facts=facts,
        fields=(field.key,),
    )
