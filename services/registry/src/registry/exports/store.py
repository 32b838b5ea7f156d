"""Every statement about exports. What a worker writes is written under its lease, or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from service_kit.database import driver, execute, fetch_one, insert_rows
from shared_contracts.exports import ExportApproved
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.exports.tables import exports as t

LEASE = 30
"""Seconds that a worker may be silent before another one begins its file anew (by the database's clock)."""


class LostLease(Exception):
    """Somebody else makes this file now."""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export as it stands. `attempts`: how often its file was begun; each has a file id of its own."""

    id: str
    number: str
    approved: ExportApproved
    state: Literal["waiting", "making", "made", "failed"]
    total: int
    done: int
    attempts: int
    failures: int


_NAMES = Export.__struct_fields__
_COLUMNS = [t.c[name] for name in _NAMES]


def _export(row: Any) -> Export:
    return msgspec.convert(dict(zip(_NAMES, row.values(), strict=True)), Export, strict=False)


async def take_in(tx: AsyncConnection, event: ExportApproved, at: datetime) -> bool:
    """Keep the order; False where it is known: the same approval told twice makes one file."""
    row = {"id": event.export_id, "number": event.number, "approved": msgspec.to_builtins(event), "received_at": at}
    return bool(await insert_rows(tx, t, [row], on_conflict="(id) DO NOTHING", returning=("id",)))


async def get(tx: AsyncConnection, export_id: str) -> Export | None:
    row = await fetch_one(tx, sa.select(*_COLUMNS).where(t.c.id == export_id))
    return None if row is None else _export(row)


async def by_number(tx: AsyncConnection, number: str) -> Export | None:
    row = await fetch_one(tx, sa.select(*_COLUMNS).where(t.c.number == number))
    return None if row is None else _export(row)


async def take(tx: AsyncConnection, owner: str) -> Export | None:
    """The oldest export that waits, or whose worker has been silent; its file is begun anew."""
    row = await (await driver(tx)).fetchrow(
        """
        UPDATE exports SET state = 'making', done = 0, total = 0, attempts = attempts + 1, lease_owner = $1,
            lease_until = clock_timestamp() + make_interval(secs => $2)
        WHERE id = (
            SELECT id FROM exports
            WHERE state IN ('waiting', 'making') AND (lease_until IS NULL OR lease_until < clock_timestamp())
              AND (retry_at IS NULL OR retry_at <= clock_timestamp())
            ORDER BY received_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, number, approved::text AS approved, state, total, done, attempts, failures
        """,
        owner,
        LEASE,
    )
    if row is None:
        return None
    return msgspec.convert({**row, "approved": msgspec.json.decode(row["approved"])}, Export, strict=False)


async def progress(tx: AsyncConnection, export_id: str, owner: str, done: int, total: int) -> None:
    """Also a sign of life. Raises LostLease."""
    touched = await (await driver(tx)).fetchval(
        """
        UPDATE exports SET done = $3, total = $4, lease_until = clock_timestamp() + make_interval(secs => $5)
        WHERE id = $1 AND lease_owner = $2 AND state = 'making' RETURNING 1
        """,
        export_id,
        owner,
        done,
        total,
        LEASE,
    )
    if not touched:
        raise LostLease(export_id)


async def made(tx: AsyncConnection, export_id: str, owner: str, *, sha256: str, rows: int, at: datetime) -> None:
    """Raises LostLease."""
    await _end(tx, export_id, owner, state="made", rows=rows, done=rows, total=rows, sha256=sha256, made_at=at)


async def failed(tx: AsyncConnection, export_id: str, owner: str, failure: str) -> None:
    """Raises LostLease."""
    await _end(tx, export_id, owner, state="failed", failure=failure)


async def put_off(tx: AsyncConnection, export_id: str, owner: str, seconds: float) -> None:
    """Begin anew later. Nothing where the lease is lost."""
    await (await driver(tx)).execute(
        """
        UPDATE exports SET state = 'waiting', done = 0, failures = failures + 1, lease_owner = NULL, lease_until = NULL,
            retry_at = clock_timestamp() + make_interval(secs => $3)
        WHERE id = $1 AND lease_owner = $2 AND state = 'making'
        """,
        export_id,
        owner,
        seconds,
    )


async def _end(tx: AsyncConnection, export_id: str, owner: str, **values: Any) -> None:
    query = sa.update(t).where(t.c.id == export_id, t.c.lease_owner == owner, t.c.state == "making")
    if not await execute(tx, query.values(**values, lease_owner=None, lease_until=None)):
        raise LostLease(export_id)
