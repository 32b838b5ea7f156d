"""Every statement about exports. What a worker writes is written under its lease, or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from service_kit.database import execute, fetch_one, insert_rows
from service_kit.leases import Lease, LostLease
from shared_contracts.exports import ExportApproved
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.exports.tables import exports as t

LEASE = Lease(
    table="exports",
    open="state IN ('waiting', 'making')",
    order="received_at",
    taking="state = 'making', done = 0, total = 0, attempts = attempts + 1",
)


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
    row = await LEASE.take(
        tx, owner, returning="id, number, approved::text AS approved, state, total, done, attempts, failures"
    )
    if row is None:
        return None
    return msgspec.convert({**row, "approved": msgspec.json.decode(row["approved"])}, Export, strict=False)


async def made(tx: AsyncConnection, export_id: str, owner: str, *, sha256: str, rows: int, at: datetime) -> None:
    """Raises LostLease."""
    await _end(tx, export_id, owner, state="made", rows=rows, done=rows, total=rows, sha256=sha256, made_at=at)


async def failed(tx: AsyncConnection, export_id: str, owner: str, failure: str) -> None:
    """Raises LostLease."""
    await _end(tx, export_id, owner, state="failed", failure=failure)


async def _end(tx: AsyncConnection, export_id: str, owner: str, **values: Any) -> None:
    query = sa.update(t).where(t.c.id == export_id, t.c.lease_owner == owner, t.c.state == "making")
    if not await execute(tx, query.values(**values, lease_owner=None, lease_until=None)):
        raise LostLease(export_id)
