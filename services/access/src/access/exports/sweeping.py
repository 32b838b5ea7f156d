"""The worker that deletes files: those that were fetched, when their quarter of an hour is over, and expired ones."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import Counter
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe

from access.context import Access
from access.exports import store

log = logging.getLogger(__name__)

PAUSE = 15.0  # seconds
AT_ONCE = 50

DELETED = Counter("export_files_deleted_total", "Files of exports that were fetched or expired")


async def worker(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await sweep(kit, deps)
        except OSError as error:
            log.warning("files of exports could not be deleted, again later: %s", describe(error))
        await pause(stop, PAUSE)


async def sweep(kit: Kit, deps: Access) -> int:
    """Delete every file that nobody may have any more; returns how many. A kill repeats a deletion, which is none."""
    total = 0
    while True:
        async with kit.db.transaction() as tx:
            over = await store.outlived(tx, kit.clock.now(), AT_ONCE)
            for _, file_id in over:
                await deps.files.delete(file_id)
            await store.mark_gone(tx, [export_id for export_id, _ in over])
        total += len(over)
        if len(over) < AT_ONCE:
            break
    if total:
        DELETED.inc(total)
        log.info("%d files of exports deleted", total)
    return total
