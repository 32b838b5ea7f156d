"""The roster worker: takes rosters one by one under a lease and does what they wait for. A kill at any line is safe.

Several copies of the registry, and two lanes in each, never work on one roster at once. What fails and may pass (identity,
the bus, the database away) is tried again later and never fails a roster; only its file can.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic

from opentelemetry import propagate
from prometheus_client import Counter, Histogram
from service_kit.bus import BusError
from service_kit.files import FileMissing
from service_kit.ids import new_id
from service_kit.service import Kit
from service_kit.telemetry import describe, tracer
from shared_contracts.actors import system
from shared_contracts.identity import DropIntake
from shared_contracts.registry import RosterState

from registry.context import Registry
from registry.organisations.store import SchoolChanged
from registry.rosters import store
from registry.rosters.checking import check, fail
from registry.rosters.child import ChildDied
from registry.rosters.confirming import confirm
from registry.rosters.desk import Desk, Stopping, command_id
from registry.rosters.handlers import KEPT, give_up
from registry.rosters.printing import print_sheets
from registry.rosters.store import LostLease, Roster

log = logging.getLogger(__name__)

WAKE = "rosters"
"""Name of the event that wakes the worker (`kit.wake`)."""

LANES = 2
POLL = 1.0  # seconds; the wake-up only saves waiting
SWEEP = 300.0
LONGEST_PAUSE = 120.0
CRASHES = 3
"""So often may a file kill the child before it is given up."""

STAGES = Counter("roster_stages_total", "Stages of rosters", ["stage", "outcome"])
SECONDS = Histogram("roster_stage_seconds", "Time of a stage", ["stage"], buckets=(0.5, 1, 2, 5, 10, 30, 60, 300))


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(LANES):
            desk = Desk(db=kit.db, clock=kit.clock, deps=deps, owner=new_id(), stop=stop)
            tasks.create_task(_lane(desk, kit.wake(WAKE)))
        tasks.create_task(_sweep(desk))


async def _lane(desk: Desk, wake: asyncio.Event) -> None:
    while not desk.stop.is_set():
        wake.clear()
        async with desk.db.transaction() as tx:
            roster = await store.take(tx, desk.owner)
        if roster is not None:
            await _attend(desk, roster)
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_either(wake, desk.stop), POLL)


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _attend(desk: Desk, roster: Roster) -> None:
    """One roster, one stage. Whatever happens, the lease is given back or runs out."""
    stage = _stage(roster)
    started, outcome = monotonic(), "done"
    heart = asyncio.create_task(_keep_lease(desk, roster))
    context = propagate.extract(roster.trace)
    try:
        with tracer().start_as_current_span(f"roster {stage}", context=context):
            await _do(desk, stage, roster)
    except LostLease:
        outcome = "lost"
        log.info("roster %s was cancelled or taken over during %s", roster.id, stage)
    except Stopping:
        outcome = "stopped"
    except ChildDied as died:
        outcome = "crashed"
        log.warning("roster %s, %s: %s", roster.id, stage, died)
        await _put_off(desk, roster, crashes=roster.crashes + 1)
    except BusError as error:
        outcome = "put off"
        log.warning("roster %s, %s: put off: %s", roster.id, stage, error)
        await _put_off(desk, roster, crashes=roster.crashes)
    except SchoolChanged:
        outcome = "put off"
        log.info("roster %s, %s: its school has changed: begun anew", roster.id, stage)
        await _put_off(desk, roster, crashes=roster.crashes)
    except Exception as error:  # ours or the database's: the roster waits, it is not lost
        outcome = "failed"
        log.exception("roster %s, %s: tried again later: %s", roster.id, stage, describe(error))
        await _put_off(desk, roster, crashes=roster.crashes)
    finally:
        heart.cancel()
        STAGES.labels(stage, outcome).inc()
        SECONDS.labels(stage).observe(monotonic() - started)
    if outcome in ("done", "stopped", "lost"):
        async with desk.db.transaction() as tx:
            await store.let_go(tx, roster.id, desk.owner)


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


async def _keep_lease(desk: Desk, roster: Roster) -> None:
    """While a stage waits for the child or for identity. Whoever has lost the lease finds out when he writes."""
    while True:
        await asyncio.sleep(store.LEASE / 3)
        with contextlib.suppress(Exception):
            async with desk.db.transaction() as tx:
                await store.keep(tx, roster.id, desk.owner)


async def _put_off(desk: Desk, roster: Roster, crashes: int) -> None:
    pause = min(2.0**roster.failures, LONGEST_PAUSE)
    with contextlib.suppress(Exception):  # the database is away: the lease runs out by itself
        async with desk.db.transaction() as tx:
            await store.put_off(tx, roster.id, desk.owner, pause, crashes)


async def _sweep(desk: Desk) -> None:
    """Checked rosters that nobody confirmed are given up: identity keeps the waiting pupils no longer."""
    while not desk.stop.is_set():
        try:
            async with desk.unit() as work:
                for roster in await store.expired(work.tx, work.now - KEPT):
                    await give_up(work, roster)
        except Exception as error:
            log.warning("expired rosters could not be swept: %s", describe(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(desk.stop.wait(), SWEEP)
