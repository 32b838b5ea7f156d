"""Follows what happens to students and keeps the index of names. A kill at any line is safe: a batch is one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from prometheus_client import Counter
from service_kit.service import Kit
from service_kit.telemetry import describe

from registry.context import Registry
from registry.search import store

log = logging.getLogger(__name__)

POLL = 1.5
"""Seconds: a new pupil is found two seconds after the number has come."""
PAUSE = 5.0

STUDENTS = Counter("search_students_total", "Students whose terms were looked at anew")


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        wait = POLL
        try:
            async with kit.db.transaction() as tx:
                done = await store.keep_up(tx)
            STUDENTS.inc(done)
            if done == store.BATCH:
                continue
        except Exception as error:  # the database is away for a moment: nothing was taken
            log.warning("index of names: tried again later: %s", describe(error))
            wait = PAUSE
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)
