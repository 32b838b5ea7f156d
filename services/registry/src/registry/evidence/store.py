"""Every statement about evidence. `attach`, `of`, `file_for` are what other capabilities use.

Locks: evidence by id, after everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.mark import clause
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.discreet import Discreet
from shared_contracts.evidence import EvidenceGiven, EvidenceKind, EvidenceView, ScanState
from shared_contracts.files import FileRef
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.evidence import policy
from registry.evidence.tables import evidence, evidence_filings
from registry.records import journal, writing
from registry.records import store as records

_e = evidence.c
MOST = 20
"""Files of one thing, where its capability says nothing else."""


class Evidence(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row. `kind` and `attached_to` are its attachment's; `shared_with`: a school that sees it beside its owner."""

    id: str
    organisation: str
    account: str
    uploaded_by: str
    uploaded_at: datetime
    name: str
    media_type: str
    size: int
    sha256: str
    file_id: str
    scan: ScanState
    kind: EvidenceKind
    attached_to: str | None
    place: int
    shared_with: str | None
    scanned_at: datetime | None = None
    signature: str | None = None

    @property
    def file(self) -> FileRef:
        return FileRef(id=self.file_id, name=self.name, size=self.size, sha256=self.sha256, media_type=self.media_type)

    @property
    def view(self) -> EvidenceView:
        return EvidenceView(
            id=self.id,
            name=self.name,
            media_type=self.media_type,
            size=self.size,
            sha256=self.sha256,
            scan=self.scan,
            organisation=self.organisation,
            uploaded_by=self.uploaded_by,
            uploaded_at=self.uploaded_at,
            kind=self.kind,
            attached_to=self.attached_to,
        )


# ---- for other capabilities -----------------------------------------------------------------------------------------


@clause("14")
async def attach(
    work: RegistryWork,
    ids: Sequence[str | EvidenceGiven],
    *,
    to: str,
    actor: Actor,
    most: int = MOST,
    school: str | None = None,
) -> tuple[Evidence, ...] | Refused:
    """Make uploaded files part of one thing, in the order given; again with the same files changes nothing.

    `ids`: with their kinds where `EvidenceGiven`. `to`: `"correction:<id>"`. `school`: whose case it is, where the actor
    is an authority: the school may look at the file too. Refused: not the actor's organisation's, not known to be
    harmless, part of something else, more than `most`.
    """
    if not ids:
        return ()
    given = [one if isinstance(one, EvidenceGiven) else EvidenceGiven(evidence_id=one) for one in ids]
    rows = await _lock(work.tx, [one.evidence_id for one in given])
    known = {row.id: row for row in rows if row.organisation == actor.organisation}
    papers = [_paper(one.evidence_id, known.get(one.evidence_id)) for one in given]
    if faults := policy.attach_faults(papers, to=to, most=most):
        said = "；".join(dict.fromkeys(f"{fault.message}。请{fault.cure}" for fault in faults[:3]))
        return refused("invalid", f"{said}。", *faults)
    await (await driver(work.tx)).execute(
        """UPDATE evidence e SET attached_to = $4, kind = n.kind, place = n.place, shared_with = $5
           FROM unnest($1::text[], $2::text[], $3::smallint[]) AS n(id, kind, place) WHERE e.id = n.id""",
        [one.evidence_id for one in given],
        [str(one.kind) for one in given],
        list(range(len(given))),
        to,
        school,
    )
    return tuple(
        msgspec.structs.replace(known[one.evidence_id], kind=one.kind, attached_to=to, place=place, shared_with=school)
        for place, one in enumerate(given)
    )


async def of(tx: AsyncConnection, to: str) -> tuple[Evidence, ...]:
    """The files of one thing, in their order."""
    rows = await fetch_all(tx, sa.select(evidence).where(_e.attached_to == to).order_by(_e.place, _e.id))
    return tuple(map(_evidence, rows))


@clause("14", "21.2")
async def file_for(
    work: RegistryWork,
    to: str,
    student_ids: Sequence[str],
    *,
    on: date,
    clause_id: str | None = "14",
    actor: Actor | None = None,
) -> int:
    """File what is attached to one thing in students' records (section 2 of the archive), with an entry in each journal.

    A case calls it as it is approved. Files that are there already stay as they are. Returns how many were filed.
    The entry names each file by id, kind and hash, so that the chain vouches for the bytes.
    """
    files = await of(work.tx, to)
    if not files or not student_ids:
        return 0
    await records.lock_students(work.tx, sorted(set(student_ids)))
    there = await (await driver(work.tx)).fetch(
        """SELECT student_id, evidence_id FROM evidence_filings
           WHERE student_id = ANY($1::text[]) AND evidence_id = ANY($2::text[])""",
        list(student_ids),
        [one.id for one in files],
    )
    known = {(row["student_id"], row["evidence_id"]) for row in there}
    new = {student: [one for one in files if (student, one.id) not in known] for student in sorted(set(student_ids))}
    entries = await writing.record(
        work,
        [
            writing.Change(
                student_id=student,
                kind="evidence_filed",
                clause=clause_id,
                legal_date=on,
                actor=actor,
                content={"to": to, "evidence": said_of(its)},
            )
            for student, its in new.items()
            if its
        ],
    )
    return await put_filings(work, [(entry, new[entry.student_id]) for entry in entries])


def said_of(files: Sequence[Evidence]) -> list[dict[str, str]]:
    """What a journal's entry says of files: the chain vouches for their bytes."""
    return [{"id": one.id, "kind": str(one.kind), "sha256": one.sha256} for one in files]


async def put_filings(work: RegistryWork, filed: Sequence[tuple[journal.Entry, Sequence[Evidence]]]) -> int:
    """Files are in records since the entries that name them. Returns how many."""
    rows = [
        {
            "student_id": entry.student_id,
            "evidence_id": one.id,
            "filed_on": entry.legal_date,
            "filed_at": entry.recorded_at,
            "journal_seq": entry.seq,
        }
        for entry, files in filed
        for one in files
    ]
    await insert_rows(work.tx, evidence_filings, rows)
    return len(rows)


def _paper(evidence_id: str, row: Evidence | None) -> policy.Paper:
    if row is None:
        return policy.Paper(id=evidence_id, there=False)
    return policy.Paper(id=row.id, name=row.name, scan=row.scan, attached_to=row.attached_to)


async def _lock(tx: AsyncConnection, ids: Sequence[str]) -> list[Evidence]:
    query = sa.select(evidence).where(_e.id.in_(sorted(set(ids)))).order_by(_e.id).with_for_update()
    return list(map(_evidence, await fetch_all(tx, query)))


# ---- for this capability ----------------------------------------------------------------------------------------------


async def put(tx: AsyncConnection, row: Evidence) -> None:
    await insert_rows(tx, evidence, [msgspec.structs.asdict(row)], on_conflict="DO NOTHING")


async def get(tx: AsyncConnection, evidence_id: str) -> Evidence | None:
    row = await fetch_one(tx, sa.select(evidence).where(_e.id == evidence_id))
    return None if row is None else _evidence(row)


async def page(
    tx: AsyncConnection,
    organisation: str,
    attached_to: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Evidence]:
    """An organisation's files, newest first; ids are time-ordered, so they tell the order. `attached_to` "": of none."""
    query = sa.select(evidence).where(_e.organisation == organisation)
    if attached_to == "":
        query = query.where(_e.attached_to.is_(None))
    elif attached_to is not None:
        query = query.where(_e.attached_to == attached_to)
    if after is not None:
        query = query.where(sa.tuple_(_e.uploaded_at, _e.id) < sa.tuple_(*after))
    rows = await fetch_all(tx, query.order_by(_e.uploaded_at.desc(), _e.id.desc()).limit(limit))
    return list(map(_evidence, rows))


async def students_of(tx: AsyncConnection, evidence_id: str) -> list[tuple[str, int]]:
    """In whose records a file is, and since which entry of each journal."""
    rows = await (await driver(tx)).fetch(
        "SELECT student_id, journal_seq FROM evidence_filings WHERE evidence_id = $1 ORDER BY student_id", evidence_id
    )
    return [(row["student_id"], row["journal_seq"]) for row in rows]


class Filed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file in a record. `filed_on`: from when it belongs there; `journal_seq`: the entry that names its hash."""

    evidence: Evidence
    filed_on: date
    filed_at: datetime
    journal_seq: int


async def filed_of(tx: AsyncConnection, student_id: str) -> list[Filed]:
    """Section 2 of a student's archive."""
    f = evidence_filings.c
    query = (
        sa.select(evidence, f.filed_on, f.filed_at, f.journal_seq)
        .join(evidence_filings, evidence_filings.c.evidence_id == _e.id)
        .where(evidence_filings.c.student_id == student_id)
        .order_by(evidence_filings.c.filed_on, evidence_filings.c.filed_at, _e.place, _e.id)
    )
    return [
        Filed(
            evidence=_evidence(row),
            filed_on=row["filed_on"],
            filed_at=row["filed_at"],
            journal_seq=row["journal_seq"],
        )
        for row in await fetch_all(tx, query)
    ]


async def take_unscanned(tx: AsyncConnection, not_after: datetime) -> Evidence | None:
    """The oldest file that no scanner has seen, under lock; None where another copy of the worker has them all.

    `not_after`: tried files wait until then (`scanned_at` of a file without a verdict is its last try).
    """
    rows = await (await driver(tx)).fetch(
        """SELECT * FROM evidence
           WHERE scan IN ('pending', 'unscanned') AND (scanned_at IS NULL OR scanned_at <= $1)
           ORDER BY scanned_at NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED""",
        not_after,
    )
    return _evidence(rows[0]) if rows else None


async def no_scanner(tx: AsyncConnection) -> int:
    """Nobody will look at what waits: it is said so. Returns how many waited."""
    rows = await (await driver(tx)).fetch(
        "UPDATE evidence SET scan = 'unscanned', scanned_at = NULL WHERE scan = 'pending' RETURNING id"
    )
    return len(rows)


async def take_unused(tx: AsyncConnection, before: datetime) -> Evidence | None:
    """An upload from before then that is part of nothing, under lock. What is in quarantine stays."""
    rows = await (await driver(tx)).fetch(
        """SELECT * FROM evidence WHERE attached_to IS NULL AND scan <> 'infected' AND uploaded_at < $1
           ORDER BY uploaded_at LIMIT 1 FOR UPDATE SKIP LOCKED""",
        before,
    )
    return _evidence(rows[0]) if rows else None


async def forget(tx: AsyncConnection, evidence_id: str) -> None:
    await (await driver(tx)).execute("DELETE FROM evidence WHERE id = $1 AND attached_to IS NULL", evidence_id)


async def scanned(tx: AsyncConnection, evidence_id: str, scan: ScanState, signature: str | None, at: datetime) -> None:
    await (await driver(tx)).execute(
        "UPDATE evidence SET scan = $2, signature = $3, scanned_at = $4 WHERE id = $1",
        evidence_id,
        str(scan),
        signature,
        at,
    )


def _evidence(row: Any) -> Evidence:
    values = {name: row[name] for name in Evidence.__struct_fields__}
    return Evidence(**{**values, "scan": ScanState(row["scan"]), "kind": EvidenceKind(row["kind"])})
