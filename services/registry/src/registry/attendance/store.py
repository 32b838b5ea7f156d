"""Every statement of attendance checks. A class costs as many as one pupil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa
from service_kit.database import driver, fetch_all, insert_rows
from shared_contracts.attendance import AttendanceCheck, AttendanceRow
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.attendance.tables import attendance_checks, attendance_rows
from registry.organisations.tables import organisations

_c, _r = attendance_checks.c, attendance_rows.c


async def class_of(tx: AsyncConnection, school: str, grade: int, class_no: int) -> str | None:
    """The class that is this grade's and number's now, under lock: one check of it at a time."""
    found: str | None = await (await driver(tx)).fetchval(
        """SELECT id FROM classes WHERE school = $1 AND grade = $2 AND class_no = $3 AND closed_on IS NULL
           ORDER BY cohort DESC LIMIT 1 FOR UPDATE""",
        school,
        grade,
        class_no,
    )
    return found


# Index Scan using students_one_a_person: one look a person, whatever the province's size.
_RECORDS = """
    SELECT s.id, s.person_id, s.school, m.class_id, k.grade, k.class_no, p.school AS studies_at
    FROM students s
    LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
    LEFT JOIN classes k ON k.id = m.class_id
    LEFT JOIN study_places p ON p.student_id = s.id AND p.until IS NULL
    WHERE s.person_id = ANY($1::text[]) AND s.live
"""


async def records(tx: AsyncConnection, person_ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Live records by person, with class and place of study."""
    rows = await (await driver(tx)).fetch(_RECORDS, list(person_ids))
    return {row["person_id"]: row for row in rows}


async def missing(tx: AsyncConnection, class_id: str, person_ids: Sequence[str]) -> list[asyncpg.Record]:
    """Pupils of the class who are not among these, and who do not learn elsewhere by clause 24.4."""
    return await (await driver(tx)).fetch(
        """SELECT s.id, s.person_id, s.name, s.masked_document, k.grade, k.class_no
           FROM class_memberships m
           JOIN students s ON s.id = m.student_id AND s.live
           JOIN classes k ON k.id = m.class_id
           WHERE m.class_id = $1 AND m.left_on IS NULL AND NOT s.person_id = ANY($2::text[])
             AND NOT EXISTS (SELECT FROM study_places p
                             WHERE p.student_id = s.id AND p.until IS NULL AND p.school <> s.school)
           ORDER BY s.name, s.id""",
        class_id,
        list(person_ids),
    )


async def put(
    tx: AsyncConnection, check: AttendanceCheck, account: str, people: Mapping[int, str | None], absent: Sequence[str]
) -> bool:
    """Keep a check as its class's last one; False where its id is used. `people`: persons by row; `absent`: those missing."""
    connection = await driver(tx)
    await connection.execute(
        "UPDATE attendance_checks SET latest = false WHERE class_id = $1 AND latest AND id <> $2",
        check.class_id,
        check.id,
    )
    row = {
        "id": check.id,
        "school": check.school,
        "class_id": check.class_id,
        "grade": check.grade,
        "class_no": check.class_no,
        "made_on": check.on,
        "made_at": check.made_at,
        "made_by": check.made_by,
        "account": account,
        "organisation": check.organisation,
        "counts": check.counts,
        "latest": True,
    }
    if not await insert_rows(tx, attendance_checks, [row], on_conflict="(id) DO NOTHING", returning=("id",)):
        return False
    waiting = iter(absent)
    await insert_rows(
        tx,
        attendance_rows,
        [
            {
                "check_id": check.id,
                "place": place,
                "row": one.row,
                "standing": one.standing.value,
                "person_id": people.get(one.row) if one.row else next(waiting),
                "student_id": one.student_id,
                "grade": one.grade,
                "class_no": one.class_no,
                "name": one.name,
                "masked_document": one.masked_document,
                "findings": msgspec.to_builtins(one.findings),
            }
            for place, one in enumerate(check.rows)
        ],
    )
    return True


_NOW = sa.and_(organisations.c.code == _c.school, organisations.c.valid_to.is_(None))
_WHOLE = sa.select(
    attendance_checks, organisations.c.name.label("school_name"), organisations.c.authority.label("supervisor")
).select_from(attendance_checks.outerjoin(organisations, _NOW))


async def one(tx: AsyncConnection, check_id: str) -> RowMapping | None:
    rows = await fetch_all(tx, _WHOLE.where(_c.id == check_id))
    return rows[0] if rows else None


async def rows_of(tx: AsyncConnection, check_id: str) -> tuple[AttendanceRow, ...]:
    names = AttendanceRow.__struct_fields__
    query = sa.select(*(_r[name] for name in names)).where(_r.check_id == check_id).order_by(_r.place)
    rows = await fetch_all(tx, query)
    return tuple(msgspec.convert({name: row[name] for name in names}, AttendanceRow) for row in rows)


async def page(
    tx: AsyncConnection, visible: sa.ColumnElement[bool], school: str | None, after: tuple[Any, str] | None, limit: int
) -> Sequence[RowMapping]:
    query = _WHOLE.where(visible)
    if school is not None:
        query = query.where(_c.school == school)
    if after is not None:
        query = query.where(sa.tuple_(_c.made_at, _c.id) < sa.tuple_(*after))
    return await fetch_all(tx, query.order_by(_c.made_at.desc(), _c.id.desc()).limit(limit))


SCHOOL, AUTHORITY = _c.school, organisations.c.authority


async def elsewhere(tx: AsyncConnection, since: date) -> dict[str, int]:
    """Pupils by school who were seen in one of its classes at the class's last check, and whose record is elsewhere still."""
    rows = await (await driver(tx)).fetch(
        """SELECT c.school, count(DISTINCT r.person_id) AS pupils
           FROM attendance_checks c JOIN attendance_rows r ON r.check_id = c.id AND r.standing = 'elsewhere'
           JOIN students s ON s.person_id = r.person_id AND s.live AND s.school <> c.school
           WHERE c.latest AND c.made_on >= $1
             AND NOT EXISTS (SELECT FROM study_places p
                             WHERE p.student_id = s.id AND p.until IS NULL AND p.school = c.school)
           GROUP BY c.school""",
        since,
    )
    return {row["school"]: row["pupils"] for row in rows}
