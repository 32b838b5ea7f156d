"""Every statement about classes, their sizes and moves between them; assignments are in `draws`.

Locks, in the one order: organisations, plans, admissions, class_assignments, classes (by id), cases, registrations,
students (by id). Whoever brings pupils into a class holds its row (`hold`) and counts (`sizes`) before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import sqlalchemy as sa
from regulation.authorisation import Reach, subtree_pattern
from regulation.school_year import cohort
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from shared_contracts.classes import ClassMove
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.classes import tables
from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations
from registry.records.store import Klass, class_rows
from registry.records.tables import classes

Row = Mapping[Any, Any]
"""A row as SQLAlchemy or the driver gives it, or as a dict."""

_a, _k, _o = tables.assignments.c, classes.c, organisations.c


# ---- sizes -------------------------------------------------------------------------------------------------------------

# Students by class_memberships_of_class, those on their way by registrations_of_school: an index of theirs on the class
# would cost every number that is issued its place on the page.
_SIZES = """
SELECT k.id, k.school, k.stage, k.grade, k.class_no, k.cohort, k.display_name, k.closed_on, k.version,
       coalesce(s.boys, 0) AS boys, coalesce(s.girls, 0) AS girls, coalesce(r.n, 0) AS on_the_way,
       coalesce(h.n, 0)::int AS kept
FROM classes k
LEFT JOIN (
    SELECT m.class_id, count(*) FILTER (WHERE s.sex = '1') AS boys, count(*) FILTER (WHERE s.sex = '2') AS girls
    FROM class_memberships m JOIN students s ON s.id = m.student_id
    WHERE m.class_id = ANY({ids}::text[]) AND m.left_on IS NULL AND s.live
    GROUP BY m.class_id
) s ON s.class_id = k.id
LEFT JOIN (
    SELECT class_id, count(*) AS n FROM registrations
    WHERE school IN (SELECT school FROM classes WHERE id = ANY({ids}::text[])) AND class_id = ANY({ids}::text[])
      AND NOT closed AND registered_at IS NULL
    GROUP BY class_id
) r ON r.class_id = k.id
LEFT JOIN (
    SELECT seat_school, seat_cohort, count(*) AS n FROM change_holds
    WHERE seat_school IN (SELECT school FROM classes WHERE id = ANY({ids}::text[])) AND state = 'held'
    GROUP BY seat_school, seat_cohort
) h ON h.seat_school = k.school AND h.seat_cohort = k.cohort
WHERE k.id = ANY({ids}::text[])
"""
_COUNTED = _SIZES.format(ids="$1")
_OF = "WITH g AS MATERIALIZED (SELECT id FROM classes WHERE school = $1 AND {0} AND cohort = $3 AND closed_on IS NULL)"
_SIZES_OF_G = f"{_SIZES.format(ids='ARRAY(SELECT id FROM g)')} ORDER BY k.id"  # noqa: S608 - our own words
OF_GRADE = f"{_OF.format('grade = $2')} {_SIZES_OF_G}"
"""Part of a statement: the open classes of a school's ($1) grade ($2) and cohort ($3) as `counted` has them, in the order of
their ids."""
_OF_STAGE = f"{_OF.format('stage = $2')} {_SIZES_OF_G}"
_MADE = _SIZES.format(ids="{0}")


async def counted(tx: AsyncConnection, class_ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Classes with boys, girls and those on their way; `kept`: seats that open transfers hold in their grade."""
    rows = await (await driver(tx)).fetch(_COUNTED, list(class_ids))
    return {row["id"]: row for row in rows}


async def sizes(tx: AsyncConnection, class_ids: Sequence[str]) -> dict[str, int]:
    """Pupils of each class: students in it, and those whose registration names it."""
    return _sizes((await counted(tx, class_ids)).values())


async def sizes_of_cohort(tx: AsyncConnection, school: str, stage: str, cohort_year: int) -> dict[int, int]:
    """As `sizes`, of the open classes of a stage's cohort, by the number of the class."""
    rows = await (await driver(tx)).fetch(_OF_STAGE, school, stage, cohort_year)
    return {row["class_no"]: _size(row) for row in rows}


async def made(
    tx: AsyncConnection, school: SchoolFacts, wanted: Sequence[Klass], school_year: int
) -> tuple[dict[str, int], dict[int, int]]:
    """Classes that are not there yet are made; the pupils of those that were there before, as `sizes` has them, and the seats
    kept in their grades by cohort (`kept_of`)."""
    rows = class_rows(school, wanted, school_year)
    ids = [row["id"] for row in rows]
    there = await insert_rows(tx, classes, rows, on_conflict="DO NOTHING", then=_MADE, more=[ids])
    return _sizes(there), kept_of(there)


def kept_of(counted: Iterable[asyncpg.Record]) -> dict[int, int]:
    """Seats that open transfers hold, by cohort; of classes of one school. Cohorts without one are left out."""
    return {row["cohort"]: row["kept"] for row in counted if row["kept"]}


def _sizes(rows: Iterable[asyncpg.Record]) -> dict[str, int]:
    return {row["id"]: _size(row) for row in rows}


def _size(row: asyncpg.Record) -> int:
    size: int = row["boys"] + row["girls"] + row["on_the_way"]
    return size


async def hold(tx: AsyncConnection, class_ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Classes under lock, in the order of their ids: until the end of the transaction nobody else fills them."""
    rows = await (await driver(tx)).fetch(
        "SELECT * FROM classes WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", list(class_ids)
    )
    return {row["id"]: row for row in rows}


async def hold_grade(tx: AsyncConnection, school: str, grade: int, school_year: int) -> list[asyncpg.Record]:
    """All classes of a grade under lock."""
    return await (await driver(tx)).fetch(
        "SELECT * FROM classes WHERE school = $1 AND grade = $2 AND cohort = $3 ORDER BY id FOR UPDATE",
        school,
        grade,
        cohort(grade, school_year),
    )


async def class_row(tx: AsyncConnection, class_id: str) -> RowMapping | None:
    """A class, with its school's authority."""
    return await fetch_one(tx, _classes().where(_k.id == class_id))


def _classes() -> sa.Select[Any]:
    return sa.select(classes, _o.name.label("school_name"), _o.authority, _o.division).select_from(
        classes.join(organisations, sa.and_(_o.code == _k.school, _o.valid_to.is_(None)))
    )


_OCCUPIED = sa.text(
    """(EXISTS (SELECT FROM class_memberships m WHERE m.class_id = classes.id AND m.left_on IS NULL)
        OR EXISTS (SELECT FROM registrations r WHERE r.school = classes.school AND r.class_id = classes.id
                   AND NOT r.closed AND r.registered_at IS NULL))"""
)


async def class_page(
    tx: AsyncConnection,
    visible: sa.ColumnElement[bool],
    *,
    school: str | None,
    grade: int | None,
    closed: bool,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Classes by school, grade, number."""
    statement = _classes().where(visible)
    if school is not None:
        statement = statement.where(_k.school == school)
    if grade is not None:
        statement = statement.where(_k.grade == grade)
    if not closed:
        # A registration may name a class that was closed: it is one again then.
        statement = statement.where(sa.or_(_k.closed_on.is_(None), _OCCUPIED))
    if after is not None:
        statement = statement.where(sa.tuple_(_k.school, _k.grade, _k.class_no, _k.id) > sa.tuple_(*after))
    return await fetch_all(tx, statement.order_by(_k.school, _k.grade, _k.class_no, _k.id).limit(limit))


async def put_name(tx: AsyncConnection, class_id: str, name: str | None) -> None:
    await (await driver(tx)).execute(
        "UPDATE classes SET display_name = $2, version = version + 1 WHERE id = $1", class_id, name
    )


async def close_class(tx: AsyncConnection, class_id: str, on: date | None) -> None:
    """`on`: None opens it again."""
    await (await driver(tx)).execute(
        "UPDATE classes SET closed_on = $2, version = version + 1 WHERE id = $1", class_id, on
    )


# One row a school. Plan for a province of 3,000 schools and two million students: a hash join of open memberships with
# students, grouped by class; for a county an index scan a class on class_memberships_of_class.
_EXCESS = """
WITH o AS (
    SELECT code, name, authority, division FROM organisations
    WHERE kind = 'school' AND valid_to IS NULL AND authority LIKE $1
), d AS (
    SELECT * FROM unnest($2::text[], $3::int[], $4::int[]) AS d(division, primary_size, junior_size)
), n AS (
    SELECT m.class_id, count(*) AS n
    FROM o JOIN classes k ON k.school = o.code
    JOIN class_memberships m ON m.class_id = k.id AND m.left_on IS NULL
    JOIN students s ON s.id = m.student_id AND s.live
    GROUP BY m.class_id
), c AS (
    SELECT o.code, o.name, o.authority, coalesce(n.n, 0) AS n,
           greatest(coalesce(n.n, 0) - CASE k.stage WHEN 'primary' THEN d.primary_size ELSE d.junior_size END, 0) AS over
    FROM o JOIN classes k ON k.school = o.code JOIN d ON d.division = o.division LEFT JOIN n ON n.class_id = k.id
    WHERE k.closed_on IS NULL OR n.n > 0
)
SELECT c.code, c.name, c.authority, a.name AS authority_name, count(*)::int AS classes,
       (count(*) FILTER (WHERE over > 0))::int AS over, sum(over)::int AS pupils, max(n)::int AS largest
FROM c LEFT JOIN organisations a ON a.code = c.authority AND a.valid_to IS NULL
GROUP BY c.code, c.name, c.authority, a.name
ORDER BY pupils DESC, c.code
"""


async def divisions_under(tx: AsyncConnection, pattern: str) -> list[str]:
    rows = await (await driver(tx)).fetch(
        """SELECT DISTINCT division FROM organisations
           WHERE kind = 'school' AND valid_to IS NULL AND authority LIKE $1 ORDER BY 1""",
        pattern,
    )
    return [row["division"] for row in rows]


async def excess(tx: AsyncConnection, pattern: str, standards: Mapping[str, tuple[int, int]]) -> list[asyncpg.Record]:
    """Schools under an authority with their classes. `standards`: primary and junior class size by division."""
    return await (await driver(tx)).fetch(
        _EXCESS,
        pattern,
        list(standards),
        [primary for primary, _ in standards.values()],
        [junior for _, junior in standards.values()],
    )


# ---- into classes ------------------------------------------------------------------------------------------------------


async def lock_registrations(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Registrations under lock, as they are now: one that has its number meanwhile is a student."""
    rows = await (await driver(tx)).fetch(
        """SELECT id, name, school, class_id, class_no, grade, closed, registered_at IS NOT NULL AS registered
           FROM registrations WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE""",
        list(ids),
    )
    return {row["id"]: row for row in rows}


async def lock_students(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Students under lock with their present class."""
    rows = await (await driver(tx)).fetch(
        """SELECT s.id, s.name, s.school, s.live, m.class_id, m.joined_on, k.class_no, k.grade, k.cohort
           FROM (SELECT * FROM students WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE) s
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           LEFT JOIN classes k ON k.id = m.class_id
           ORDER BY s.id""",
        list(ids),
    )
    return {row["id"]: row for row in rows}


async def move_registrations(
    tx: AsyncConnection, ids: Sequence[str], class_ids: Sequence[str], numbers: Sequence[int]
) -> None:
    """The class that the record will begin in."""
    await (await driver(tx)).execute(
        """UPDATE registrations r SET class_id = n.class_id, class_no = n.class_no, revision = r.revision + 1
           FROM unnest($1::text[], $2::text[], $3::smallint[]) AS n(id, class_id, class_no) WHERE r.id = n.id""",
        list(ids),
        list(class_ids),
        list(numbers),
    )


async def move_students(tx: AsyncConnection, ids: Sequence[str], class_ids: Sequence[str], on: date) -> None:
    """Dated: the old membership ends, the new one begins; who came and goes on one day was in the last class only."""
    connection = await driver(tx)
    await connection.execute(
        """WITH n AS (SELECT * FROM unnest($1::text[], $2::text[]) AS n(id, class_id)),
           same_day AS (
               UPDATE class_memberships m SET class_id = n.class_id FROM n
               WHERE m.student_id = n.id AND m.left_on IS NULL AND m.joined_on >= $3)
           UPDATE class_memberships m SET left_on = $3 FROM n
           WHERE m.student_id = n.id AND m.left_on IS NULL AND m.joined_on < $3""",
        list(ids),
        list(class_ids),
        on,
    )
    await connection.execute(
        """INSERT INTO class_memberships (student_id, joined_on, class_id)
           SELECT n.id, $3, n.class_id FROM unnest($1::text[], $2::text[]) AS n(id, class_id)
           WHERE NOT EXISTS (SELECT FROM class_memberships m WHERE m.student_id = n.id AND m.left_on IS NULL)
           ON CONFLICT (student_id, joined_on) DO UPDATE SET class_id = EXCLUDED.class_id, left_on = NULL""",
        list(ids),
        list(class_ids),
        on,
    )
    await connection.execute("UPDATE students SET version = version + 1 WHERE id = ANY($1::text[])", list(ids))


def seen(visible: Reach, authority: sa.ColumnElement[Any], school: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """What is of a school, not of a class."""
    ways: list[sa.ColumnElement[bool]] = []
    if visible.subtree:
        ways.append(authority.like(subtree_pattern(visible.subtree)))
    if visible.school:
        ways.append(school == visible.school)
    return sa.or_(*ways) if ways else sa.false()


# ---- moves -------------------------------------------------------------------------------------------------------------


async def put_move(tx: AsyncConnection, move: ClassMove, at: datetime, account: str) -> None:
    values = {name: getattr(move, name) for name in move.__struct_fields__ if name != "name"}
    await insert_rows(tx, tables.moves, [{**values, "moved_at": at, "account": account}])


async def move_page(
    tx: AsyncConnection,
    visible: Reach,
    *,
    school: str | None,
    grade: int | None,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Newest first, with the pupils' names."""
    m = tables.moves.c
    authority = _o.authority
    name = sa.text("(SELECT r.name FROM registrations r WHERE r.id = class_moves.pupil_id) AS name")
    statement = sa.select(tables.moves, name).select_from(
        tables.moves.outerjoin(organisations, sa.and_(_o.code == m.school, _o.valid_to.is_(None)))
    )
    if not visible.everything:
        statement = statement.where(seen(visible, authority, m.school))
    if school is not None:
        statement = statement.where(m.school == school)
    if grade is not None:
        statement = statement.where(m.grade == grade)
    if after is not None:
        statement = statement.where(sa.tuple_(m.moved_at, m.id) < sa.tuple_(datetime.fromisoformat(after[0]), after[1]))
    return await fetch_all(tx, statement.order_by(m.moved_at.desc(), m.id.desc()).limit(limit))
