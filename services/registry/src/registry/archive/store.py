"""Every statement about entries of the archive, and how what they say is sealed.

An entry's content and a random salt are sealed together; the journal's entry holds the digest of both. So the chain
vouches for what nobody can guess from it, and who holds an archive can prove each entry.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.crypto import FieldCipher
from service_kit.database import driver, fetch_all, insert_rows
from shared_contracts.archive import SECTION_OF, ArchiveEntryView, Entry
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.archive.tables import archive_entries

_a = archive_entries.c
_canonical = msgspec.json.Encoder(order="sorted").encode


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed. `salt`: base64."""

    entry: Entry
    salt: str


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry before or after it is stored."""

    id: str
    student_id: str
    section: int
    kind: str
    happened_on: date
    sealed: bytes
    digest: bytes
    school: str
    account: str
    recorded_by: str
    recorded_at: datetime
    journal_seq: int
    supersedes: str | None
    reason: str


def digest(kept: Kept) -> bytes:
    """What the journal says of an entry."""
    return hashlib.sha256(base64.b64decode(kept.salt) + _canonical(kept.entry)).digest()


def seal(cipher: FieldCipher, entry_id: str, entry: Entry) -> tuple[bytes, bytes]:
    """The sealed content, and its digest."""
    kept = Kept(entry=entry, salt=base64.b64encode(os.urandom(16)).decode())
    return cipher.seal_bytes(msgspec.json.encode(kept), _context(entry_id)), digest(kept)


def unseal(cipher: FieldCipher, row: Row) -> Kept:
    """Raises SealBroken."""
    return msgspec.json.decode(cipher.open_bytes(row.sealed, _context(row.id)), type=Kept)


def _context(entry_id: str) -> bytes:
    return f"archive:{entry_id}".encode()


def kind_of(entry: Entry) -> str:
    return str(type(entry).__struct_config__.tag)


def section_of(entry: Entry) -> int:
    return SECTION_OF[type(entry)]


async def put(tx: AsyncConnection, rows: Sequence[Row]) -> None:
    await insert_rows(tx, archive_entries, [msgspec.structs.asdict(row) for row in rows])


async def get(tx: AsyncConnection, entry_id: str) -> Row | None:
    rows = await fetch_all(tx, sa.select(archive_entries).where(_a.id == entry_id))
    return _row(rows[0]) if rows else None


async def superseding(tx: AsyncConnection, entry_id: str) -> str | None:
    """The entry that says this one right. Asked under the student's lock, which whoever supersedes holds."""
    found: str | None = await (await driver(tx)).fetchval(
        "SELECT id FROM archive_entries WHERE supersedes = $1", entry_id
    )
    return found


async def of(tx: AsyncConnection, student_id: str) -> list[Row]:
    """All entries of a student, superseded ones too, by section and day."""
    query = (
        sa.select(archive_entries)
        .where(_a.student_id == student_id)
        .order_by(_a.section, _a.happened_on, _a.journal_seq, _a.id)
    )
    return list(map(_row, await fetch_all(tx, query)))


def view(row: Row, kept: Kept, evidence: Sequence[str] = (), superseded_by: str | None = None) -> ArchiveEntryView:
    return ArchiveEntryView(
        id=row.id,
        student_id=row.student_id,
        section=row.section,
        on=row.happened_on,
        entry=kept.entry,
        school=row.school,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        journal_seq=row.journal_seq,
        digest=row.digest.hex(),
        evidence=tuple(evidence),
        supersedes=row.supersedes,
        superseded_by=superseded_by,
        reason=row.reason,
    )


def _row(row: Mapping[str, Any] | Any) -> Row:
    return Row(**{name: row[name] for name in Row.__struct_fields__})
