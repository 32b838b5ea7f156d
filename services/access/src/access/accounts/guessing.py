"""Counting wrong passwords and codes, by the name that was tried (clause 45.3)."""

from __future__ import annotations

import math
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from access.accounts import policy, rights, store
from access.accounts.store import Failures
from access.context import Access


def wait(failures: Failures, now: datetime) -> int:
    """Seconds until the next try may come; 0 for at once."""
    if failures.locked_until is None or now >= failures.locked_until:
        return 0
    return math.ceil((failures.locked_until - now).total_seconds())


async def count(deps: Access, tx: AsyncConnection, username: str, failures: Failures, now: datetime) -> int:
    """One failure more under its lock; the seconds until the next try."""
    number = policy.failures_then(failures.failures, failures.last_at, now)
    pause = policy.wait_after(number, rights.parameters(deps, now.date()).sign_in_failures)
    await store.put_failures(tx, username, number, now, now + pause if pause else None)
    return math.ceil(pause.total_seconds())


async def count_outside(deps: Access, username: str, now: datetime) -> None:
    """For a handler that refuses: what it writes itself is rolled back."""
    async with deps.outside.transaction() as tx:
        await count(deps, tx, username, await store.lock_failures(tx, username), now)
