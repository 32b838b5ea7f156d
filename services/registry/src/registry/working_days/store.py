"""Every statement about notices. Whoever publishes holds the one row of `policy_book` (`policy_values.store.hold_book`)."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from regulation.calendar import Notice
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.working_days.policy import Standing


class NoticeRow(NamedTuple):
    """`last`: no later version of its year is there."""

    id: str
    number: int
    year: int
    version: int
    holidays: list[date]
    worked: list[date]
    notice: str
    title: str
    published_by: str
    published_at: datetime
    last: bool

    @property
    def days(self) -> Notice:
        return Notice(year=self.year, holidays=tuple(self.holidays), worked=tuple(self.worked))


_COLUMNS = """
n.id, n.number, n.year, n.version, n.holidays, n.worked, n.notice, n.title, n.published_by, n.published_at,
NOT EXISTS (SELECT FROM working_day_notices l WHERE l.year = n.year AND l.version > n.version) AS last
"""


async def in_force(tx: AsyncConnection) -> list[NoticeRow]:
    """The last version of each year; the newest notice of all is among them."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT DISTINCT ON (n.year) {_COLUMNS} FROM working_day_notices n
            ORDER BY n.year, n.version DESC"""  # noqa: S608 - our own columns
    )
    return [NoticeRow(**row) for row in rows]


async def of_year(tx: AsyncConnection, year: int) -> NoticeRow | None:
    row = await (await driver(tx)).fetchrow(
        f"SELECT {_COLUMNS} FROM working_day_notices n WHERE n.year = $1 ORDER BY n.version DESC LIMIT 1",  # noqa: S608
        year,
    )
    return None if row is None else NoticeRow(**row)


async def put(
    tx: AsyncConnection,
    notice_id: str,
    days: Notice,
    *,
    version: int,
    notice: str,
    title: str,
    account: str,
    name: str,
    at: datetime,
) -> NoticeRow:
    row = await (await driver(tx)).fetchrow(
        f"""INSERT INTO working_day_notices AS n (id, year, version, holidays, worked, notice, title, account, published_by,
                                                 published_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {_COLUMNS}""",  # noqa: S608
        notice_id,
        days.year,
        version,
        sorted(days.holidays),
        sorted(days.worked),
        notice,
        title,
        account,
        name,
        at,
    )
    assert row is not None
    return NoticeRow(**{**row, "last": True})


async def page(tx: AsyncConnection, year: int | None, before: int | None, limit: int) -> list[NoticeRow]:
    """Newest first, those before a number."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS} FROM working_day_notices n
            WHERE ($1::smallint IS NULL OR n.year = $1) AND ($2::bigint IS NULL OR n.number < $2)
            ORDER BY n.number DESC LIMIT $3""",  # noqa: S608
        year,
        before,
        limit,
    )
    return [NoticeRow(**row) for row in rows]


async def ask(tx: AsyncConnection, year: int, at: datetime) -> bool:
    """Whether this is the first time that the year's notice is asked for. The queues are told by a trigger."""
    return bool(
        await (await driver(tx)).fetchval(
            """INSERT INTO working_day_years (id, state, asked_at) VALUES ($1, 'missing', $2)
               ON CONFLICT DO NOTHING RETURNING 1""",
            str(year),
            at,
        )
    )


async def asked(tx: AsyncConnection) -> list[int]:
    """Years whose notice is asked for still."""
    rows = await (await driver(tx)).fetch("SELECT id FROM working_day_years WHERE state = 'missing' ORDER BY id")
    return [int(row["id"]) for row in rows]


async def settle(tx: AsyncConnection, year: int, standing: Standing) -> None:
    """Nobody is asked for the year's notice any more. The queues are told by a trigger."""
    await (await driver(tx)).execute(
        "UPDATE working_day_years SET state = $2 WHERE id = $1 AND state = 'missing'", str(year), standing
    )
