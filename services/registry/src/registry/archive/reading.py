"""An archive as of a day, for whoever may see the student: the six sections, and whether the chain vouches for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from regulation.authorisation import MISSING
from regulation.mark import clause
from service_kit.crypto import SealBroken
from shared_contracts.actors import Actor
from shared_contracts.archive import ArchiveEntryView, ArchiveView, FiledEvidence, GetArchive
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import word
from shared_contracts.records import StudentView

from registry.archive import store
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.records import as_of, copies, forms, looking_back, readers, views
from registry.records import journal as chains
from registry.records import store as records
from registry.records.copies import Copy
from registry.records.handlers import shown_entry
from registry.records.journal import Entry


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and what proves it: the chain, the salts of its entries, the files."""

    view: ArchiveView
    chain: tuple[Entry, ...]
    kept: dict[str, store.Kept]
    files: tuple[evidence.Filed, ...]


@clause("14", "21.1", "21.2")
async def get_archive(work: RegistryWork, query: GetArchive) -> ArchiveView | Refused:
    found = await read(work, query.actor, word(query), query.student_id, query.as_of)
    return found if isinstance(found, Refused) else found.view


@clause("14", "21.1", "21.2", "3.1")
async def read(work: RegistryWork, actor: Actor, act: str, student_id: str, day: date | None) -> Archive | Refused:
    """A former school gets what was there when the student left, and nothing of later."""
    if fault := looking_back.day_fault(work, day):
        return fault
    row = await views.row_of(work.tx, student_id)
    copy: Copy | None = None
    if row is not None and await readers.reads(work, actor, act, row):
        student = views.view(row)
    else:
        copy = await copies.seen(work, actor, act, student_id)
        if copy is None:
            return refused("not_found", MISSING)
        student = copy.kept.student
    whole = chain = await records.journal_of(work.tx, student_id)
    if copy is not None:
        chain = [entry for entry in chain if entry.seq <= copy.journal_seq]
    if day is not None:
        then = await looking_back.student(work, student, chain, day, None, copy)
        if then is None:
            return refused("not_found", looking_back.NOT_YET)
        student = then
    form = await forms.shown(work, student_id, whole, day, copy=copy)
    return await _assemble(work, student_id, student, chain, day, copy, form)


async def _assemble(
    work: RegistryWork,
    student_id: str,
    student: StudentView,
    chain: list[Entry],
    day: date | None,
    copy: Copy | None,
    form: dict[str, str],
) -> Archive:
    last = chain[-1].seq if copy is None else copy.journal_seq - 1
    on = work.today if day is None else day
    if copy is not None:
        on = min(on, copy.as_of)
    rows = [row for row in await store.of(work.tx, student_id) if row.journal_seq <= last]
    filed = [one for one in await evidence.filed_of(work.tx, student_id) if one.journal_seq <= last]
    entries, kept, sound = _entries(work, rows, filed, chain)
    counting = [entry for entry in chain if day is None or as_of.counts(entry, on)]
    files = tuple(one for one in filed if one.filed_on <= on)
    view = ArchiveView(
        student=student,
        as_of=on,
        journal=tuple(map(shown_entry, counting)),
        evidence=tuple(
            FiledEvidence(
                evidence=one.evidence.view, filed_on=one.filed_on, filed_at=one.filed_at, journal_seq=one.journal_seq
            )
            for one in files
        ),
        entries=tuple(entry for entry in entries if entry.on <= on),
        intact=sound
        and chains.intact(chain)
        and _files_vouched_for(filed, chain)
        and await forms.vouched_for(work, student_id, chain),
        form=form,
        copy_as_of=None if copy is None else copy.as_of,
    )
    return Archive(view=view, chain=tuple(chain), kept=kept, files=files)


def _entries(
    work: RegistryWork, rows: Sequence[store.Row], filed: Sequence[evidence.Filed], chain: Sequence[Entry]
) -> tuple[list[ArchiveEntryView], dict[str, store.Kept], bool]:
    """What can be opened, and whether all could and the chain has its digests. Who has left a school is superseded there
    by nothing later: `rows` are those of the time."""
    said = {str(entry.content["entry"]): entry.content for entry in chain if entry.content and "entry" in entry.content}
    right = {row.supersedes: row.id for row in rows if row.supersedes is not None}
    names: dict[int, list[str]] = {}
    for one in filed:
        names.setdefault(one.journal_seq, []).append(one.evidence.id)
    shown, kept, sound = [], {}, True
    for row in rows:
        try:
            opened = store.unseal(work.deps.cipher, row)
        except SealBroken:
            sound = False
            continue
        words = said.get(row.id)
        sound = sound and store.digest(opened) == row.digest
        sound = sound and words is not None and words.get("digest") == row.digest.hex()
        kept[row.id] = opened
        shown.append(store.view(row, opened, names.get(row.journal_seq, ()), right.get(row.id)))
    return shown, kept, sound


def _files_vouched_for(filed: Sequence[evidence.Filed], chain: Sequence[Entry]) -> bool:
    by_seq = {entry.seq: entry.content or {} for entry in chain}
    return all(
        {"id": one.evidence.id, "sha256": one.evidence.sha256}.items() <= said.items()
        for one in filed
        for said in by_seq.get(one.journal_seq, {}).get("evidence", [{}])
        if said.get("id") in (None, one.evidence.id)
    )
