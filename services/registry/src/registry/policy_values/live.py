"""The policy that holds now, in every copy of the service: `work.deps.policy.parameters(division, day)`.

A copy reads the values again when the number in `policy_book` has grown; it looks every few seconds. What is published
holds from tomorrow at the earliest, and in the last minutes of a day from the day after (`policy.first_day`): so each copy
knows a value before the first day on which it is asked for it. A copy that has not been able to look for longer than those
minutes answers nothing rather than something old.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import date

import asyncpg
import msgspec
import sqlalchemy as sa
from regulation.parameters import (
    Fault,
    LocalValue,
    Parameter,
    Parameters,
    ParameterValue,
    PolicyBook,
    province_parameters,
)
from service_kit.commands import passing
from service_kit.database import Database, fetch_all, fetch_one
from service_kit.service import Kit
from service_kit.telemetry import describe
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.policy_values.policy import MARGIN

log = logging.getLogger(__name__)

LOOKS = 10.0
"""Seconds between two looks at the number."""

WAKE = "policy"

_VERSION = "SELECT version FROM policy_book"
_VALUES = """
SELECT id, key, division, valid_from, value::text AS value, low::text AS low, high::text AS high
FROM policy_values WHERE state = 'published' ORDER BY valid_from, id
"""


class PolicyNotKnown(Exception):
    """This copy could not look at the values for too long. Whoever asks is answered "later" and changes nothing."""


class LivePolicy:
    """The book in use. Without a database (tests of pure parts) it knows this release's values alone."""

    def __init__(self, parameters: tuple[Parameter, ...] | None = None) -> None:
        self._parameters = parameters or province_parameters()
        self._book = PolicyBook(self._parameters)
        self.version = 0
        self._looked: float | None = None

    @property
    def book(self) -> PolicyBook:
        """Raises PolicyNotKnown."""
        if self._looked is not None and time.monotonic() - self._looked > MARGIN.total_seconds():
            raise PolicyNotKnown
        return self._book

    def parameters(self, division: str, on: date) -> Parameters:
        """What holds in a division on a day. Raises LookupError where nothing does, PolicyNotKnown."""
        return self.book.parameters(division, on)

    async def look(self, tx: AsyncConnection) -> bool:
        """Read the values again if they have changed since; whether they had."""
        asked = time.monotonic()
        row = await fetch_one(tx, _VERSION)
        version = 0 if row is None else int(row["version"])
        changed = version != self.version
        if changed:
            self._book = sound(self._parameters, await local_values(tx))
            self.version = version
        self._looked = asked
        return changed


async def local_values(tx: AsyncConnection) -> list[LocalValue]:
    """Every value that is published and neither withdrawn nor returned in time, also those still to come."""
    rows = await fetch_all(tx, _VALUES)
    return [
        LocalValue(
            key=row["key"],
            value=ParameterValue(
                division=row["division"],
                valid_from=row["valid_from"],
                value=msgspec.json.decode(row["value"]),
                min=None if row["low"] is None else msgspec.json.decode(row["low"]),
                max=None if row["high"] is None else msgspec.json.decode(row["high"]),
            ),
        )
        for row in rows
    ]


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
            raise RuntimeError(_own_fault(faults[0]))
        kept = fewer


def _own_fault(fault: Fault) -> str:
    return f"parameters.toml contradicts itself: {fault.message}"


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


async def watch(kit: Kit, policy: LivePolicy, stop: asyncio.Event) -> None:
    """Until the service stops: look, wait a little or for a wake-up (something was published in this copy)."""
    woken = kit.wake(WAKE)
    while not stop.is_set():
        woken.clear()
        async with kit.db.transaction() as tx:
            if await policy.look(tx):
                log.info("policy values read again: version %d", policy.version)
        waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(woken.wait())]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait(waits, timeout=LOOKS, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
