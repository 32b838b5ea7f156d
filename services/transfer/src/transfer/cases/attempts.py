"""Wrong answers of those who follow a case, kept for a day: every statement about them.

Locks: the number, then the address. Twenty at once are counted as twenty.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from transfer.rules.guessing import Failures

Of = Literal["number", "address"]

_LOCK = """
INSERT INTO tracking_failures AS f (of_what, failures) VALUES ($1, 0)
ON CONFLICT (of_what) DO UPDATE SET failures = f.failures
RETURNING failures, last_at, locked_until
"""
_PUT = "UPDATE tracking_failures SET failures = $2, last_at = $3, locked_until = $4 WHERE of_what = $1"
_CLEAR = "DELETE FROM tracking_failures WHERE of_what = $1"
# Index Scan using tracking_failures_last.
_FORGET = """
DELETE FROM tracking_failures WHERE of_what IN (
    SELECT of_what FROM tracking_failures WHERE last_at IS NULL OR last_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


def _key(of: Of, value: str) -> bytes:
    return hashlib.blake2b(f"{of}:{value}".encode(), digest_size=16).digest()


async def lock(tx: AsyncConnection, of: Of, value: str) -> Failures:
    """Of a number that may be nobody's, or of an address; kept for this transaction."""
    row = await (await driver(tx)).fetchrow(_LOCK, _key(of, value))
    assert row is not None
    return Failures(**row)


async def put(tx: AsyncConnection, of: Of, value: str, failures: Failures) -> None:
    await (await driver(tx)).execute(_PUT, _key(of, value), failures.failures, failures.last_at, failures.locked_until)


async def clear(tx: AsyncConnection, of: Of, value: str) -> None:
    await (await driver(tx)).execute(_CLEAR, _key(of, value))


async def forget(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Those that would count no more; how many."""
    done: str = await (await driver(tx)).execute(_FORGET, before, limit)
    return int(done.rpartition(" ")[2])
