"""Every statement of cancellations and protections. Locks: cases by id, then students by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from casework.state import Standing
from casework.store import standing
from service_kit.database import driver, insert_rows
from shared_contracts.actors import Actor
from shared_contracts.clearing import CancellationState, Ground, ProtectionKind
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing import tables


class Cancellation(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A row with its case. `school`: that had the record when it was proposed; `authority`: the case's party, who
    proposes and decides."""

    id: str
    student_id: str
    school: str
    ground: Ground
    reason: str
    violated: str | None
    kept_id: str | None
    pair_id: str | None
    proposed_by: str
    outcome: str | None
    before: dict[str, Any] | None
    seq: int | None
    kept_seq: int | None
    reinstated_account: str | None
    reinstated_by: str | None
    reinstated_organisation: str | None
    reinstated_at: datetime | None
    reinstate_reason: str
    problem: str | None
    revision: int
    authority: str
    entered_by: str
    opened_at: datetime
    standing: Standing

    @property
    def version(self) -> int:
        return self.standing.version + self.revision

    @property
    def records(self) -> tuple[str, ...]:
        """Whose journals it writes, in the order of locks."""
        return tuple(sorted({one for one in (self.student_id, self.kept_id) if one is not None}))


_COLUMNS = """
    n.id, n.student_id, n.school, n.ground, n.reason, n.violated, n.kept_id, n.pair_id, n.proposed_by, n.outcome,
    n.before::text AS before, n.seq, n.kept_seq, n.reinstated_account, n.reinstated_by, n.reinstated_organisation,
    n.reinstated_at, n.reinstate_reason, n.problem, n.revision, c.parties ->> 'authority' AS authority, c.entered_by,
    c.opened_at, c.status, c.step, c.due_on, c.provisional, c.clock_from, c.clock_days, c.days_left,
    c.deciders::text AS deciders, c.version
"""


async def put(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the student has an open cancellation, or is cancelled, already."""
    made = await insert_rows(tx, tables.cancellations, [row], on_conflict="DO NOTHING", returning=("id",))
    return bool(made)


async def get(tx: AsyncConnection, cancellation_id: str, *, lock: bool = False) -> Cancellation | None:
    """`lock`: its case, too."""
    row = await (await driver(tx)).fetchrow(
        f"""SELECT {_COLUMNS} FROM cases c JOIN cancellations n USING (id)
            WHERE c.id = $1 {"FOR UPDATE OF c, n" if lock else ""}""",  # noqa: S608 - constants
        cancellation_id,
    )
    return None if row is None else _cancellation(row)


async def of_student(tx: AsyncConnection, student_id: str) -> str | None:
    """The cancellation that is open, holds, or is being taken back."""
    found: str | None = await (await driver(tx)).fetchval(
        """SELECT id FROM cancellations
           WHERE student_id = $1 AND (open OR outcome IN ('cancelled', 'reinstating'))""",
        student_id,
    )
    return found


async def reinstating_of(tx: AsyncConnection, student_id: str) -> CancellationState | None:
    """Whether the student's record is being put back this moment."""
    found = await (await driver(tx)).fetchval(
        "SELECT outcome FROM cancellations WHERE student_id = $1 AND outcome = 'reinstating'", student_id
    )
    return None if found is None else CancellationState(found)


async def page(
    tx: AsyncConnection,
    *,
    school: str | None,
    authority: str | None,
    state: tuple[str, str | None] | None,
    student_id: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Cancellation]:
    """Newest first. `authority`: a LIKE pattern of who supervises the record's school, or decides. `state`: the case's
    status and the outcome."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS}
            FROM cancellations n JOIN cases c USING (id)
            JOIN students s ON s.id = n.student_id
            LEFT JOIN LATERAL (SELECT authority FROM organisations WHERE code = s.school
                               ORDER BY valid_from DESC LIMIT 1) o ON true
            WHERE ($1::text IS NULL OR s.school = $1)
              AND ($2::text IS NULL OR o.authority LIKE $2 OR c.parties ->> 'authority' LIKE $2)
              AND ($3::text IS NULL OR (c.status = $3 AND n.outcome IS NOT DISTINCT FROM $4))
              AND ($5::text IS NULL OR n.student_id = $5)
              AND ($6::timestamptz IS NULL OR (c.opened_at, n.id) < ($6, $7))
            ORDER BY c.opened_at DESC, n.id DESC LIMIT $8""",  # noqa: S608 - constants
        school,
        authority,
        *(state or (None, None)),
        student_id,
        *(after or (None, None)),
        limit,
    )
    return list(map(_cancellation, rows))


async def close(tx: AsyncConnection, cancellation_id: str) -> None:
    await (await driver(tx)).execute("UPDATE cancellations SET open = false WHERE id = $1", cancellation_id)


async def carried_out(
    tx: AsyncConnection, cancellation_id: str, before: Mapping[str, Any], seq: int, kept_seq: int | None
) -> None:
    await (await driver(tx)).execute(
        """UPDATE cancellations SET open = false, outcome = 'cancelled', before = $2::text::jsonb, seq = $3, kept_seq = $4
           WHERE id = $1""",
        cancellation_id,
        msgspec.json.encode(before).decode(),
        seq,
        kept_seq,
    )


async def reinstating(tx: AsyncConnection, cancellation_id: str, actor: Actor, reason: str, now: datetime) -> None:
    await (await driver(tx)).execute(
        """UPDATE cancellations SET outcome = 'reinstating', reinstated_account = $2, reinstated_by = $3,
               reinstated_organisation = $4, reinstate_reason = $5, reinstated_at = $6, problem = NULL,
               revision = revision + 1
           WHERE id = $1""",
        cancellation_id,
        actor.account,
        actor.name,
        actor.organisation,
        reason,
        now,
    )


async def settle(tx: AsyncConnection, cancellation_id: str, outcome: str, problem: str | None) -> None:
    """How a reinstatement ended: `reinstated`, or `cancelled` as before with the problem."""
    await (await driver(tx)).execute(
        "UPDATE cancellations SET outcome = $2, problem = $3, revision = revision + 1 WHERE id = $1",
        cancellation_id,
        outcome,
        problem,
    )


# ---- the record itself ------------------------------------------------------------------------------------------------


async def standing_before(tx: AsyncConnection, student_id: str) -> dict[str, Any]:
    """What has to be put back one day: state, whether it counts, the class."""
    row = await (await driver(tx)).fetchrow(
        """SELECT s.state, s.live, m.class_id, m.joined_on::text AS joined_on, k.grade, k.class_no, r.closed
           FROM students s
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           LEFT JOIN classes k ON k.id = m.class_id
           LEFT JOIN registrations r ON r.id = s.id
           WHERE s.id = $1""",
        student_id,
    )
    assert row is not None
    return dict(row)


async def end_record(tx: AsyncConnection, student_id: str, on: date) -> None:
    """Cancelled, out of its class; the person may be registered elsewhere."""
    connection = await driver(tx)
    await connection.execute(
        "UPDATE students SET state = 'cancelled', live = false, version = version + 1 WHERE id = $1", student_id
    )
    await connection.execute("UPDATE registrations SET closed = true WHERE id = $1 AND NOT closed", student_id)
    await connection.execute(
        "UPDATE class_memberships SET left_on = greatest($2, joined_on) WHERE student_id = $1 AND left_on IS NULL",
        student_id,
        on,
    )


async def restore_record(tx: AsyncConnection, student_id: str, before: Mapping[str, Any]) -> None:
    """As it stood. Raises UniqueViolationError where the person has another record now."""
    connection = await driver(tx)
    await connection.execute(
        "UPDATE students SET state = $2, live = $3, version = version + 1 WHERE id = $1",
        student_id,
        before["state"],
        before["live"],
    )
    if before["closed"] is not None:
        await connection.execute("UPDATE registrations SET closed = $2 WHERE id = $1", student_id, before["closed"])
    if before["joined_on"] is not None:
        await connection.execute(
            "UPDATE class_memberships SET left_on = NULL WHERE student_id = $1 AND joined_on = $2",
            student_id,
            date.fromisoformat(before["joined_on"]),
        )


async def merge(tx: AsyncConnection, cancellation_id: str, kept: str, cancelled: str, now: datetime) -> None:
    row = {
        "cancellation_id": cancellation_id,
        "kept_id": kept,
        "cancelled_id": cancelled,
        "merged_at": now,
        "undone_at": None,
    }
    await insert_rows(tx, tables.merges, [row])


async def undo_merge(tx: AsyncConnection, cancellation_id: str, now: datetime) -> None:
    await (await driver(tx)).execute(
        "UPDATE record_merges SET undone_at = $2 WHERE cancellation_id = $1 AND undone_at IS NULL", cancellation_id, now
    )


# ---- protections ------------------------------------------------------------------------------------------------------


async def protections_of(tx: AsyncConnection, student_id: str) -> tuple[ProtectionKind, ...]:
    """Those in force. Read under the student's lock, which whoever registers one takes as well."""
    rows = await (await driver(tx)).fetch(
        "SELECT kind FROM record_protections WHERE student_id = $1 AND ended_at IS NULL ORDER BY since, kind",
        student_id,
    )
    return tuple(ProtectionKind(row["kind"]) for row in rows)


async def put_protection(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where one of this kind is in force already."""
    made = await insert_rows(tx, tables.protections, [row], on_conflict="DO NOTHING", returning=("id",))
    return bool(made)


async def protection(tx: AsyncConnection, protection_id: str, *, lock: bool = False) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        f"SELECT * FROM record_protections WHERE id = $1 {'FOR UPDATE' if lock else ''}",  # noqa: S608 - constants
        protection_id,
    )


async def end_protection(
    tx: AsyncConnection, protection_id: str, on: date, reason: str, actor: Actor, now: datetime
) -> None:
    await (await driver(tx)).execute(
        """UPDATE record_protections SET ended_on = $2, end_reason = $3, ended_account = $4, ended_by = $5, ended_at = $6
           WHERE id = $1""",
        protection_id,
        on,
        reason,
        actor.account,
        actor.name,
        now,
    )


async def protections(
    tx: AsyncConnection,
    *,
    school: str | None,
    authority: str | None,
    student_id: str | None,
    in_force: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Newest first. `authority`: a LIKE pattern of who supervises the record's school."""
    return await (await driver(tx)).fetch(
        """SELECT p.* FROM record_protections p
           JOIN students s ON s.id = p.student_id
           LEFT JOIN LATERAL (SELECT authority FROM organisations WHERE code = s.school
                              ORDER BY valid_from DESC LIMIT 1) o ON true
           WHERE ($1::text IS NULL OR s.school = $1) AND ($2::text IS NULL OR o.authority LIKE $2)
             AND ($3::text IS NULL OR p.student_id = $3) AND (NOT $4 OR p.ended_at IS NULL)
             AND ($5::timestamptz IS NULL OR (p.registered_at, p.id) < ($5, $6))
           ORDER BY p.registered_at DESC, p.id DESC LIMIT $7""",
        school,
        authority,
        student_id,
        in_force,
        *(after or (None, None)),
        limit,
    )


def _cancellation(row: asyncpg.Record) -> Cancellation:
    own = {name: row[name] for name in Cancellation.__struct_fields__ if name not in ("standing", "before", "ground")}
    return Cancellation(
        **own,
        ground=Ground(row["ground"]),
        before=None if row["before"] is None else msgspec.json.decode(row["before"]),
        standing=standing(dict(row)),
    )
