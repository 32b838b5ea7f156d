"""The worker that turns signing keys and forgets what is over."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from service_kit.pausing import pause
from service_kit.service import Kit

from access.accounts import policy as account_policy
from access.accounts import store as accounts
from access.context import Access
from access.sessions import keys, store

log = logging.getLogger(__name__)

PAUSE: Final = 60.0  # seconds
AT_ONCE: Final = 1_000  # rows of a transaction
TOKENS_KEPT: Final = timedelta(days=1)
SESSIONS_KEPT: Final = timedelta(days=180)
"""For whoever asks from where his account was used; the audit log keeps each sign-in for longer."""


async def run(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await turn(kit, deps)
        await tidy(kit)
        await pause(stop, PAUSE)


async def turn(kit: Kit, deps: Access) -> None:
    async with kit.db.transaction() as tx:
        if await keys.turn(tx, deps.cipher, deps.settings, kit.clock.now()):
            log.info("signing keys: the next one is made, or an old one destroyed")


async def tidy(kit: Kit) -> None:
    now = kit.clock.now()
    async with kit.db.transaction() as tx:
        await accounts.forget_failures(tx, now - account_policy.FORGOTTEN_AFTER)
    for forget, kept in ((store.forget_tokens, TOKENS_KEPT), (store.forget, SESSIONS_KEPT)):
        gone = AT_ONCE
        while gone == AT_ONCE:
            async with kit.db.transaction() as tx:
                gone = await forget(tx, now - kept, AT_ONCE)
