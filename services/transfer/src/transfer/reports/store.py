"""Every statement about reports and late steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from regulation.authorisation import subtree_pattern
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.transfer import GROUND_TITLES, Ground
from shared_contracts.transfer_reports import By, Figures, ReportLine, Term
from sqlalchemy.ext.asyncio import AsyncConnection


def report_id(city: str, year: int, term: Term) -> str:
    return derived("transfer-report", city, year, term)


async def get(tx: AsyncConnection, city: str, year: int, term: Term, *, lock: bool = False) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        f"SELECT *, lines::text AS lines_text FROM transfer_reports WHERE id = $1{' FOR UPDATE' if lock else ''}",  # noqa: S608
        report_id(city, year, term),
    )


async def of_term(tx: AsyncConnection, year: int, term: Term) -> dict[str, asyncpg.Record]:
    rows = await (await driver(tx)).fetch(
        "SELECT *, lines::text AS lines_text FROM transfer_reports WHERE year = $1 AND term = $2", year, term
    )
    return {row["city"]: row for row in rows}


async def expect(tx: AsyncConnection, cities: Sequence[str], year: int, term: Term, due_on: date) -> list[str]:
    """Open reports that are not there yet; the cities for which one was opened now."""
    rows = await (await driver(tx)).fetch(
        """INSERT INTO transfer_reports (id, city, year, term, due_on)
           SELECT id, city, $3, $4, $5 FROM unnest($1::text[], $2::text[]) AS n(id, city)
           ON CONFLICT (id) DO NOTHING RETURNING city""",
        [report_id(city, year, term) for city in cities],
        list(cities),
        year,
        term,
        due_on,
    )
    return [row["city"] for row in rows]


async def submit(
    tx: AsyncConnection,
    city: str,
    year: int,
    term: Term,
    *,
    first: date,
    last: date,
    lines: Sequence[ReportLine],
    note: str,
    account: str,
    by: str,
    at: datetime,
) -> None:
    await (await driver(tx)).execute(
        """UPDATE transfer_reports SET state = 'submitted', first = $2, last = $3, lines = $4::text::jsonb, note = $5,
                                       account = $6, submitted_by = $7, submitted_at = $8, version = version + 1
           WHERE id = $1""",
        report_id(city, year, term),
        first,
        last,
        msgspec.json.encode(lines).decode(),
        note,
        account,
        by,
        at,
    )


# Plan: bitmap scans on transfers_into and transfers_out_of for the city's authorities, then one hash aggregate a side.
_LINES = """
WITH done AS (
    SELECT t.*, cardinality(t.overridden) > 0 AS over_rule,
           EXISTS (SELECT FROM late_steps l WHERE l.case_id = t.id) AS late,
           t.to_authority LIKE $1 AND t.from_authority LIKE $1 AS within, o.case_id IS NOT NULL AS outside
    FROM transfers t LEFT JOIN outside_parties o ON o.case_id = t.id
    WHERE t.outcome = 'moved' AND (t.completed_on BETWEEN $2 AND $3 OR t.completed_on < $2 AND t.moved_at > $4)
      AND (t.to_authority LIKE $1 OR t.from_authority LIKE $1)
), sides AS (
    SELECT to_authority AS county, to_school AS school, ground, 1 AS arrived, 0 AS gone, within::int AS within,
           over_rule::int AS over_rule, late::int AS late, outside FROM done WHERE to_authority LIKE $1
    UNION ALL
    SELECT from_authority, from_school, ground, 0, 1, 0,
           CASE WHEN within THEN 0 ELSE over_rule::int END, CASE WHEN within THEN 0 ELSE late::int END, outside
    FROM done WHERE from_authority LIKE $1
)
SELECT s.county, s.school, s.ground, s.outside, sum(arrived)::int AS arrived, sum(gone)::int AS gone,
       sum(within)::int AS within, sum(over_rule)::int AS over_rule, sum(late)::int AS late,
       c.name AS county_name, o.name AS school_name
FROM sides s LEFT JOIN organisation_replica c ON c.code = s.county LEFT JOIN organisation_replica o ON o.code = s.school
GROUP BY s.county, s.school, s.ground, s.outside, c.name, o.name ORDER BY s.county, s.school, s.ground, s.outside
"""


async def lines(
    tx: AsyncConnection, city: str, first: date, last: date, filed_at: datetime | None
) -> tuple[ReportLine, ...]:
    """Completed transfers of a city by county, school and ground. What is within the city is counted once where it is about
    the case itself (within, overridden, late): with the school that took the pupil.

    `filed_at`: of the report before. What was completed in its days and heard of only after it was filed stands here.
    """
    rows = await (await driver(tx)).fetch(_LINES, subtree_pattern(city), first, last, filed_at)
    return tuple(
        ReportLine(
            county=row["county"],
            county_name=row["county_name"] or row["county"],
            school=row["school"],
            school_name=row["school_name"] or row["school"],
            ground=row["ground"],
            ground_title=GROUND_TITLES[Ground(row["ground"])],
            figures=Figures(
                transfers_in=row["arrived"],
                transfers_out=row["gone"],
                within=row["within"],
                from_outside=row["arrived"] if row["outside"] else 0,
                to_outside=row["gone"] if row["outside"] else 0,
                overridden=row["over_rule"],
                late=row["late"],
            ),
            outside=row["outside"],
        )
        for row in rows
    )


async def under_way(tx: AsyncConnection, city: str) -> int:
    """Transfers of a city that are not completed yet: they will stand in a later report. Bitmap scans as for the lines."""
    found: int = await (await driver(tx)).fetchval(
        """SELECT count(*)::int FROM transfers t JOIN cases c ON c.id = t.id
           WHERE (t.to_authority LIKE $1 OR t.from_authority LIKE $1)
             AND (c.status IN ('open', 'returned') AND t.outcome IS NULL OR t.outcome IN ('moving', 'attention'))""",
        subtree_pattern(city),
    )
    return found


def lines_of(row: asyncpg.Record) -> tuple[ReportLine, ...]:
    """As they were filed."""
    return msgspec.json.decode(row["lines_text"], type=tuple[ReportLine, ...])


async def cities(tx: AsyncConnection, pattern: str) -> dict[str, str]:
    """Cities and prefectures under an authority (a LIKE pattern), by code."""
    rows = await (await driver(tx)).fetch(
        "SELECT code, name FROM organisation_replica WHERE kind = 'city' AND NOT closed AND code LIKE $1 ORDER BY code",
        pattern,
    )
    return {row["code"]: row["name"] for row in rows}


async def put_late(
    tx: AsyncConnection, case_id: str, version: int, step: str, organisation: str, due_on: date, decided_on: date
) -> None:
    await (await driver(tx)).execute(
        "INSERT INTO late_steps VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        case_id,
        version,
        step,
        organisation,
        due_on,
        decided_on,
    )


# Index scan on cases_under_way up to today for what waits, on late_steps_decided for what was decided late; a school's steps
# are its authority's, too. One hash aggregate.
_LATE = """
WITH steps AS (
    SELECT c.parties ->> c.step AS organisation, c.due_on FROM cases c WHERE c.status = 'open' AND c.due_on < $1
    UNION ALL
    SELECT organisation, NULL FROM late_steps WHERE decided_on >= $2
), placed AS (
    SELECT s.organisation, s.due_on,
           CASE WHEN length(s.organisation) = 10 THEN o.authority ELSE s.organisation END AS authority
    FROM steps s LEFT JOIN organisation_replica o ON o.code = s.organisation
), counted AS (
    SELECT CASE $3::text WHEN 'city' THEN left(authority, 4) || '00' WHEN 'county' THEN authority ELSE organisation END
               AS organisation,
           count(due_on)::int AS waiting, count(*) FILTER (WHERE due_on IS NULL)::int AS decided, min(due_on) AS oldest
    FROM placed WHERE {of} GROUP BY 1
)
SELECT c.*, o.name, count(*) OVER ()::int AS groups FROM counted c LEFT JOIN organisation_replica o ON o.code = c.organisation
ORDER BY c.waiting DESC, c.decided DESC, c.organisation LIMIT $5
"""


async def late(
    tx: AsyncConnection, today: date, since: date, pattern: str, *, by: By, limit: int
) -> list[asyncpg.Record]:
    """Of all under an authority (a LIKE pattern), worst first."""
    statement = _LATE.format(of="authority LIKE $4")
    return list(await (await driver(tx)).fetch(statement, today, since, by, pattern, limit))


async def late_of(tx: AsyncConnection, today: date, since: date, organisation: str) -> asyncpg.Record | None:
    """Of one school or authority alone; None where it has none."""
    statement = _LATE.format(of="organisation = $4")
    return await (await driver(tx)).fetchrow(statement, today, since, "organisation", organisation, 1)


# Index scan on cases_under_way for what waits, on late_steps_decided for the rest; transfers by their key. What waits stands
# before what was decided (`part`), longest overdue and last decided on top (`place`, days).
_LATE_CASES = """
WITH steps AS (
    SELECT c.id, c.version, c.step, c.due_on, NULL::date AS decided_on, 0 AS part, c.due_on - DATE '2000-01-01' AS place
    FROM cases c WHERE c.status = 'open' AND c.due_on < $2 AND c.parties ->> c.step = $1
    UNION ALL
    SELECT case_id, version, step, due_on, decided_on, 1, DATE '2200-01-01' - decided_on
    FROM late_steps WHERE organisation = $1 AND decided_on >= $3
)
SELECT s.*, t.number, t.from_school, t.to_school, f.name AS from_name, o.name AS to_name
FROM steps s JOIN transfers t ON t.id = s.id
LEFT JOIN organisation_replica f ON f.code = t.from_school LEFT JOIN organisation_replica o ON o.code = t.to_school
WHERE (t.to_authority LIKE $4 OR t.from_authority LIKE $4) AND (s.part, s.place, s.id, s.version) > ($5, $6, $7, $8)
ORDER BY s.part, s.place, s.id, s.version LIMIT $9
"""


async def late_cases(
    tx: AsyncConnection,
    organisation: str,
    today: date,
    since: date,
    sees: str,
    *,
    after: tuple[Any, ...],
    limit: int,
) -> list[asyncpg.Record]:
    """The steps of one organisation, of transfers with a party under `sees` (a LIKE pattern)."""
    return list(await (await driver(tx)).fetch(_LATE_CASES, organisation, today, since, sees, *after, limit))
