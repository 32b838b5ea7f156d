"""The export worker: takes approved exports one by one under a lease and makes their files. A kill at any line is safe:
whoever takes the export next begins its file anew, and nobody hears of a file that is not whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter, Histogram
from service_kit.leases import Worker
from service_kit.service import Kit
from service_kit.settings import Settings
from shared_contracts.exports import ExportFailed, ExportMade
from shared_contracts.files import FileRef
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import Registry
from registry.desk import Desk
from registry.exports import store
from registry.exports.making import CannotMake, Meter, file_id, make
from registry.exports.store import Export
from registry.rosters.child import ChildDied

FILES = Counter("export_files_total", "Attempts to make the file of an export", ["outcome"])
SECONDS = Histogram("export_file_seconds", "Time of an attempt", buckets=(0.5, 1, 2, 5, 10, 30, 60, 120, 300))


@dataclass(frozen=True, slots=True)
class Making:
    """An attempt at an export's file, and how far it is."""

    export: Export
    meter: Meter = field(default_factory=Meter)

    @property
    def id(self) -> str:
        return self.export.id

    @property
    def failures(self) -> int:
        return self.export.failures


class Exports(Worker[Desk, Making]):
    name = "export"
    lease = store.LEASE
    desk = Desk

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def take(self, tx: AsyncConnection, desk: Desk) -> Making | None:
        export = await store.take(tx, desk.owner)
        return None if export is None else Making(export)

    async def do(self, desk: Desk, work: Making) -> None:
        file = await make(desk, self._settings, work.export, work.meter)
        await _finish(desk, work.export, file, work.meter.done)

    async def give_up(self, desk: Desk, work: Making, error: Exception) -> bool:
        if isinstance(error, CannotMake):
            await _give_up(desk, work.export, error)
        return isinstance(error, CannotMake)

    async def lost(self, desk: Desk, work: Making) -> None:
        await desk.deps.files.delete(file_id(work.id, work.export.attempts))

    async def renew(self, tx: AsyncConnection, desk: Desk, work: Making) -> None:
        await self.lease.renew(tx, work.id, desk.owner, done=work.meter.done, total=work.meter.total)

    def setback(self, work: Making, error: Exception) -> dict[str, Any]:
        return {"state": "waiting", "done": 0}

    def passes(self, error: Exception) -> bool:
        return isinstance(error, ChildDied) or super().passes(error)

    def beat(self) -> float:
        return 1.0  # progress is as old as this

    def count(self, work: Making, outcome: str, seconds: float) -> None:
        FILES.labels(outcome).inc()
        SECONDS.observe(seconds)


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    await Exports(kit.settings).run(kit, deps, stop)


async def _finish(desk: Desk, export: Export, file: FileRef, rows: int) -> None:
    """From here on the file is known. What earlier attempts may have left is nobody's: it goes first."""
    await _forget(desk, export, export.attempts)
    async with desk.unit() as work:
        await store.made(work.tx, export.id, desk.owner, sha256=file.sha256, rows=rows, at=work.now)
        work.emit(ExportMade(export_id=export.id, file=file, rows=rows, made_at=work.now), export.id)


async def _give_up(desk: Desk, export: Export, cannot: CannotMake) -> None:
    await _forget(desk, export, export.attempts + 1)
    async with desk.unit() as work:
        await store.failed(work.tx, export.id, desk.owner, cannot.code)
        work.emit(ExportFailed(export_id=export.id, code=cannot.code, message=cannot.message), export.id)


async def _forget(desk: Desk, export: Export, below: int) -> None:
    for attempt in range(1, below):
        await desk.deps.files.delete(file_id(export.id, attempt))
