"""Every statement of corrections. Locks: the case, then the student."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from casework.state import Standing
from casework.store import standing
from service_kit.database import driver, insert_rows
from shared_contracts.clearing import CorrectionDropped, KeyValues
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing import tables
from registry.clearing.duplicates import store as duplicates
from registry.context import RegistryWork


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A row with its case. `parties`: school and authority."""

    id: str
    student_id: str
    staging_id: str
    pair_id: str | None
    before: KeyValues
    after: KeyValues
    fields: tuple[str, ...]
    reason: str
    opened_by: str
    open: bool
    outcome: str | None
    problem: str | None
    revision: int
    parties: dict[str, str]
    entered_by: str
    opened_at: datetime
    standing: Standing

    @property
    def version(self) -> int:
        return self.standing.version + self.revision


_COLUMNS = """
    n.id, n.student_id, n.staging_id, n.pair_id, n.before::text AS before, n.after::text AS after, n.fields, n.reason,
    n.opened_by, n.open, n.outcome, n.problem, n.revision, c.parties::text AS parties, c.entered_by, c.opened_at,
    c.status, c.step, c.due_on, c.provisional, c.clock_from, c.clock_days, c.days_left, c.deciders::text AS deciders,
    c.version
"""


async def put(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the student has an open correction already."""
    made = await insert_rows(tx, tables.corrections, [row], on_conflict="DO NOTHING", returning=("id",))
    return bool(made)


async def get(tx: AsyncConnection, correction_id: str, *, lock: bool = False) -> Correction | None:
    """`lock`: its case, too."""
    row = await (await driver(tx)).fetchrow(
        f"""SELECT {_COLUMNS} FROM cases c JOIN corrections n USING (id)
            WHERE c.id = $1 {"FOR UPDATE OF c, n" if lock else ""}""",  # noqa: S608 - constants
        correction_id,
    )
    return None if row is None else _correction(row)


async def of_staging(tx: AsyncConnection, staging_id: str) -> str | None:
    found: str | None = await (await driver(tx)).fetchval(
        "SELECT id FROM corrections WHERE staging_id = $1", staging_id
    )
    return found


async def open_of(tx: AsyncConnection, student_id: str) -> Correction | None:
    """The one that has not ended; approved and not carried out yet, too."""
    row = await (await driver(tx)).fetchrow(
        f"""SELECT {_COLUMNS} FROM corrections n JOIN cases c USING (id)
            WHERE n.student_id = $1 AND n.open""",  # noqa: S608 - constants
        student_id,
    )
    return None if row is None else _correction(row)


async def page(
    tx: AsyncConnection,
    *,
    school: str | None,
    authority: str | None,
    state: tuple[str, str | None, str | None] | None,
    student_id: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Correction]:
    """Newest first. `authority`: a LIKE pattern; `state`: the case's status, its step, the outcome."""
    status, step, outcome = state or (None, None, None)
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS}
            FROM corrections n JOIN cases c USING (id)
            JOIN students s ON s.id = n.student_id
            LEFT JOIN LATERAL (SELECT authority FROM organisations WHERE code = s.school
                               ORDER BY valid_from DESC LIMIT 1) o ON true
            WHERE ($1::text IS NULL OR s.school = $1) AND ($2::text IS NULL OR o.authority LIKE $2)
              AND ($3::text IS NULL OR (c.status = $3 AND ($4::text IS NULL OR c.step = $4)
                                        AND n.outcome IS NOT DISTINCT FROM $5))
              AND ($6::text IS NULL OR n.student_id = $6)
              AND ($7::timestamptz IS NULL OR (c.opened_at, n.id) < ($7, $8))
            ORDER BY c.opened_at DESC, n.id DESC LIMIT $9""",  # noqa: S608 - constants
        school,
        authority,
        status,
        step,
        outcome,
        student_id,
        *(after or (None, None)),
        limit,
    )
    return list(map(_correction, rows))


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a correction asks for, and what stands now."""

    staging_id: str
    before: KeyValues
    after: KeyValues
    fields: tuple[str, ...]
    reason: str


async def propose(tx: AsyncConnection, correction_id: str, proposal: Proposal) -> None:
    """A returned correction asks for something else."""
    await (await driver(tx)).execute(
        """UPDATE corrections SET staging_id = $2, before = $3::text::jsonb, after = $4::text::jsonb, fields = $5,
                                  reason = $6
           WHERE id = $1""",
        correction_id,
        proposal.staging_id,
        msgspec.json.encode(proposal.before).decode(),
        msgspec.json.encode(proposal.after).decode(),
        list(proposal.fields),
        proposal.reason,
    )


async def applying(tx: AsyncConnection, correction_id: str) -> None:
    await (await driver(tx)).execute("UPDATE corrections SET outcome = 'applying' WHERE id = $1", correction_id)


async def applied(tx: AsyncConnection, correction_id: str) -> None:
    await (await driver(tx)).execute(
        "UPDATE corrections SET outcome = 'applied', open = false, revision = revision + 1 WHERE id = $1", correction_id
    )


async def failed(tx: AsyncConnection, correction_id: str, problem: str) -> None:
    await (await driver(tx)).execute(
        """UPDATE corrections SET outcome = 'failed', open = false, problem = $2, revision = revision + 1
           WHERE id = $1""",
        correction_id,
        problem,
    )


async def drop(work: RegistryWork, found: Correction) -> None:
    """Rejected, withdrawn, or its record ended: identity forgets what was staged, the pair waits for another decision."""
    await (await driver(work.tx)).execute("UPDATE corrections SET open = false WHERE id = $1", found.id)
    work.emit(CorrectionDropped(staging_id=found.staging_id), found.student_id)
    if found.pair_id is not None:
        await duplicates.reopen(work.tx, found.pair_id, work.deps.calendar, work.today)


async def change_student(tx: AsyncConnection, student_id: str, after: KeyValues) -> None:
    await (await driver(tx)).execute(
        """UPDATE students SET name = $2, sex = $3, document_kind = $4, masked_document = $5, version = version + 1
           WHERE id = $1""",
        student_id,
        after.name,
        after.sex,
        after.document_kind,
        after.masked_document,
    )


async def change_members(tx: AsyncConnection, student_id: str, masks: Mapping[int, str]) -> None:
    """The masks of family members' documents by slot; an empty one takes the document away."""
    await (await driver(tx)).execute(
        """UPDATE registrations SET masked_members = (
               SELECT coalesce(jsonb_agg(jsonb_build_array(q.slot, q.mask) ORDER BY q.slot), '[]')
               FROM (SELECT (kept->>0)::int AS slot, kept->>1 AS mask FROM jsonb_array_elements(masked_members) AS kept
                     WHERE NOT (kept->>0)::int = ANY($2::int[])
                     UNION ALL
                     SELECT slot, mask FROM unnest($2::int[], $3::text[]) AS given(slot, mask) WHERE mask <> '') q)
           WHERE id = $1""",
        student_id,
        list(masks),
        list(masks.values()),
    )


async def put_form(tx: AsyncConnection, student_id: str, sealed: bytes) -> None:
    await (await driver(tx)).execute("UPDATE profiles SET form = $2 WHERE id = $1", student_id, sealed)


async def touch(tx: AsyncConnection, student_id: str) -> None:
    """The record has another version."""
    await (await driver(tx)).execute("UPDATE students SET version = version + 1 WHERE id = $1", student_id)


def _correction(row: asyncpg.Record) -> Correction:
    plain = ("before", "after", "fields", "parties", "standing")
    return Correction(
        **{name: row[name] for name in Correction.__struct_fields__ if name not in plain},
        before=msgspec.json.decode(row["before"], type=KeyValues),
        after=msgspec.json.decode(row["after"], type=KeyValues),
        fields=tuple(row["fields"]),
        parties=msgspec.json.decode(row["parties"]),
        standing=standing(dict(row)),
    )
