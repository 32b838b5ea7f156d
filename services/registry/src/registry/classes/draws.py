"""Every statement about the assignments of a grade to classes (分班): their lists, their settings, what came of them.

Locks: `class_assignments` before classes (see `store`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach
from regulation.school_year import cohort
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from shared_contracts.classes import AssignmentRule
from shared_contracts.discreet import Discreet
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.classes import store, tables
from registry.organisations.tables import organisations
from registry.records.tables import classes

_a, _k, _o = tables.assignments.c, classes.c, organisations.c


class Pupil(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One pupil of a grade as the registry knows it. `registered`: has a record; otherwise the class is provisional."""

    id: str
    name: str
    sex: str
    placement: str
    class_id: str
    class_no: int
    registered: bool


# ---- the pupils of a grade ---------------------------------------------------------------------------------------------

_GRADE = """
SELECT r.id, r.name, r.sex, r.placement, r.class_id, r.class_no, false AS registered
FROM registrations r JOIN classes k ON k.id = r.class_id
WHERE r.school = $1 AND k.school = $1 AND k.grade = $2 AND k.cohort = $3 AND NOT r.closed AND r.registered_at IS NULL
UNION ALL
SELECT s.id, s.name, s.sex, s.placement, k.id, k.class_no, true
FROM classes k JOIN class_memberships m ON m.class_id = k.id AND m.left_on IS NULL
JOIN students s ON s.id = m.student_id AND s.school = $1 AND s.live
WHERE k.school = $1 AND k.grade = $2 AND k.cohort = $3
ORDER BY id
"""


async def pupils_of_grade(tx: AsyncConnection, school: str, grade: int, school_year: int) -> list[Pupil]:
    """Whoever has a record in the grade, and whoever has a registration for it on its way."""
    rows = await (await driver(tx)).fetch(_GRADE, school, grade, cohort(grade, school_year))
    return [Pupil(**row) for row in rows]


async def forms(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, bytes]:
    """The sealed forms of registrations and students."""
    rows = await (await driver(tx)).fetch("SELECT id, form FROM profiles WHERE id = ANY($1::text[])", list(ids))
    return {row["id"]: row["form"] for row in rows}


# ---- assignments -------------------------------------------------------------------------------------------------------


async def lock_grade(tx: AsyncConnection, school: str, school_year: int, grade: int) -> None:
    """One at a time who begins an assignment of a grade."""
    await (await driver(tx)).execute(
        "SELECT pg_advisory_xact_lock(hashtext($1))", f"class-assignment:{school}:{school_year}:{grade}"
    )


async def of_grade(tx: AsyncConnection, school: str, school_year: int, grade: int) -> Sequence[RowMapping]:
    """All assignments that a grade has had, first to last."""
    return await fetch_all(
        tx,
        sa.select(tables.assignments)
        .where(_a.school == school, _a.school_year == school_year, _a.grade == grade)
        .order_by(_a.opened_at, _a.id),
    )


async def open_assignment(tx: AsyncConnection, row: Mapping[str, Any]) -> None:
    await insert_rows(tx, tables.assignments, [row])


async def lock_assignment(tx: AsyncConnection, assignment_id: str) -> RowMapping | None:
    """Under lock, with its school's authority and division."""
    return await fetch_one(
        tx, assignments_with_school().where(_a.id == assignment_id).with_for_update(of=tables.assignments)
    )


async def assignment(tx: AsyncConnection, assignment_id: str) -> RowMapping | None:
    return await fetch_one(tx, assignments_with_school().where(_a.id == assignment_id))


async def assignment_of_number(tx: AsyncConnection, number: str) -> RowMapping | None:
    return await fetch_one(tx, assignments_with_school().where(_a.number == number))


def assignments_with_school() -> sa.Select[Any]:
    school = sa.select(organisations).where(_o.valid_to.is_(None)).subquery("o")
    return sa.select(
        tables.assignments, school.c.name.label("school_name"), school.c.authority, school.c.division
    ).select_from(tables.assignments.outerjoin(school, school.c.code == _a.school))


async def assignment_page(
    tx: AsyncConnection,
    visible: Reach,
    *,
    school: str | None,
    redraws: bool,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Newest first."""
    statement = assignments_with_school()
    authority = statement.selected_columns["authority"]
    if not visible.everything:
        statement = statement.where(store.seen(visible, authority, _a.school))
    if school is not None:
        statement = statement.where(_a.school == school)
    if redraws:
        statement = statement.where(_a.redraw_decision == "waiting")
    if after is not None:
        statement = statement.where(
            sa.tuple_(_a.opened_at, _a.id) < sa.tuple_(datetime.fromisoformat(after[0]), after[1])
        )
    return await fetch_all(tx, statement.order_by(_a.opened_at.desc(), _a.id.desc()).limit(limit))


async def change(tx: AsyncConnection, assignment_id: str, **values: Any) -> None:
    """Write columns of an assignment under lock; its version grows."""
    await execute(
        tx,
        sa.update(tables.assignments).where(_a.id == assignment_id).values(version=_a.version + 1, **values),
    )


async def put_list(
    tx: AsyncConnection, assignment_id: str, rows: Sequence[Mapping[str, Any]], rules: Sequence[AssignmentRule]
) -> None:
    """A draft's pupils and rules, anew."""
    connection = await driver(tx)
    await connection.execute("DELETE FROM class_assignment_pupils WHERE assignment_id = $1", assignment_id)
    await connection.execute("DELETE FROM class_assignment_rules WHERE assignment_id = $1", assignment_id)
    await insert_rows(tx, tables.pupils, [{"assignment_id": assignment_id, **row} for row in rows])
    await insert_rows(
        tx,
        tables.rules,
        [
            {
                "assignment_id": assignment_id,
                "seq": seq,
                "kind": rule.kind,
                "pupils": list(rule.pupils),
                "reason": rule.reason,
            }
            for seq, rule in enumerate(rules)
        ],
    )


async def listed(tx: AsyncConnection, assignment_id: str) -> Sequence[RowMapping]:
    """The pupils of an assignment, by code."""
    p = tables.pupils
    return await fetch_all(tx, sa.select(p).where(p.c.assignment_id == assignment_id).order_by(p.c.code))


async def named(tx: AsyncConnection, assignment_id: str, *, after: str | None, limit: int) -> list[Any]:
    """The pupils of an assignment with their names, and where they are now, by code."""
    rows = await (await driver(tx)).fetch(
        """
        SELECT p.*, p.attributes::text AS attributes, r.name, coalesce(s.placement, r.placement) AS placement,
               s.id IS NOT NULL AS registered,
               CASE WHEN s.id IS NULL THEN r.closed OR r.school <> a.school
                    ELSE NOT s.live OR s.school <> a.school END AS gone,
               CASE WHEN s.id IS NULL THEN r.class_no ELSE k.class_no END AS present_class
        FROM class_assignment_pupils p
        JOIN class_assignments a ON a.id = p.assignment_id
        JOIN registrations r ON r.id = p.pupil_id
        LEFT JOIN students s ON s.id = p.pupil_id
        LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
        LEFT JOIN classes k ON k.id = m.class_id
        WHERE p.assignment_id = $1 AND ($2::text IS NULL OR p.code > $2) ORDER BY p.code LIMIT $3
        """,
        assignment_id,
        after,
        limit,
    )
    return [{**row, "attributes": msgspec.json.decode(row["attributes"])} for row in rows]


async def rules_of(tx: AsyncConnection, assignment_ids: Sequence[str]) -> dict[str, list[AssignmentRule]]:
    r = tables.rules
    rows = await fetch_all(
        tx, sa.select(r).where(r.c.assignment_id.in_(assignment_ids)).order_by(r.c.assignment_id, r.c.seq)
    )
    found: dict[str, list[AssignmentRule]] = {}
    for row in rows:
        rule = AssignmentRule(kind=row["kind"], pupils=tuple(row["pupils"]), reason=row["reason"])
        found.setdefault(row["assignment_id"], []).append(rule)
    return found


async def pupil_counts(tx: AsyncConnection, assignment_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Pupils to draw and pupils placed by hand, by assignment."""
    rows = await (await driver(tx)).fetch(
        """SELECT assignment_id, count(*) FILTER (WHERE place_in IS NULL) AS drawn, count(place_in) AS placed
           FROM class_assignment_pupils WHERE assignment_id = ANY($1::text[]) GROUP BY 1""",
        list(assignment_ids),
    )
    return {row["assignment_id"]: (row["drawn"], row["placed"]) for row in rows}


async def put_result(tx: AsyncConnection, assignment_id: str, result: Mapping[str, int]) -> None:
    """The class of each pupil, by code."""
    await (await driver(tx)).execute(
        """UPDATE class_assignment_pupils p SET class_no = n.class_no
           FROM unnest($2::text[], $3::smallint[]) AS n(code, class_no)
           WHERE p.assignment_id = $1 AND p.code = n.code""",
        assignment_id,
        list(result),
        list(result.values()),
    )


async def list_of(
    tx: AsyncConnection, pupil_id: str, states: Sequence[str] = ("committed", "drawn", "applied")
) -> str | None:
    """The number of the assignment on whose closed list this pupil stands and which is in one of these states."""
    number: str | None = await (await driver(tx)).fetchval(
        """SELECT a.number FROM class_assignment_pupils p JOIN class_assignments a ON a.id = p.assignment_id
           WHERE p.pupil_id = $1 AND a.state = ANY($2::text[]) ORDER BY a.opened_at DESC LIMIT 1""",
        pupil_id,
        list(states),
    )
    return number
