"""Every statement about policy values and their filings. Whoever changes any holds the one row of `policy_book`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from service_kit.database import driver, insert_rows
from shared_contracts.policy import Value
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.policy_values.tables import policy_filings, policy_values


class ValueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A published value with its filing. `next_from`: from when a later value of the same authority holds; `later`: when
    such a value was last published."""

    id: str
    key: str
    division: str
    valid_from: date
    value: Value
    low: Value | None
    high: Value | None
    basis: str
    published_by: str
    published_at: datetime
    state: str
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    next_from: date | None
    later: datetime | None
    filing_state: str | None
    filed_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    version: int | None


class NewValue(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    key: str
    division: str
    valid_from: date
    value: Value
    low: Value | None
    high: Value | None
    basis: str
    account: str
    published_by: str
    published_at: datetime


async def hold_book(tx: AsyncConnection) -> None:
    """One change of the values at a time, until the end of the transaction: a rule about one looks at all others."""
    await (await driver(tx)).execute("SELECT version FROM policy_book FOR UPDATE")


async def version(tx: AsyncConnection) -> int:
    """How often the values have changed. Read before the values: what changes in between is asked for again."""
    return int(await (await driver(tx)).fetchval("SELECT version FROM policy_book"))


async def turn_page(tx: AsyncConnection) -> None:
    """Say to every copy of the service that the values have changed. The caller holds the book."""
    await (await driver(tx)).execute("UPDATE policy_book SET version = version + 1")


async def put(tx: AsyncConnection, new: NewValue, *, filed: bool) -> None:
    row: dict[str, Any] = msgspec.structs.asdict(new) | {"state": "published"}
    await insert_rows(tx, policy_values, [row])
    if filed:
        filing = {
            "value_id": new.id,
            "division": new.division,
            "filed_at": new.published_at,
            "state": "waiting",
            "version": 1,
        }
        await insert_rows(tx, policy_filings, [filing])


async def end(tx: AsyncConnection, value_id: str, state: str, at: datetime, by: str, reason: str) -> None:
    """A value that has not taken effect ends: `withdrawn` or `returned`."""
    await (await driver(tx)).execute(
        """UPDATE policy_values SET state = $2, ended_at = $3, ended_by = $4, end_reason = $5
           WHERE id = $1 AND state = 'published'""",
        value_id,
        state,
        at,
        by,
        reason,
    )


async def close_filing(
    tx: AsyncConnection, value_id: str, state: str, at: datetime, account: str, by: str, reason: str | None
) -> None:
    """A filing that waits is `acknowledged`, `returned`, or `withdrawn` with its value."""
    await (await driver(tx)).execute(
        """UPDATE policy_filings
           SET state = $2, decided_at = $3, account = $4, decided_by = $5, reason = $6, version = version + 1
           WHERE value_id = $1 AND state = 'waiting'""",
        value_id,
        state,
        at,
        account,
        by,
        reason,
    )


# `n`: one walk of policy_values_one_a_day for each row of the page.
_COLUMNS = """
    v.id, v.key, v.division, v.valid_from, v.value::text AS value, v.low::text AS low, v.high::text AS high, v.basis,
    v.published_by, v.published_at, v.state, v.ended_at, v.ended_by, v.end_reason, n.next_from, n.later,
    f.state AS filing_state, f.filed_at, f.decided_at, f.decided_by, f.reason, f.version
"""
_FROM = """
    LEFT JOIN policy_filings f ON f.value_id = v.id
    LEFT JOIN LATERAL (
        SELECT min(o.valid_from) FILTER (WHERE o.valid_from > v.valid_from) AS next_from, max(o.published_at) AS later
        FROM policy_values o
        WHERE o.key = v.key AND o.division = v.division AND o.state = 'published' AND o.id <> v.id
    ) n ON true
"""


async def one(tx: AsyncConnection, value_id: str) -> ValueRow | None:
    """One value. Under `hold_book` nobody else changes it."""
    row = await (await driver(tx)).fetchrow(
        f"SELECT {_COLUMNS} FROM policy_values v {_FROM} WHERE v.id = $1",  # noqa: S608 - our own columns
        value_id,
    )
    return None if row is None else _value(row)


async def page(
    tx: AsyncConnection, *, key: str | None, division: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[ValueRow]:
    """Values ever published, newest first, those before a moment and id."""
    moment, value_id = before or (None, None)
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS} FROM policy_values v {_FROM}
            WHERE ($1::text IS NULL OR v.key = $1) AND ($2::text IS NULL OR v.division = $2)
              AND ($3::timestamptz IS NULL OR (v.published_at, v.id) < ($3, $4::text))
            ORDER BY v.published_at DESC, v.id DESC LIMIT $5""",  # noqa: S608 - our own columns
        key,
        division,
        moment,
        value_id,
        limit,
    )
    return [_value(row) for row in rows]


async def filings(
    tx: AsyncConnection,
    *,
    pattern: str,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[ValueRow]:
    """Filed values of the divisions that a LIKE pattern names, newest first."""
    moment, value_id = before or (None, None)
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS} FROM policy_values v {_FROM}
            WHERE f.value_id IS NOT NULL AND f.division LIKE $1 AND ($2::text IS NULL OR f.state = $2)
              AND ($3::timestamptz IS NULL OR (f.filed_at, f.value_id) < ($3, $4::text))
            ORDER BY f.filed_at DESC, f.value_id DESC LIMIT $5""",  # noqa: S608 - our own columns
        pattern,
        state,
        moment,
        value_id,
        limit,
    )
    return [_value(row) for row in rows]


async def taken(tx: AsyncConnection, key: str, division: str, valid_from: date) -> bool:
    """Whether the authority has published a value for that very day already."""
    return bool(
        await (await driver(tx)).fetchval(
            """SELECT 1 FROM policy_values
               WHERE key = $1 AND division = $2 AND valid_from = $3 AND state = 'published'""",
            key,
            division,
            valid_from,
        )
    )


async def ids_of(tx: AsyncConnection, divisions: Sequence[str]) -> dict[tuple[str, str, date], str]:
    """Published values of some divisions: (key, division, valid_from) -> id."""
    rows = await (await driver(tx)).fetch(
        """SELECT id, key, division, valid_from FROM policy_values
           WHERE state = 'published' AND division = ANY($1::text[])""",
        list(divisions),
    )
    return {(row["key"], row["division"], row["valid_from"]): row["id"] for row in rows}


async def successors_due(tx: AsyncConnection, today: date) -> list[ValueRow]:
    """Values that the province has returned after they took effect and that no other has replaced since (clauses 47, 49)."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS} FROM policy_values v {_FROM}
            WHERE f.state = 'returned' AND v.state = 'published' AND v.valid_from <= $1
              AND (n.later IS NULL OR n.later <= f.decided_at)
            ORDER BY f.decided_at, v.id""",  # noqa: S608 - our own columns
        today,
    )
    return [_value(row) for row in rows]


def _value(row: Any) -> ValueRow:
    read = msgspec.json.decode
    decoded = {name: None if row[name] is None else read(row[name]) for name in ("value", "low", "high")}
    return ValueRow(**{**row, **decoded})
