"""The export worker: takes approved exports one by one under a lease and makes their files. A kill at any line is safe:
whoever takes the export next begins its file anew, and nobody hears of a file that is not whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic

from prometheus_client import Counter, Histogram
from service_kit.bus import BusError
from service_kit.ids import new_id
from service_kit.service import Kit
from service_kit.settings import Settings
from service_kit.telemetry import describe, tracer
from shared_contracts.exports import ExportFailed, ExportMade
from shared_contracts.files import FileRef

from registry.context import Registry
from registry.exports import store
from registry.exports.making import CannotMake, Meter, file_id, make
from registry.exports.store import Export, LostLease
from registry.rosters.child import ChildDied
from registry.rosters.desk import Desk, Stopping

log = logging.getLogger(__name__)

POLL = 1.0  # seconds
BEAT = 1.0  # seconds between signs of life; progress is as old as this
LONGEST_PAUSE = 120.0

FILES = Counter("export_files_total", "Attempts to make the file of an export", ["outcome"])
SECONDS = Histogram("export_file_seconds", "Time of an attempt", buckets=(0.5, 1, 2, 5, 10, 30, 60, 120, 300))


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        desk = Desk(db=kit.db, clock=kit.clock, deps=deps, owner=new_id(), stop=stop)
        async with kit.db.transaction() as tx:
            export = await store.take(tx, desk.owner)
        if export is not None:
            await attend(desk, kit.settings, export)
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL)


async def attend(desk: Desk, settings: Settings, export: Export) -> None:
    """One attempt. Whatever happens, the lease is given back or runs out."""
    started, outcome = monotonic(), "made"
    meter = Meter()
    heart = asyncio.create_task(_beat(desk, export, meter))
    try:
        with tracer().start_as_current_span("export file"):
            file = await make(desk, settings, export, meter)
            await _finish(desk, export, file, meter.done)
    except CannotMake as cannot:
        outcome = cannot.code
        await _give_up(desk, export, cannot)
    except LostLease:
        outcome = "lost"
        log.info("export %s was taken over", export.id)
        await desk.deps.files.delete(file_id(export.id, export.attempts))
    except Stopping:
        outcome = "stopped"
        await _put_off(desk, export, 0.0)
    except (ChildDied, BusError) as error:
        outcome = "put off"
        log.warning("export %s: put off: %s", export.id, error)
        await _put_off(desk, export, _pause(export))
    except Exception as error:  # ours or the database's: the export waits, it is not lost
        outcome = "failed"
        log.exception("export %s: tried again later: %s", export.id, describe(error))
        await _put_off(desk, export, _pause(export))
    finally:
        heart.cancel()
        FILES.labels(outcome).inc()
        SECONDS.observe(monotonic() - started)


async def _finish(desk: Desk, export: Export, file: FileRef, rows: int) -> None:
    """From here on the file is known. What earlier attempts may have left is nobody's: it goes first."""
    await _forget(desk, export, export.attempts)
    async with desk.unit() as work:
        await store.made(work.tx, export.id, desk.owner, sha256=file.sha256, rows=rows, at=work.now)
        work.emit(ExportMade(export_id=export.id, file=file, rows=rows, made_at=work.now), export.id)


async def _give_up(desk: Desk, export: Export, cannot: CannotMake) -> None:
    await _forget(desk, export, export.attempts + 1)
    try:
        async with desk.unit() as work:
            await store.failed(work.tx, export.id, desk.owner, cannot.code)
            work.emit(ExportFailed(export_id=export.id, code=cannot.code, message=cannot.message), export.id)
    except LostLease:
        log.info("export %s was taken over", export.id)


async def _forget(desk: Desk, export: Export, below: int) -> None:
    for attempt in range(1, below):
        await desk.deps.files.delete(file_id(export.id, attempt))


async def _beat(desk: Desk, export: Export, meter: Meter) -> None:
    while True:
        await asyncio.sleep(BEAT)
        try:
            async with desk.db.transaction() as tx:
                await store.progress(tx, export.id, desk.owner, meter.done, meter.total)
        except LostLease:
            meter.lost = True
            return
        except Exception as error:  # the database is away for a moment
            log.warning("export %s: no sign of life: %s", export.id, describe(error))


async def _put_off(desk: Desk, export: Export, pause: float) -> None:
    with contextlib.suppress(Exception):  # the database is away: the lease runs out by itself
        async with desk.db.transaction() as tx:
            await store.put_off(tx, export.id, desk.owner, pause)


def _pause(export: Export) -> float:
    return float(min(2.0**export.failures, LONGEST_PAUSE))
