"""Every statement of the worker that looks at lists and takes them in. What it writes is written under its lease, or not
at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from service_kit.database import driver, insert_rows
from service_kit.leases import Lease, LostLease
from shared_contracts.files import FileRef
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.children.tables import import_rows

LEASE = Lease(table="children_imports", open="state IN ('checking', 'taking')", order="created_at")


class Import(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    county: str
    school_year: int
    state: Literal["checking", "taking"]
    file: FileRef
    created_at: datetime
    failures: int


async def take(tx: AsyncConnection, owner: str) -> Import | None:
    """The oldest list that waits for work, or whose worker has been silent."""
    row = await LEASE.take(
        tx, owner, returning="id, county, school_year, state, file::text AS file, created_at, failures"
    )
    return None if row is None else Import(**{**row, "file": msgspec.json.decode(row["file"], type=FileRef)})


async def looked_at(tx: AsyncConnection, import_id: str) -> int:
    """The last row that was judged, 0 before the first."""
    row: int | None = await (await driver(tx)).fetchval(
        'SELECT max("row") FROM children_import_rows WHERE import_id = $1', import_id
    )
    return row or 0


async def put_rows(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await insert_rows(tx, import_rows, rows)


async def to_take(tx: AsyncConnection, import_id: str) -> list[int]:
    """Accepted rows that are not on the list yet."""
    rows = await (await driver(tx)).fetch(
        """SELECT "row" FROM children_import_rows WHERE import_id = $1 AND outcome = 'accepted' AND NOT taken
           ORDER BY "row" """,
        import_id,
    )
    return [row["row"] for row in rows]


async def taken(tx: AsyncConnection, import_id: str, done: Sequence[tuple[int, str | None, str, Any]]) -> None:
    """(row, child or None, outcome, findings): what has become of each."""
    rows, children, outcomes, findings = zip(*done, strict=True)
    await (await driver(tx)).execute(
        """UPDATE children_import_rows r SET taken = q.child_id IS NOT NULL, child_id = q.child_id, outcome = q.outcome,
                  findings = q.findings::jsonb
           FROM unnest($2::int[], $3::text[], $4::text[], $5::text[]) AS q("row", child_id, outcome, findings)
           WHERE r.import_id = $1 AND r."row" = q."row" """,
        import_id,
        list(rows),
        list(children),
        list(outcomes),
        [msgspec.json.encode(found).decode() for found in findings],
    )


async def stage(tx: AsyncConnection, import_id: str, owner: str, *, state: str, problem: str | None = None) -> None:
    """Where it stands, counted from its rows, and a sign of life. Raises LostLease."""
    touched = await (await driver(tx)).fetchval(
        """UPDATE children_imports i SET state = $3, problem = $4, version = version + 1, failures = 0,
                  rows = n.rows, accepted = n.accepted, known = n.known, refused = n.refused, taken = n.taken,
                  lease_owner = CASE WHEN $3 IN ('checking', 'taking') THEN $2 END,
                  lease_until = CASE WHEN $3 IN ('checking', 'taking')
                                THEN clock_timestamp() + make_interval(secs => $5) END
           FROM (SELECT count(*) AS rows, count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
                        count(*) FILTER (WHERE outcome = 'known') AS known,
                        count(*) FILTER (WHERE outcome = 'refused') AS refused, count(*) FILTER (WHERE taken) AS taken
                 FROM children_import_rows WHERE import_id = $1) n
           WHERE i.id = $1 AND i.lease_owner = $2 AND i.state IN ('checking', 'taking') RETURNING 1""",
        import_id,
        owner,
        state,
        problem,
        LEASE.seconds,
    )
    if not touched:
        raise LostLease(import_id)


async def expired(tx: AsyncConnection, before: datetime) -> list[FileRef]:
    """Lists that were looked at and that nobody has confirmed since: given up. Returns their files."""
    rows = await (await driver(tx)).fetch(
        """UPDATE children_imports SET state = 'failed', problem = '检查之后长期没有确认，已作废。请重新上传。',
                  version = version + 1
           WHERE state = 'checked' AND created_at < $1 RETURNING file::text AS file""",
        before,
    )
    return [msgspec.json.decode(row["file"], type=FileRef) for row in rows]
