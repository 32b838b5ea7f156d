"""Every statement about places of study. Whoever writes holds the student's row."""

from __future__ import annotations

from datetime import date

import asyncpg
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

_PLACE = """
SELECT p.school, coalesce(o.name, p.school) AS school_name, p.since, p.case_id
FROM study_places p
LEFT JOIN LATERAL (SELECT name FROM organisations WHERE code = p.school ORDER BY valid_from DESC LIMIT 1) o ON true
WHERE p.student_id = $1"""
"""`school_name`: the last one of a school that is no more."""


async def present(tx: AsyncConnection, student_id: str) -> asyncpg.Record | None:
    """`school` with its `school_name`, `since`, `case_id` of where the pupil studies, if not where the record is."""
    return await (await driver(tx)).fetchrow(f"{_PLACE} AND p.until IS NULL", student_id)


async def on_day(tx: AsyncConnection, student_id: str, day: date) -> asyncpg.Record | None:
    """The same, of where the pupil studied on a day."""
    return await (await driver(tx)).fetchrow(
        f"{_PLACE} AND p.since <= $2 AND (p.until IS NULL OR p.until > $2)", student_id, day
    )


async def end(tx: AsyncConnection, student_id: str, on: date, *, account: str, reason: str) -> None:
    """From a day on the pupil studies where the record is; a place of that very day was one of that day."""
    await (await driver(tx)).execute(
        """UPDATE study_places SET until = greatest($2, since + 1), ended_by = $3, end_reason = $4
           WHERE student_id = $1 AND until IS NULL""",
        student_id,
        on,
        account,
        reason,
    )


async def end_with_the_record(tx: AsyncConnection, student_id: str, on: date) -> None:
    """The record goes to another school: nobody studies elsewhere any more from a day on."""
    await (await driver(tx)).execute(
        "UPDATE study_places SET until = greatest($2, since + 1) WHERE student_id = $1 AND until IS NULL",
        student_id,
        on,
    )


async def begin(tx: AsyncConnection, student_id: str, school: str, case_id: str, on: date) -> None:
    """From a day on the pupil studies at a school that does not have the record (24.4)."""
    connection = await driver(tx)
    await connection.execute(
        "UPDATE study_places SET until = $2 WHERE student_id = $1 AND until IS NULL AND since < $2", student_id, on
    )
    await connection.execute(
        """INSERT INTO study_places (student_id, since, school, case_id) VALUES ($1, $2, $3, $4)
           ON CONFLICT (student_id, since) DO UPDATE
           SET school = EXCLUDED.school, case_id = EXCLUDED.case_id, until = NULL, ended_by = NULL, end_reason = NULL""",
        student_id,
        on,
        school,
        case_id,
    )
