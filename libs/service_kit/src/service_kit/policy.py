"""The policy parameters that hold now, in every copy of every service: `work.deps.policy.parameters(division, day)`.

The registry owns what authorities publish. It holds from tomorrow at the earliest, and nothing about a day is decided in the
last `MARGIN` before it: so a copy that looks every few seconds knows a value before its first day, and decisions need neither
a lock nor a read for it. The registry reads its own tables (`registry.policy_values.live`); a service other than the
registry keeps a replica of what was published for the keys that it uses: `create_replica` in a migration, `follow` among its
workers, `ReplicaPolicy` in its dependencies.

The statutory calendar (`work.deps.policy.calendar`) comes the same way: a year's holidays that the province publishes count
from a later day on, and last days that have been counted out already are counted anew (`recount`, `casework.recounting`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa
from regulation.calendar import LAST_RELEASED, Calendar, Notice
from regulation.parameters import (
    LocalValue,
    Parameter,
    Parameters,
    ParameterValue,
    PolicyBook,
    province_parameters,
)
from shared_contracts.actors import system
from shared_contracts.messages import Event
from shared_contracts.policy import AskPublished, Published
from shared_contracts.working_days import WorkingDaysPublished
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.bus import BusError
from service_kit.commands import passing
from service_kit.database import Database, driver, fetch_one
from service_kit.migrate import statements
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from service_kit.work import EventHandler, Work

log = logging.getLogger(__name__)

MARGIN = timedelta(minutes=10)
"""So long before a day begins everything is fixed that holds on it."""

LOOKS = 10.0
"""Seconds between two looks."""

WAKE = "policy"
RECOUNT = "recount"
"""Set when this copy has read another calendar."""
RECOUNTS = 30.0
"""Seconds between two looks whether a recount has been left undone, where nobody calls."""


def heard(now: datetime) -> date:
    """What was read before this day by one copy is known in every copy, or the copy says nothing (`PolicyNotKnown`)."""
    return (now - MARGIN).date()


class PolicyNotKnown(Exception):
    """This copy could not look at the values for too long. Whoever asks is answered "later" and changes nothing."""


class LivePolicy:
    """The book in use. One that nobody has shown a database (tests of pure parts) knows this release's values alone."""

    def __init__(self, parameters: tuple[Parameter, ...] | None = None) -> None:
        self._parameters = parameters or province_parameters()
        self._book = PolicyBook(self._parameters)
        self._calendar = Calendar()
        self._notices = 0
        self.version = 0
        self._looked: float | None = None

    @property
    def book(self) -> PolicyBook:
        """Raises PolicyNotKnown: a copy that cannot look for longer than `MARGIN` says nothing rather than something old."""
        self._fresh()
        return self._book

    def _fresh(self) -> None:
        if self._looked is not None and time.monotonic() - self._looked > MARGIN.total_seconds():
            raise PolicyNotKnown

    @property
    def calendar(self) -> Calendar:
        """The statutory working days as they are known now: another one takes its place. Raises PolicyNotKnown."""
        self._fresh()
        return self._calendar

    @property
    def calendar_number(self) -> int:
        """Grows with every notice that is published and every year that a release of the program brings."""
        return self._notices * 10_000 + LAST_RELEASED

    def parameters(self, division: str, on: date) -> Parameters:
        """What holds in a division on a day. Raises LookupError where nothing does, PolicyNotKnown."""
        return self.book.parameters(division, on)

    async def look(self, tx: AsyncConnection) -> bool:
        """Read the values again if they have changed since; whether they had."""
        asked = time.monotonic()
        version = await self.read_version(tx)
        changed = version != self.version
        if changed:
            self._book = sound(self._parameters, await self.read_values(tx))
            number, notices = await self.read_notices(tx)
            if number != self._notices:
                self._calendar, self._notices = Calendar(notices=notices), number
            self.version = version
        self._looked = asked
        return changed

    async def read_version(self, tx: AsyncConnection) -> int:
        """A number that grows with every change; 0 where there is none yet."""
        raise NotImplementedError

    async def read_values(self, tx: AsyncConnection) -> list[LocalValue]:
        """Every value that is published and was neither withdrawn nor returned in time, also those still to come."""
        raise NotImplementedError

    async def read_notices(self, tx: AsyncConnection) -> tuple[int, list[Notice]]:
        """The years' holidays in force, and the number of the newest notice (0: there is none)."""
        raise NotImplementedError


def sound(parameters: Sequence[Parameter], local: Sequence[LocalValue]) -> PolicyBook:
    """A book of these values without those at fault. Publishing lets none in; a new release of the program may bring
    narrower bounds, and must not keep the service from starting: what no longer fits does not hold, and is told."""
    known = {parameter.key for parameter in parameters}
    kept = [row for row in local if row.key in known]
    for row in local:
        if row.key not in known:
            log.error("policy value left out: no parameter %s (%s)", row.key, row.value.division)
    while True:
        book, faults = PolicyBook.examine(parameters, kept)
        if not faults:
            return book
        wrong = {(fault.key, fault.own) for fault in faults}
        fewer = [row for row in kept if (row.key, row.value) not in wrong]
        for fault in faults:
            log.error("policy value left out: %s of %s: %s", fault.key, fault.own.division, fault.message)
        if len(fewer) == len(kept):
            raise RuntimeError(f"parameters.toml contradicts itself: {faults[0].message}")
        kept = fewer


async def first_look(db: Database, policy: LivePolicy) -> None:
    """Before the service takes its first request. Patient: the database may come up after us."""
    for attempt in range(60):
        try:
            async with db.transaction() as tx:
                await policy.look(tx)
            return
        except (OSError, TimeoutError, sa.exc.DBAPIError, asyncpg.PostgresError) as error:
            if attempt == 59 or not passing(error):
                raise
            log.warning("the policy cannot be read yet: %s", describe(error))
            await asyncio.sleep(min(0.2 * (attempt + 1), 2))


async def watch(
    kit: Kit, policy: LivePolicy, stop: asyncio.Event, before: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Until the service stops: look, wait a little or for a wake-up (something was published in this copy). `before`: done
    before each look."""
    woken = kit.wake(WAKE)
    while not stop.is_set():
        woken.clear()
        if before is not None:
            await before()
        number = policy.calendar_number
        async with kit.db.transaction() as tx:
            if await policy.look(tx):
                log.info("policy values read again: version %d", policy.version)
        if policy.calendar_number != number:
            kit.wake(RECOUNT).set()
        await pause(stop, LOOKS, woken)


async def recount(kit: Kit, deps: Any, stop: asyncio.Event, batch: Callable[[Work[Any]], Awaitable[bool]]) -> None:
    """A worker's life: `batch(work)` for as long as it has done something, each in a transaction of its own, whenever this
    copy has read another calendar, and from time to time, since whoever began may have been killed."""
    woken = kit.wake(RECOUNT)
    while not stop.is_set():
        woken.clear()
        try:
            more = True
            while more and not stop.is_set():
                async with kit.db.unit(deps) as work:
                    more = await batch(work)
        except Exception as error:  # the database is away for a moment
            log.warning("last days: counted again later: %s", describe(error))
        await pause(stop, RECOUNTS, woken)


# ---- a replica ----------------------------------------------------------------------------------------------------------

_DDL = """
CREATE TABLE policy_replica (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL,
    published jsonb NOT NULL,
    calendar bigint NOT NULL DEFAULT 0,
    notices jsonb NOT NULL DEFAULT '[]'
);
INSERT INTO policy_replica (version, published) VALUES (0, '[]');
"""
_GRANTS = (
    "GRANT SELECT ON policy_replica TO {role}; "
    "GRANT UPDATE (version, published, calendar, notices) ON policy_replica TO {role};"
)
_VERSION = "SELECT version FROM policy_replica"
_PUBLISHED = "SELECT published::text AS published FROM policy_replica"
_NOTICES = "SELECT calendar, notices::text AS notices FROM policy_replica"
_NEWER = """
UPDATE policy_replica SET version = $1, published = $2::text::jsonb, calendar = $3, notices = $4::text::jsonb
WHERE version <= $1
"""


def create_replica(op: Any, app_role: str) -> None:
    """In a migration of the service's own."""
    statements(op, _DDL)
    for grant in _GRANTS.format(role=app_role).split("; "):
        statements(op, grant)


class ReplicaPolicy(LivePolicy):
    """The policy of a service that is not the registry."""

    async def read_version(self, tx: AsyncConnection) -> int:
        row = await fetch_one(tx, _VERSION)
        return 0 if row is None else int(row["version"])

    async def read_values(self, tx: AsyncConnection) -> list[LocalValue]:
        row = await fetch_one(tx, _PUBLISHED)
        return [] if row is None else msgspec.json.decode(row["published"], type=list[LocalValue])

    async def read_notices(self, tx: AsyncConnection) -> tuple[int, list[Notice]]:
        row = await fetch_one(tx, _NOTICES)
        return (0, []) if row is None else (row["calendar"], msgspec.json.decode(row["notices"], type=list[Notice]))


async def _hear(work: Work[Any], _event: WorkingDaysPublished) -> None:
    """At once, not at the next look. Lost, it costs some seconds; twice, a look."""
    work.after_commit(work.deps.wake_policy)


EVENTS: dict[type[Event], EventHandler] = {WorkingDaysPublished: _hear}
"""Among the events of a service that counts working days and has `wake_policy` in its dependencies."""


async def follow(kit: Kit, policy: ReplicaPolicy, keys: Sequence[str], stop: asyncio.Event) -> None:
    """A worker's life: ask the registry for what is newer, keep it, look at it. While the registry is away, what was kept
    last goes on holding. `keys`: the parameters that this service uses. The first question is for all of them: a new release
    may use more than the one before.
    """
    known = -1

    async def ask() -> None:
        nonlocal known
        try:
            reply = await kit.bus.need(AskPublished(actor=system(kit.name), keys=tuple(keys), newer_than=known))
        except BusError as error:
            log.info("policy values are asked for again: %s", describe(error))
            return
        if isinstance(reply, Published) and reply.values is not None:
            await keep(kit.db, reply)
            policy.version = -1  # to be read again, whatever its number
            known = reply.version

    await watch(kit, policy, stop, ask)


async def keep(db: Database, published: Published) -> None:
    """Older news than what is kept changes nothing."""
    values = [
        LocalValue(
            key=value.key,
            value=ParameterValue(
                division=value.division,
                valid_from=value.valid_from,
                value=value.value,
                min=value.low,
                max=value.high,
            ),
        )
        for value in published.values or ()
    ]
    async with db.transaction() as tx:
        await (await driver(tx)).execute(
            _NEWER,
            published.version,
            msgspec.json.encode(values).decode(),
            published.calendar,
            msgspec.json.encode(published.notices).decode(),
        )
