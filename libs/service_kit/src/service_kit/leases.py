"""Work that takes minutes, done by one worker at a time: nothing is lost with a worker that dies, nothing is done twice.

The work is a row of a table. A worker takes it by writing itself and a moment into it: the lease. It renews the lease while
it works; whoever falls silent loses it, and another one goes on where the last commit left the work. Whatever a worker
writes it writes under its lease, in one transaction with the progress (`Lease.renew`, or a condition on `lease_owner` in a
statement of its own), or not at all. What fails and may pass is tried again after a pause that grows; what cannot be done
is given up with a message to whoever waits for it. The database's clock is the only one that counts.

The table has the columns `id text`, `lease_owner text`, `lease_until timestamptz`, `retry_at timestamptz`,
`failures integer NOT NULL DEFAULT 0` (in a row, without progress between them), and the application may change the last four.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import asyncpg
from opentelemetry.context import Context
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.bus import BusError
from service_kit.clock import Clock
from service_kit.commands import passing
from service_kit.database import Database, driver
from service_kit.ids import new_id
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe, span

log = logging.getLogger(__name__)

SECONDS = 30.0
D = TypeVar("D")


class LostLease(Exception):
    """The work is another worker's now, or has been called off: what was about to be written is not."""


class Stopping(Exception):
    """The service is asked to stop: the work waits for the next worker."""


@dataclass(slots=True)
class Lease:
    """The rows of a table that are work.

    `open`: SQL, true of a row as long as there is something to do with it. `ready`: SQL, which of them may be taken; `$3`,
    `$4` … in it are what `take` is told besides. `order`: SQL, which goes first. `taking`: SQL, columns that a taker sets.
    `seconds`: so long may a worker be silent.
    """

    table: str
    open: str
    order: str
    ready: str = "true"
    taking: str = ""
    seconds: float = SECONDS

    # SKIP LOCKED: two workers never wait for each other.
    async def take(self, tx: AsyncConnection, owner: str, *more: Any, returning: str = "id") -> asyncpg.Record | None:
        """The first row that nobody works on is the owner's; None where there is none."""
        taking = f", {self.taking}" if self.taking else ""
        return await (await driver(tx)).fetchrow(
            f"""UPDATE {self.table}
                SET lease_owner = $1, lease_until = clock_timestamp() + make_interval(secs => $2){taking}
                WHERE id = (
                    SELECT id FROM {self.table}
                    WHERE ({self.open}) AND ({self.ready})
                      AND (lease_until IS NULL OR lease_until < clock_timestamp())
                      AND (retry_at IS NULL OR retry_at <= clock_timestamp())
                    ORDER BY {self.order} LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING {returning}""",  # noqa: S608 - constants of the code
            owner,
            self.seconds,
            *more,
        )

    async def renew(self, tx: AsyncConnection, key: str, owner: str, **values: Any) -> None:
        """A sign of life, with values of columns where there are some; the row is locked until the commit.

        Raises LostLease.
        """
        kept = await (await driver(tx)).fetchval(
            f"""UPDATE {self.table} SET lease_until = clock_timestamp() + make_interval(secs => $3){_columns(values, 4)}
                WHERE id = $1 AND lease_owner = $2 AND ({self.open}) RETURNING 1""",  # noqa: S608
            key,
            owner,
            self.seconds,
            *values.values(),
        )
        if kept is None:
            raise LostLease(key)

    async def give_back(self, tx: AsyncConnection, key: str, owner: str) -> None:
        """Done for now: what failed before counts no more. Nothing where the lease is lost."""
        await (await driver(tx)).execute(
            f"""UPDATE {self.table} SET lease_owner = NULL, lease_until = NULL, retry_at = NULL, failures = 0
                WHERE id = $1 AND lease_owner = $2""",  # noqa: S608
            key,
            owner,
        )

    async def put_off(
        self, tx: AsyncConnection, key: str, owner: str, seconds: float, *, failed: bool = True, **values: Any
    ) -> None:
        """Not done: again after so many seconds. `failed`: it counts as a failure. Nothing where the lease is lost."""
        await (await driver(tx)).execute(
            f"""UPDATE {self.table} SET lease_owner = NULL, lease_until = NULL, failures = failures + $4,
                       retry_at = clock_timestamp() + make_interval(secs => $3){_columns(values, 5)}
                WHERE id = $1 AND lease_owner = $2""",  # noqa: S608
            key,
            owner,
            seconds,
            int(failed),
            *values.values(),
        )


def _columns(values: dict[str, Any], first: int) -> str:
    return "".join(f", {name} = ${at}" for at, name in enumerate(values, start=first))


class Leased(Protocol):
    """What is worked on: the row's key, and how often it has failed in a row."""

    @property
    def id(self) -> str: ...
    @property
    def failures(self) -> int: ...


T = TypeVar("T", bound=Leased)


@dataclass(slots=True)
class Desk(Generic[D]):
    """Where one worker sits: what it works with. `owner`: who holds the lease. `stop`: set when the service is to stop.
    `lost`: the lease was found to be another's; whoever writes finds out anyway.
    """

    db: Database
    clock: Clock
    deps: D
    owner: str
    stop: asyncio.Event
    lost: bool = field(default=False, kw_only=True)

    def unit(self) -> AbstractAsyncContextManager[Any]:
        """A unit of work (`service_kit.work.Work`) of this service."""
        return self.db.unit(self.deps)

    def go_on(self) -> None:
        """Between two parts of the work. Raises Stopping, LostLease."""
        if self.stop.is_set():
            raise Stopping
        if self.lost:
            raise LostLease


K = TypeVar("K", bound=Desk[Any])


class Worker(Generic[K, T]):
    """Takes what a lease is for, one after the other, until the service stops. A kill at any line is safe if `do` commits
    under the lease. A subclass says what its work is; `run` is one of the service's workers.
    """

    name: ClassVar[str]
    """In logs and traces."""
    lease: ClassVar[Lease]
    desk: ClassVar[type[Desk[Any]]] = Desk
    lanes: ClassVar[int] = 1
    """So many at once in a copy of the service."""
    poll: ClassVar[float] = 1.0
    """Seconds between two looks; the wake-up only saves waiting."""
    wake: ClassVar[str] = ""
    """Name of the event that wakes it (`Kit.wake`)."""
    beats: ClassVar[bool] = True
    """Renews its lease by the clock. Not where each part of the work is a transaction that begins with `renew`: its lock
    on the row keeps others away."""
    longest_pause: ClassVar[float] = 120.0
    sweeping: ClassVar[float] = 0.0
    """Seconds between two sweeps, 0 for none."""

    # ---- what a subclass says -----------------------------------------------------------------------------------------

    async def take(self, tx: AsyncConnection, desk: K) -> T | None:
        """The next work, leased to this desk."""
        raise NotImplementedError

    async def do(self, desk: K, work: T) -> None:
        """All of it, or as far as it goes now. Raises LostLease, Stopping, and what it fails with."""
        raise NotImplementedError

    async def give_up(self, desk: K, work: T, error: Exception) -> bool:
        """Whether this error can never pass, and the work has been ended with a message. May raise LostLease."""
        return False

    async def lost(self, desk: K, work: T) -> None:
        """The lease is another's: take away what nobody else knows of."""

    async def sweep(self, desk: K) -> None:
        """What has to be cleared away from time to time, beside the work."""

    async def renew(self, tx: AsyncConnection, desk: K, work: T) -> None:
        """A sign of life, with what there is to say of the progress."""
        await self.lease.renew(tx, work.id, desk.owner)

    def setback(self, work: T, error: Exception) -> dict[str, Any]:
        """Columns to set when the work is put off. `error`: Stopping where nothing has failed."""
        return {}

    def pause(self, work: T, error: Exception) -> float:
        """Seconds until it is tried again."""
        return float(min(2.0**work.failures, self.longest_pause))

    def passes(self, error: Exception) -> bool:
        """Nobody has to look at it: somebody else is away for a moment."""
        return isinstance(error, BusError) or passing(error)

    def title(self, work: T) -> str:
        return self.name

    def trace(self, work: T) -> Context | None:
        """To which the work's span belongs."""
        return None

    def beat(self) -> float:
        """Seconds between two signs of life."""
        return self.lease.seconds / 3

    def count(self, work: T, outcome: str, seconds: float) -> None:
        """For the metrics: `done`, `lost`, `stopped`, `given up`, `put off` (it will pass) or `failed` (a fault of ours)."""

    # ---- the same for all ---------------------------------------------------------------------------------------------

    async def run(self, kit: Kit, deps: Any, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        if self.lanes == 1 and not self.sweeping:  # what it dies of stays what it is, not a group of one
            await self._lane(kit, deps, stop)
            return
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.lanes):
                tasks.create_task(self._lane(kit, deps, stop))
            if self.sweeping:
                tasks.create_task(self._sweeps(self._desk(kit, deps, stop)))

    def _desk(self, kit: Kit, deps: Any, stop: asyncio.Event) -> Any:
        return self.desk(db=kit.db, clock=kit.clock, deps=deps, owner=new_id(), stop=stop)

    async def _lane(self, kit: Kit, deps: Any, stop: asyncio.Event) -> None:
        wake = kit.wake(self.wake) if self.wake else asyncio.Event()
        while not stop.is_set():
            wake.clear()
            desk = self._desk(kit, deps, stop)
            if (work := await self._next(desk)) is not None:
                await self.attend(desk, work)
                continue
            await pause(stop, self.poll, wake)

    async def _next(self, desk: K) -> T | None:
        try:
            async with desk.db.transaction() as tx:
                return await self.take(tx, desk)
        except Exception as error:
            if not passing(error):
                raise
            log.warning("%s: nothing can be taken now: %s", self.name, describe(error))
            return None

    async def attend(self, desk: K, work: T) -> None:
        """One piece of work. Whatever happens, the lease is given back or runs out."""
        started, outcome = monotonic(), "done"
        heart = asyncio.create_task(self._heart(desk, work)) if self.beats else None
        try:
            with span(self.title(work), context=self.trace(work)):
                await self.do(desk, work)
        except LostLease:
            outcome = "lost"
            log.info("%s %s was called off or taken over", self.name, work.id)
            await self.lost(desk, work)
        except Stopping as stopping:
            outcome = "stopped"
            await self._put_off(desk, work, stopping)
        except Exception as error:
            outcome = await self._failed(desk, work, error)
        finally:
            if heart is not None:
                heart.cancel()
        if outcome in ("done", "lost"):  # called off, it is ours still; taken over, this changes nothing
            async with desk.db.transaction() as tx:
                await self.lease.give_back(tx, work.id, desk.owner)
        self.count(work, outcome, monotonic() - started)

    async def _failed(self, desk: K, work: T, error: Exception) -> str:
        try:
            if await self.give_up(desk, work, error):
                log.warning("%s %s was given up: %s", self.name, work.id, describe(error))
                return "given up"
        except LostLease:
            log.info("%s %s was called off or taken over", self.name, work.id)
            return "lost"
        except Exception as another:
            error = another
        outcome = "put off" if self.passes(error) else "failed"
        if outcome == "put off":
            log.warning("%s %s: again later: %s", self.name, work.id, describe(error))
        else:  # ours or the database's: the work waits, it is not lost
            log.error("%s %s has failed, again later: %s", self.name, work.id, describe(error), exc_info=error)
        await self._put_off(desk, work, error)
        return outcome

    async def _put_off(self, desk: K, work: T, error: Exception) -> None:
        failed = not isinstance(error, Stopping)
        pause = self.pause(work, error) if failed else 0.0
        with contextlib.suppress(Exception):  # the database is away: the lease runs out by itself
            async with desk.db.transaction() as tx:
                values = self.setback(work, error)
                await self.lease.put_off(tx, work.id, desk.owner, pause, failed=failed, **values)

    async def _heart(self, desk: K, work: T) -> None:
        while True:
            await asyncio.sleep(self.beat())
            try:
                async with desk.db.transaction() as tx:
                    await self.renew(tx, desk, work)
            except LostLease:
                desk.lost = True
                return
            except Exception as error:  # the database is away for a moment
                log.warning("%s %s: no sign of life: %s", self.name, work.id, describe(error))

    async def _sweeps(self, desk: K) -> None:
        while not desk.stop.is_set():
            try:
                await self.sweep(desk)
            except Exception as error:
                log.warning("%s: the sweep failed, again later: %s", self.name, describe(error))
            await pause(desk.stop, self.sweeping)
