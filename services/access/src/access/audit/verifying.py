"""Proof that the log is what it was: chains computed again row by row, days compared with what was signed (clause 45.1).

Rows come through a server-side cursor, so that millions need no memory. A day is gone through to its end whatever is
wrong with it: each fault is told with its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.audit import AuditDay
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit import store
from access.audit.chain import BEGINNING, FIELDS, day_root, day_seed, entry_hash, signed_by
from access.audit.store import Signed

FETCH = 2000  # rows held at once
MOST_FAULTS = 50
"""Of one day that are told one by one."""
PATIENCE = timedelta(minutes=10)
"""So long after midnight a day may still be without its signature."""

Keys = Mapping[str, Ed25519PublicKey]
"""Public keys by key id."""

_ROWS = f"SELECT {', '.join(FIELDS)}, previous, hash FROM audit_entries WHERE day = $1 ORDER BY number"  # noqa: S608
_NOT_INDEXED = """
SELECT number FROM audit_entries e WHERE day = $1 AND EXISTS (
    SELECT 1 FROM unnest(e.objects) AS o (id) WHERE NOT EXISTS (
        SELECT 1 FROM audit_objects x
        WHERE (x.object_id, x.at, x.day, x.number) = (o.id, e.at, e.day, e.number)))
ORDER BY number LIMIT $2
"""
_BOUNDS = "SELECT min(day), max(day) FROM audit_entries"


class DayCheck:
    """Goes through the rows of one day in their order. Pure."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.entries = 0
        self._next = 1
        self._last = day_seed(day)
        self._faults: list[str] = []
        self._untold = 0

    def row(self, values: Sequence[Any], previous: bytes, digest: bytes) -> None:
        """`values` in the order of `FIELDS`: day, number, …"""
        number = values[1]
        self.entries += 1
        if number > self._next:
            self._missing(number - 1)
        elif previous != self._last:
            self.fault(f"第{number}号与前一条不衔接")
        if entry_hash(previous, values) != digest:
            self.fault(f"第{number}号的内容与其校验值不符")
        self._next, self._last = number + 1, digest

    def end(self, signed: Signed | None) -> None:
        """Compare with what was signed."""
        if signed is None:
            return
        if self._next <= signed.entries:
            self._missing(signed.entries)
        elif self._next > signed.entries + 1:
            self.fault(f"第{signed.entries + 1}号及以后的记录是签名之后加入的")
        elif day_root(self.day, signed.entries, self._last, signed.previous) != signed.root:
            self.fault("最后一条记录与当日签名的根不符")

    def fault(self, text: str) -> None:
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(text)
        else:
            self._untold += 1

    @property
    def faults(self) -> tuple[str, ...]:
        return (*self._faults, f"另有{self._untold}处未逐条列出") if self._untold else tuple(self._faults)

    def _missing(self, last: int) -> None:
        first = self._next
        self.fault(f"缺少第{first}号" if first == last else f"缺少第{first}号至第{last}号")


@clause("45.1")
def signature_faults(days: Sequence[Signed], keys: Keys) -> dict[date, list[str]]:
    """What is wrong with the signed days themselves, oldest first in, by day. Pure.

    A day that a former key signed is vouched for by any later day with a good signature: roots cover all the past.
    """
    faults: dict[date, list[str]] = {one.day: [] for one in days}
    before: Signed | None = None
    for one in days:
        if before is not None and one.day > before.day + timedelta(days=1):
            first, last = before.day + timedelta(days=1), one.day - timedelta(days=1)
            faults[one.day].append(f"此前缺少{first}的日签名" if first == last else f"此前缺少{first}至{last}的日签名")
        elif one.previous != (before.root if before else BEGINNING):
            faults[one.day].append("与前一日的根不衔接" if before else "此前的日签名缺失")
        before = one
    vouched = False
    for one in reversed(days):
        key = keys.get(one.key_id)
        if key is not None and signed_by(key, one.root, one.signature):
            vouched = True
        elif key is not None:
            faults[one.day].append("签名无效")
        elif not vouched:
            faults[one.day].append(f"签名密钥{one.key_id}不是所给的公钥，无法核对")
        vouched = vouched and not faults[one.day]
    return faults


@clause("45.1")
async def verify(
    tx: AsyncConnection,
    since: date | None,
    until: date | None,
    keys: Keys,
    now: datetime,
    progress: Callable[[date, int], None] = lambda _day, _entries: None,
) -> list[AuditDay]:
    """Every day from `since` to `until` (None: from the log's beginning, to its end), oldest first.

    Run it in a REPEATABLE READ transaction. `progress`: told the day and its rows so far, every `FETCH` rows.
    """
    connection = await driver(tx)
    signed = await store.signed_days(tx)
    wrong = signature_faults(signed, keys)
    by_day = {one.day: one for one in signed}
    first, last = await _bounds(connection, signed, now.date())
    if first is None or last is None:
        return []
    checked = []
    for day in _days(max(first, since or first), min(last, until or last)):
        check = DayCheck(day)
        async for row in connection.cursor(_ROWS, day, prefetch=FETCH):
            check.row(row[:-2], row[-2], row[-1])
            if check.entries % FETCH == 0:
                progress(day, check.entries)
        check.end(by_day.get(day))
        for number in [row["number"] for row in await connection.fetch(_NOT_INDEXED, day, MOST_FAULTS)]:
            check.fault(f"第{number}号未列入按对象查询的索引")
        progress(day, check.entries)
        checked.append(_result(check, by_day.get(day), wrong.get(day, []), now))
    return checked


async def _bounds(
    connection: asyncpg.Connection[Any], signed: Sequence[Signed], today: date
) -> tuple[date | None, date | None]:
    """The first and last day that there is something to say about; today is one once the log has begun."""
    row = await connection.fetchrow(_BOUNDS)
    assert row is not None
    known = [day for day in (*row, *(one.day for one in signed[:1])) if day is not None]
    return (min(known), max(*known, today)) if known else (None, None)


def _result(check: DayCheck, signed: Signed | None, wrong: Sequence[str], now: datetime) -> AuditDay:
    faults = [*wrong, *check.faults]
    ended = datetime.combine(check.day + timedelta(days=1), datetime.min.time(), now.tzinfo)
    if signed is None and now > ended + PATIENCE:
        faults.append("当日已结束而没有签名")
    return AuditDay(
        day=check.day,
        entries=check.entries,
        root=signed.root.hex() if signed else "",
        signed=signed is not None,
        faults=tuple(faults),
    )


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
