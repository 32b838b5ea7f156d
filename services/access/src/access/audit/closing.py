"""The worker that signs: each day that has ended gets its root, its signature and its sums; several at once after a rest.

The root is logged as well: whoever keeps that line, or a printed report with it, can show later that the past is the same.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date, timedelta

from regulation.mark import clause
from service_kit.database import driver, fetch_one, insert_rows
from service_kit.pausing import pause
from service_kit.service import Kit

from access.audit import store, tables
from access.audit.chain import BEGINNING, Signer, day_root, day_seed
from access.audit.sums import keep_sums
from access.context import Access, AccessWork

log = logging.getLogger(__name__)

POLL = 30.0  # seconds

_BEGINS = """
SELECT coalesce((SELECT max(day) + 1 FROM audit_days), (SELECT min(day) FROM audit_entries)) AS day
"""


async def worker(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    signer = Signer(deps.settings.audit_seed())
    while not stop.is_set():
        await close_ended(kit, deps, signer)
        await pause(stop, POLL)


async def close_ended(kit: Kit, deps: Access, signer: Signer) -> int:
    """Close every day that has ended, a transaction each; returns how many."""
    closed = 0
    while True:
        async with kit.db.unit(deps) as work:
            if not await close_next(work, signer):
                return closed
        closed += 1


@clause("45.1")
async def close_next(work: AccessWork, signer: Signer) -> bool:
    """Close the oldest day that has ended and is open; False when there is none. Days without entries are signed too."""
    await store.alone(work.tx)
    row = await fetch_one(work.tx, _BEGINS)
    day: date | None = row["day"] if row else None
    if day is None or day >= work.today:
        return False
    connection = await driver(work.tx)
    last = await connection.fetchrow(
        "SELECT number, hash FROM audit_entries WHERE day = $1 ORDER BY number DESC LIMIT 1", day
    )
    entries, digest = (last["number"], last["hash"]) if last else (0, day_seed(day))
    before = await connection.fetchval("SELECT root FROM audit_days WHERE day = $1", day - timedelta(days=1))
    previous = before or BEGINNING
    root = day_root(day, entries, digest, previous)
    await insert_rows(
        work.tx,
        tables.days,
        [
            {
                "day": day,
                "entries": entries,
                "root": root,
                "previous": previous,
                "key_id": signer.key_id,
                "signature": signer.sign(root),
                "signed_at": work.now,
            }
        ],
    )
    await keep_sums(work.tx, day)
    work.after_commit(
        lambda: log.info("audit log: %s closed, %d entries, root %s, key %s", day, entries, root.hex(), signer.key_id)
    )
    return True
