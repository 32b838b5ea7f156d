"""Every statement about operations, their moves and frozen schools. A worker writes under its lease, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from service_kit.leases import Lease
from shared_contracts.reorganisation import ClassCount, OperationState
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.moving.tables import frozen_schools
from registry.moving.tables import operations as t

LEASE = Lease(
    table="operations",
    open="state IN ('approved', 'running', 'undoing')",
    ready="effective_from <= $3",
    order="decided_at",
)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as its worker sees it. `plan`: as its kind wrote it down."""

    id: str
    kind: str
    organisation: str
    title: str
    document: str
    effective_from: date
    plan: dict[str, Any]
    schools: tuple[str, ...]
    state: OperationState
    step: str
    total: int
    moved: int
    before: Any
    decided_account: str | None
    undone_account: str | None
    failures: int


class Move(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record: where it is and where it goes (`tables.record_moves`)."""

    student_id: str
    person_id: str
    from_school: str
    from_stage: str
    from_state: str
    from_live: bool
    from_keeper: str | None
    from_class: str | None
    from_joined: date | None
    to_school: str
    to_stage: str
    to_class: str | None
    to_keeper: str | None
    from_grade: int | None
    from_class_no: int | None
    to_grade: int | None
    to_class_no: int | None


# ---- an operation's row -----------------------------------------------------------------------------------------------


async def put(tx: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """False where the id is taken."""
    return bool(await insert_rows(tx, t, [values], on_conflict="(id) DO NOTHING", returning=("id",)))


async def get(tx: AsyncConnection, operation_id: str, *, lock: bool = False) -> RowMapping | None:
    query = sa.select(t).where(t.c.id == operation_id)
    return await fetch_one(tx, query.with_for_update() if lock else query)


async def page(
    tx: AsyncConnection, kinds: Sequence[str], visible: sa.ColumnElement[bool], *, state: str | None, after: str | None,
    limit: int,
) -> Sequence[RowMapping]:  # fmt: skip
    """Newest first."""
    query = sa.select(t).where(t.c.kind.in_(kinds), visible)
    if state is not None:
        query = query.where(t.c.state == state)
    if after is not None:
        query = query.where(t.c.id < after)
    return await fetch_all(tx, query.order_by(t.c.id.desc()).limit(limit))


async def change(tx: AsyncConnection, operation_id: str, **values: Any) -> None:
    """Change a row that is locked; its version grows."""
    await execute(tx, sa.update(t).where(t.c.id == operation_id).values(**values, version=t.c.version + 1))


# ---- the worker's -----------------------------------------------------------------------------------------------------


async def take(tx: AsyncConnection, owner: str, today: date) -> Operation | None:
    """The oldest operation whose day has come and that nobody carries out."""
    row = await LEASE.take(tx, owner, today)
    if row is None:
        return None
    found = await get(tx, row["id"])
    assert found is not None
    return _operation(found)


async def mine(tx: AsyncConnection, operation_id: str, owner: str) -> Operation:
    """The operation under lock, the lease renewed with the transaction. Raises LostLease."""
    await LEASE.renew(tx, operation_id, owner)
    row = await get(tx, operation_id)
    assert row is not None
    return _operation(row)


def _operation(row: RowMapping) -> Operation:
    return msgspec.convert({name: row[name] for name in Operation.__struct_fields__}, Operation, strict=False)


# ---- frozen schools ---------------------------------------------------------------------------------------------------


async def act_as(tx: AsyncConnection, operation_id: str) -> None:
    """What this transaction writes is the operation's own: frozen schools are not closed to it."""
    await (await driver(tx)).execute("SELECT set_config('registry.operation', $1, true)", operation_id)


async def freeze(tx: AsyncConnection, operation_id: str, schools: Sequence[str], at: datetime) -> list[str]:
    """From the commit on nobody changes pupils of these schools. Waits for whoever is changing some.

    Returns those that another operation has frozen: then nothing is to be begun. Lock the schools' rows before.
    """
    connection = await driver(tx)
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('frozen_schools'))")
    rows = [{"school": code, "operation_id": operation_id, "since": at} for code in sorted(set(schools))]
    await insert_rows(tx, frozen_schools, rows, on_conflict="(school) DO NOTHING")
    others = await connection.fetch(
        "SELECT school FROM frozen_schools WHERE school = ANY($1::text[]) AND operation_id <> $2 ORDER BY school",
        list(schools),
        operation_id,
    )
    return [row["school"] for row in others]


async def thaw(tx: AsyncConnection, operation_id: str) -> None:
    await (await driver(tx)).execute("DELETE FROM frozen_schools WHERE operation_id = $1", operation_id)


# ---- moves ------------------------------------------------------------------------------------------------------------

_MOVES = """
    SELECT m.student_id, s.person_id, m.from_school, m.from_stage, m.from_state, m.from_live, m.from_keeper,
           m.from_class, m.from_joined, m.to_school, m.to_stage, m.to_class, m.to_keeper,
           f.grade AS from_grade, f.class_no AS from_class_no, k.grade AS to_grade, k.class_no AS to_class_no
    FROM (SELECT * FROM record_moves WHERE operation_id = $1 AND state = $2 ORDER BY student_id LIMIT $3) m
    JOIN students s ON s.id = m.student_id
    LEFT JOIN classes f ON f.id = m.from_class LEFT JOIN classes k ON k.id = m.to_class
    ORDER BY m.student_id
"""


async def moves(tx: AsyncConnection, operation_id: str, state: str, limit: int) -> list[Move]:
    """The next ones. Index Scan using record_moves_to_do: what is done is not read again."""
    return [Move(**row) for row in await (await driver(tx)).fetch(_MOVES, operation_id, state, limit)]


async def moved(tx: AsyncConnection, operation_id: str, entries: Mapping[str, int], state: str) -> None:
    """`entries`: the journal's number by student. Each move becomes this state, once."""
    connection = await driver(tx)
    await connection.execute(
        """UPDATE record_moves m SET state = $4, journal_seq = n.seq
           FROM unnest($2::text[], $3::int[]) AS n(id, seq) WHERE m.operation_id = $1 AND m.student_id = n.id""",
        operation_id,
        list(entries),
        list(entries.values()),
        state,
    )
    sign = 1 if state == "moved" else -1
    await connection.execute(
        "UPDATE operations SET moved = moved + $2 WHERE id = $1", operation_id, sign * len(entries)
    )


# What stands in the way of an undo: an entry after the move, or another class than the move's. Number changes are no act
# on the pupil. Nested loops over the journal's and the memberships' keys from the operation's moves.
_CHANGED = """
    SELECT count(*) AS records, min(m.to_school) AS school FROM record_moves m
    WHERE m.operation_id = $1 AND m.state = 'moved' AND (
        EXISTS (SELECT FROM journal j WHERE j.student_id = m.student_id AND j.seq > m.journal_seq
                                        AND j.kind <> 'number_upgraded')
        OR (SELECT c.class_id FROM class_memberships c WHERE c.student_id = m.student_id AND c.left_on IS NULL)
            IS DISTINCT FROM m.to_class
        OR EXISTS (SELECT FROM students s WHERE s.id = m.student_id AND s.school <> m.to_school))
"""


async def changed_since(tx: AsyncConnection, operation_id: str) -> int:
    """Records of an operation to which something else has happened since."""
    found = await (await driver(tx)).fetchrow(_CHANGED, operation_id)
    assert found is not None
    count: int = found["records"]
    return count


_COUNTS = """
    SELECT s.school, k.grade, k.class_no, s.live, count(*) AS records,
           (SELECT name FROM organisations o WHERE o.code = s.school ORDER BY valid_from DESC LIMIT 1) AS school_name
    FROM students s
    LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
    LEFT JOIN classes k ON k.id = m.class_id
    WHERE s.school = ANY($1::text[])
    GROUP BY s.school, k.grade, k.class_no, s.live
    ORDER BY s.school, s.live DESC, k.grade NULLS LAST, k.class_no
"""


async def counts(tx: AsyncConnection, schools: Sequence[str]) -> tuple[ClassCount, ...]:
    """Records of these schools by class."""
    rows = await (await driver(tx)).fetch(_COUNTS, list(schools))
    return tuple(ClassCount(**row) for row in rows)


async def copies(tx: AsyncConnection, operation_id: str) -> int:
    """Sealed copies that an operation's moves have left."""
    found: int = await (await driver(tx)).fetchval(
        """SELECT count(*) FROM record_moves m JOIN student_copies c
             ON c.student_id = m.student_id AND c.school = m.from_school AND c.journal_seq = m.journal_seq
           WHERE m.operation_id = $1 AND m.state = 'moved'""",
        operation_id,
    )
    return found


async def arrived(tx: AsyncConnection, operation_id: str, *, undone: bool) -> tuple[int, int]:
    """Records of an operation that are where it has brought them, and those of them that were at another school before."""
    row = await (await driver(tx)).fetchrow(
        """SELECT count(*) AS here, count(*) FILTER (WHERE m.from_school <> m.to_school) AS elsewhere
           FROM record_moves m JOIN students s ON s.id = m.student_id
           WHERE m.operation_id = $1 AND m.state = CASE WHEN $2 THEN 'undone' ELSE 'moved' END
             AND s.school = CASE WHEN $2 THEN m.from_school ELSE m.to_school END""",
        operation_id,
        undone,
    )
    assert row is not None
    return row["here"], row["elsewhere"]
