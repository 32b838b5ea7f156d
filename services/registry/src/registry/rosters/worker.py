"""The roster worker: takes rosters one by one under a lease and does what they wait for. A kill at any line is safe.

Several copies of the registry, and two lanes in each, never work on one roster at once. What fails and may pass (identity,
the bus, the database away) is tried again later and never fails a roster; only its file can.
"""

from __future__ import annotations

from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context
from prometheus_client import Counter, Histogram
from service_kit.files import FileMissing
from service_kit.leases import Worker
from shared_contracts.actors import system
from shared_contracts.identity import DropIntake
from shared_contracts.registry import RosterState
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.desk import Desk, command_id
from registry.organisations.store import SchoolChanged
from registry.rosters import store
from registry.rosters.checking import check, fail
from registry.rosters.child import ChildDied
from registry.rosters.confirming import confirm
from registry.rosters.handlers import KEPT, give_up
from registry.rosters.printing import print_sheets
from registry.rosters.store import Roster

WAKE = "rosters"
"""Name of the event that wakes the worker (`kit.wake`)."""

CRASHES = 3
"""So often may a file kill the child before it is given up."""

STAGES = Counter("roster_stages_total", "Stages of rosters", ["stage", "outcome"])
SECONDS = Histogram("roster_stage_seconds", "Time of a stage", ["stage"], buckets=(0.5, 1, 2, 5, 10, 30, 60, 300))


class Rosters(Worker[Desk, Roster]):
    name = "roster"
    lease = store.LEASE
    desk = Desk
    lanes = 2
    wake = WAKE
    sweeping = 300.0

    async def take(self, tx: AsyncConnection, desk: Desk) -> Roster | None:
        return await store.take(tx, desk.owner)

    async def do(self, desk: Desk, work: Roster) -> None:
        await _do(desk, _stage(work), work)

    async def sweep(self, desk: Desk) -> None:
        """Checked rosters that nobody confirmed are given up: identity keeps the waiting pupils no longer."""
        async with desk.unit() as work:
            for roster in await store.expired(work.tx, work.now - KEPT):
                await give_up(work, roster)

    def setback(self, work: Roster, error: Exception) -> dict[str, Any]:
        return {"crashes": work.crashes + isinstance(error, ChildDied)}

    def passes(self, error: Exception) -> bool:
        return isinstance(error, ChildDied | SchoolChanged) or super().passes(error)

    def title(self, work: Roster) -> str:
        return f"roster {_stage(work)}"

    def trace(self, work: Roster) -> Context:
        return propagate.extract(work.trace)

    def count(self, work: Roster, outcome: str, seconds: float) -> None:
        STAGES.labels(_stage(work), outcome).inc()
        SECONDS.labels(_stage(work)).observe(seconds)


WORKER = Rosters()
run = WORKER.run


def _stage(roster: Roster) -> str:
    if roster.state in (RosterState.UPLOADED, RosterState.CHECKING):
        return "check"
    if roster.state is RosterState.CONFIRMING:
        return "confirm"
    return "print" if roster.sheets_state == "printing" else "cleanup"


async def _do(desk: Desk, stage: str, roster: Roster) -> None:
    if roster.crashes >= CRASHES and stage == "check":
        await fail(desk, roster, "文件无法处理（内容过大或已损坏）。请把数据复制到空白模板后重新上传。")
        return
    match stage:
        case "check":
            try:
                await check(desk, roster)
            except FileMissing:
                await fail(desk, roster, "上传的文件已不存在。请重新上传。")
        case "confirm":
            await confirm(desk, roster)
        case "print":
            await print_sheets(desk, roster)
        case _:
            await clean_up(desk, roster)


async def clean_up(desk: Desk, roster: Roster) -> None:
    """The upload, the waiting pupils and, of a roster that was given up, the files made of it are gone."""
    await desk.ask(
        DropIntake(
            command_id=command_id("roster.drop", roster.id, 0, roster.state.value),
            actor=system("registry"),
            intake_id=roster.id,
        )
    )
    await desk.deps.files.delete(roster.file.id)
    files = roster.files
    if roster.state in (RosterState.CANCELLED, RosterState.FAILED):
        for file in files:
            await desk.deps.files.delete(file.file.id)
        files = ()
    async with desk.unit() as work:
        await store.stage(work.tx, roster, desk.owner, cleanup=False, file_kept=False, files=files)
