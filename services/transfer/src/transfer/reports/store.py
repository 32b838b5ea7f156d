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
from shared_contracts.transfer_reports import Figures, ReportLine, Term
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
    WHERE t.outcome = 'moved' AND t.completed_on BETWEEN $2 AND $3
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


async def lines(tx: AsyncConnection, city: str, first: date, last: date) -> tuple[ReportLine, ...]:
    """Completed transfers of a city by county, school and ground. What is within the city is counted once where it is about
    the case itself (within, overridden, late): with the school that took the pupil."""
    rows = await (await driver(tx)).fetch(_LINES, subtree_pattern(city), first, last)
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


# Index scan on cases_under_way up to today for what waits, on late_steps_decided for what was decided late.
_LATE = """
WITH waiting AS (
    SELECT c.parties ->> c.step AS organisation, count(*)::int AS n, min(c.due_on) AS oldest
    FROM cases c WHERE c.status = 'open' AND c.due_on < $1 GROUP BY 1
), decided AS (
    SELECT organisation, count(*)::int AS n FROM late_steps WHERE decided_on >= $2 GROUP BY 1
)
SELECT coalesce(w.organisation, d.organisation) AS organisation, coalesce(w.n, 0) AS waiting, coalesce(d.n, 0) AS decided,
       w.oldest, o.name
FROM waiting w FULL JOIN decided d USING (organisation)
LEFT JOIN organisation_replica o ON o.code = coalesce(w.organisation, d.organisation)
WHERE coalesce(o.authority, coalesce(w.organisation, d.organisation)) LIKE $3
   OR coalesce(w.organisation, d.organisation) LIKE $3
ORDER BY waiting DESC, decided DESC, organisation
"""


async def late(tx: AsyncConnection, today: date, since: date, pattern: str) -> list[Any]:
    return list(await (await driver(tx)).fetch(_LATE, today, since, pattern))
