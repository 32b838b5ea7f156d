"""Follows what happens to students and keeps the index of names. A kill at any line is safe: a batch is one transaction."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import Counter
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe

from registry.context import Registry
from registry.search import store

log = logging.getLogger(__name__)

POLL = 1.3
GATHERS = 2.0
"""Seconds between two looks, and in which what comes together is left to come: the numbers of a roster come in batches, the
next of which would wait for the index of the last. A new pupil is found four seconds after the number has come."""
PAUSE = 5.0

STUDENTS = Counter("search_students_total", "Students whose terms were looked at anew")


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        wait = POLL
        try:
            if await _waits(kit):
                await pause(stop, GATHERS)
                while not stop.is_set() and await _batch(kit) == store.BATCH:
                    pass
        except Exception as error:  # the database is away for a moment: nothing was taken
            log.warning("index of names: tried again later: %s", describe(error))
            wait = PAUSE
        await pause(stop, wait)


async def _waits(kit: Kit) -> bool:
    async with kit.db.transaction() as tx:
        return await store.anybody_waits(tx)


async def _batch(kit: Kit) -> int:
    async with kit.db.transaction() as tx:
        done = await store.keep_up(tx)
    STUDENTS.inc(done)
    return done
