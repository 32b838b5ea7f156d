"""The worker that seals accounts nobody uses (clause 45.3). Their owners ask an administrator, who opens them again."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, time
from typing import Final

from regulation.mark import clause
from service_kit.clock import ZONE
from service_kit.pausing import pause
from service_kit.service import Kit
from shared_contracts.actors import system

from access.accounts import policy, rights, store
from access.context import Access
from access.sessions import store as sessions

log = logging.getLogger(__name__)

PAUSE: Final = 3600.0  # seconds; the rule counts days
AT_ONCE: Final = 200
REASON: Final = "长期未使用，系统自动封存"


async def run(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await seal_dormant(kit, deps)
        await pause(stop, PAUSE)


@clause("45.3")
async def seal_dormant(kit: Kit, deps: Access) -> int:
    """Seal what has not been used for too long; returns how many."""
    today = kit.clock.today()
    day = policy.dormant_before(today, rights.parameters(deps, today))
    before = datetime.combine(day, time(0), ZONE)
    total = 0
    while True:
        async with kit.db.unit(deps) as work:
            found = await store.dormant(work.tx, before, AT_ONCE)
            for username in found:
                await store.change(work.tx, username, seal="dormant", sealed_reason=REASON)
                await store.record(work.tx, username, "dormant", system("access").account, REASON, work.now)
                await sessions.end_all(work.tx, username, work.now, REASON)
        total += len(found)
        if len(found) < AT_ONCE:
            break
    if total:
        log.info("%d unused accounts sealed", total)
    return total
