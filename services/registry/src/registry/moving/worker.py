"""The worker that carries operations out, under a lease, each batch one transaction. A kill at any line is safe: whoever
takes the operation next goes on where the last commit left it.

    approved -> begin -> preparing -> moving -> finishing -> done        undoing -> moving -> preparing -> finishing -> undone
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from prometheus_client import Counter
from regulation.findings import refuse
from service_kit import leases
from service_kit.commands import passing
from service_kit.telemetry import describe
from shared_contracts.decisions import Finding
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.desk import Desk
from registry.moving import batches, store
from registry.moving.store import Operation

log = logging.getLogger(__name__)

MOST_FAILURES = 8
"""Attempts in a row that failed by no fault of the database: then somebody has to look."""

MOVED = Counter("records_moved_total", "Records moved by operations", ["kind"])


class Kind(Protocol):
    """What a kind of operation does around its moves. Every method runs in a transaction of its own, with its step."""

    journal_kind: str
    clause_id: str
    learning: bool

    def says(self, operation: Operation) -> Mapping[str, Mapping[str, str]]:
        """What the journal's entries say besides, by the school that the record was at."""
        ...

    async def begin(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        """Look once more, freeze, write down before-counts and moves. What is found stops it, and nothing has changed."""
        ...

    async def prepare(self, work: RegistryWork, operation: Operation) -> bool:
        """A part of what comes before the moves; False when there is nothing more."""
        ...

    async def finish(self, work: RegistryWork, operation: Operation) -> None: ...

    async def begin_undo(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]: ...

    async def unprepare(self, work: RegistryWork, operation: Operation) -> bool: ...

    async def finish_undo(self, work: RegistryWork, operation: Operation) -> None: ...


class Worker(leases.Worker[Desk, Operation]):
    """As far as an operation goes, step by step. `kinds`: by the operation's kind."""

    name = "operation"
    lease = store.LEASE
    desk = Desk
    poll = 2.0
    beats = False
    longest_pause = 60.0

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds

    async def take(self, tx: AsyncConnection, desk: Desk) -> Operation | None:
        return await store.take(tx, desk.owner, desk.clock.today())

    async def do(self, desk: Desk, work: Operation) -> None:
        while await self.step(desk, work.id):
            desk.go_on()

    async def give_up(self, desk: Desk, work: Operation, error: Exception) -> bool:
        if passing(error) or work.failures + 1 < MOST_FAILURES:
            return False
        log.error("operation %s has failed", work.id, exc_info=error)
        await self._fail(desk, work, describe(error))
        return True

    def title(self, work: Operation) -> str:
        return f"operation {work.kind}"

    async def step(self, desk: Desk, operation_id: str) -> bool:
        """One transaction; False when the operation has ended."""
        async with desk.unit() as work:
            operation = await store.mine(work.tx, operation_id, desk.owner)
            kind = self.kinds[operation.kind]
            if operation.state == "approved":
                return await _begun(work, operation, await kind.begin(work, operation))
            if operation.state == "running":
                return await _onward(work, kind, operation)
            return await _backward(work, kind, operation)

    async def _fail(self, desk: Desk, operation: Operation, what: str) -> None:
        cure = "排除故障后点“继续办理”，从中断处接着办"
        found = refuse("44", "operation.failed", f"办理中断：{what[:200]}", cure=cure)
        async with desk.unit() as work:
            await store.mine(work.tx, operation.id, desk.owner)
            await _stopped(work, operation, [found])


async def _begun(work: RegistryWork, operation: Operation, found: Sequence[Finding]) -> bool:
    if found:
        await store.thaw(work.tx, operation.id)
        await _stopped(work, operation, found)
        return False
    await store.change(work.tx, operation.id, state="running", step="preparing", started_at=work.now, failures=0)
    return True


async def _onward(work: RegistryWork, kind: Kind, operation: Operation) -> bool:
    if operation.step == "preparing":
        if not await kind.prepare(work, operation):
            await store.change(work.tx, operation.id, step="moving")
        return True
    if operation.step == "moving":
        done = await batches.forward(
            work,
            operation,
            kind=kind.journal_kind,
            clause_id=kind.clause_id,
            learning=kind.learning,
            says=kind.says(operation),
        )
        MOVED.labels(operation.kind).inc(done)
        await store.change(work.tx, operation.id, failures=0, **({} if done else {"step": "finishing"}))
        return True
    await kind.finish(work, operation)
    await _ended(work, operation, "done")
    return False


async def _backward(work: RegistryWork, kind: Kind, operation: Operation) -> bool:
    if operation.step == "undo":
        found = await kind.begin_undo(work, operation)
        if found:
            await store.thaw(work.tx, operation.id)
            await store.change(
                work.tx, operation.id, state="done", step="", undone_account=None,
                findings=[msgspec.to_builtins(one) for one in found], lease_owner=None, lease_until=None,
            )  # fmt: skip
            return False
        await store.change(work.tx, operation.id, step="moving", findings=[], failures=0)
        return True
    if operation.step == "moving":
        done = await batches.back(work, operation, clause_id=kind.clause_id, learning=kind.learning)
        await store.change(work.tx, operation.id, failures=0, **({} if done else {"step": "preparing"}))
        return True
    if operation.step == "preparing":
        if not await kind.unprepare(work, operation):
            await store.change(work.tx, operation.id, step="finishing")
        return True
    await kind.finish_undo(work, operation)
    await _ended(work, operation, "undone")
    return False


async def _ended(work: RegistryWork, operation: Operation, state: str) -> None:
    await store.thaw(work.tx, operation.id)
    await store.change(
        work.tx, operation.id, state=state, step="", ended_at=work.now, lease_owner=None, lease_until=None, failures=0
    )


async def _stopped(work: RegistryWork, operation: Operation, found: Sequence[Finding]) -> None:
    """Failed: what had been done stays done, and its pupils stay frozen until somebody resumes it."""
    await store.change(
        work.tx, operation.id, state="failed", findings=[msgspec.to_builtins(one) for one in found],
        lease_owner=None, lease_until=None, retry_at=None,
    )  # fmt: skip
