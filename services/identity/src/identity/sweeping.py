"""The worker that forgets: intakes and corrections nobody asked for leave the waiting room when their time is over. And
it counts what waits, for the operators' gauges."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import Counter, Gauge
from service_kit.pausing import pause
from service_kit.service import Kit

from identity import clearing_store, requests, store
from identity.context import Identity

log = logging.getLogger(__name__)

PAUSE = 60.0  # seconds
AT_ONCE = 20  # intakes a transaction; each may have thousands of rows

SWEPT = Counter("intakes_swept_total", "Intakes that expired before they were claimed or dropped")
OPEN = Gauge("number_requests_open", "Requests that wait: first numbers, later upgrades, corrections", ["lane"])


async def worker(kit: Kit, _deps: Identity, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await sweep(kit)
        async with kit.db.transaction() as tx:
            waiting = await requests.count_open(tx)
            await clearing_store.sweep_staged(tx, kit.clock.now())
        for lane in ("first", "again", "correction"):
            OPEN.labels(lane).set(waiting.get(lane, 0))
        await pause(stop, PAUSE)


async def sweep(kit: Kit) -> int:
    """Forget every expired intake; returns how many."""
    total = 0
    while True:
        async with kit.db.transaction() as tx:
            gone = await store.sweep_intakes(tx, kit.clock.now(), AT_ONCE)
        total += gone
        if gone < AT_ONCE:
            break
    if total:
        SWEPT.inc(total)
        log.info("%d expired intakes forgotten", total)
    return total
