"""The form (学生基本信息表) as of a day (clauses 14, 21.1): what it says now, less what was changed afterwards.

Whoever changes a form says so in an entry of the journal: which fields. What stood there before is sealed beside it, with a
salt, and the entry has the digest of both: addresses and telephone numbers stand in no entry that is kept for ever, and the
chain vouches for them all the same. Where an entry is erased (38), its row here goes with it, and the fields say what the
next change knows.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from regulation.mark import clause
from service_kit.crypto import FieldCipher, SealBroken
from service_kit.database import driver, insert_rows
from shared_contracts.discreet import Discreet
from shared_contracts.records import FormItem
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.form.fields import DOCUMENT_FIELDS, FIELDS
from registry.records import journal, tables
from registry.records.as_of import Told, counts
from registry.records.copies import Copy
from registry.registration import queries
from registry.rosters.sheets import value_text

SAID = "form"
"""The key of a journal entry's content under which it says that the form changed: `fields`, and the `digest`."""
Former = Mapping[str, str | None]
"""Fields and what they said before; None: nothing."""
_canonical = msgspec.json.Encoder(order="sorted").encode


class Kept(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed. `salt`: base64."""

    before: dict[str, str | None]
    salt: str


class Touched(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change of the form. `before`: what it replaced, where it does not count on the day; None where that is erased."""

    fields: Collection[str]
    counts: bool
    before: Former | None = None


@clause("14", "21.1")
def fold(present: Mapping[str, str], touched: Sequence[Touched]) -> dict[str, str]:
    """The form of a day. `touched`: all changes, first to last.

    A field says what the first change after the last one that counts has replaced; what nothing changed says what it says.
    """
    form = dict(present)
    settled: set[str] = set()
    for change in reversed(touched):
        if change.counts:
            settled.update(change.fields)
            continue
        for key, value in (change.before or {}).items():
            if key in settled:
                continue
            if value is None:
                form.pop(key, None)
            else:
                form[key] = value
    return form


def items(form: Mapping[str, str]) -> tuple[FormItem, ...]:
    """All fields that are kept, in the form's order; none where there is no form."""
    if not form:
        return ()
    return tuple(
        FormItem(key=field.key, title=field.header, value=value, text=value_text(field, value))
        for field in FIELDS
        if field.no != 0 and field.key not in DOCUMENT_FIELDS
        for value in [form.get(field.key, "")]
    )


# ---- written ----------------------------------------------------------------------------------------------------------


def replaced(before: Former) -> Kept:
    """What fields of a form said, with a salt of its own: `said` goes into the entry of the journal, `keep` beside it."""
    return Kept(before=dict(before), salt=base64.b64encode(os.urandom(16)).decode())


def said(kept: Kept) -> dict[str, Any]:
    """What the content of the entry says under `SAID`."""
    return {"fields": sorted(kept.before), "digest": digest(kept).hex()}


@clause("14", "21.1")
async def keep(work: RegistryWork, entry: journal.Entry, kept: Kept) -> None:
    """In the transaction that writes the entry."""
    sealed = work.deps.cipher.seal_bytes(msgspec.json.encode(kept), _context(entry.student_id, entry.seq))
    row = {"student_id": entry.student_id, "journal_seq": entry.seq, "sealed": sealed}
    await insert_rows(work.tx, tables.form_changes, [row])


def digest(kept: Kept) -> bytes:
    """What the journal says of what was replaced."""
    return hashlib.sha256(base64.b64decode(kept.salt) + _canonical(kept.before)).digest()


def _context(student_id: str, seq: int) -> bytes:
    return f"form-change:{student_id}:{seq}".encode()


# ---- read -------------------------------------------------------------------------------------------------------------


@clause("14", "21.1", "21.2")
async def as_of(
    work: RegistryWork,
    student_id: str,
    present: Mapping[str, str],
    entries: Sequence[Told],
    day: date,
    known_on: date | None = None,
    until: int | None = None,
) -> dict[str, str]:
    """The form on a day. `entries`: the whole chain. `until`: the number of the entry from which on nothing is known of to
    whoever asks: a former school's, by which the student left (21.2)."""
    touching = [(entry, entry.content[SAID]) for entry in entries if entry.content and SAID in entry.content]
    counting = {
        entry.seq: counts(entry, day, known_on) and (until is None or entry.seq < until) for entry, _ in touching
    }
    wanted = [seq for seq, counts_ in counting.items() if not counts_]
    kept = await _opened(work.tx, work.deps.cipher, student_id, wanted) if wanted else {}
    touched = [
        Touched(
            fields=what["fields"],
            counts=counting[entry.seq],
            before=kept[entry.seq].before if entry.seq in kept else None,
        )
        for entry, what in touching
    ]
    return fold(present, touched)


@clause("14", "21.1", "21.2")
async def shown(
    work: RegistryWork,
    student_id: str,
    entries: Sequence[Told],
    day: date | None,
    known_on: date | None = None,
    copy: Copy | None = None,
) -> dict[str, str]:
    """The form as it is, or as it was. `entries`: the whole chain. `copy`: for a former school: as it was when the student
    left, or on an earlier day, and nothing of later."""
    if copy is None:
        present = await queries.read_form(work, student_id)
        if day is None and known_on is None:
            return present
        return await as_of(work, student_id, present, entries, day or work.today, known_on)
    on = min(day or work.today, copy.as_of)
    if copy.kept.registration is None:
        present = await queries.read_form(work, student_id)
        return await as_of(work, student_id, present, entries, on, known_on, until=copy.journal_seq)
    present = {key: str(value) for key, value in copy.kept.registration.form.items()}
    there = [entry for entry in entries if entry.seq < copy.journal_seq]
    return await as_of(work, student_id, present, there, on, known_on)


@clause("14", "21.1")
async def vouched_for(work: RegistryWork, student_id: str, entries: Sequence[Told]) -> bool:
    """Whether what every change replaced is there and is what its entry says."""
    told = {entry.seq: entry.content[SAID] for entry in entries if entry.content and SAID in entry.content}
    if not told:
        return True
    try:
        kept = await _opened(work.tx, work.deps.cipher, student_id, list(told))
    except SealBroken:
        return False
    return all(seq in kept and said(kept[seq]) == what for seq, what in told.items())


async def _opened(tx: AsyncConnection, cipher: FieldCipher, student_id: str, seqs: Sequence[int]) -> dict[int, Kept]:
    """Raises SealBroken."""
    rows = await (await driver(tx)).fetch(
        "SELECT journal_seq, sealed FROM form_changes WHERE student_id = $1 AND journal_seq = ANY($2::integer[])",
        student_id,
        list(seqs),
    )
    decode = msgspec.json.Decoder(Kept).decode
    return {seq: decode(cipher.open_bytes(sealed, _context(student_id, seq))) for seq, sealed in rows}
