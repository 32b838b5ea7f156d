"""Every statement about plans. Whoever takes places of a plan locks it first: `hold`, `free`, insert, commit.

Locks in one order: organisations, plans, admissions, cases, registrations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa
from regulation.school_year import SchoolSystem, Stage, grades_of
from service_kit.database import driver, insert_rows
from service_kit.ids import derived
from shared_contracts.actors import Actor
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.plans.tables import plans, versions


class Plan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plan in force. `grade`: the entry grade of its stage, where new pupils take their places."""

    id: str
    school: str
    school_year: int
    stage: Stage
    grade: int
    authority: str
    classes: int
    places: int
    version: int


class Pupils(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of a school: `present` today, `staying` in a school year beside those who enter in it."""

    present: int = 0
    staying: int = 0


_COLUMNS = "id, school, school_year, stage, grade, authority, classes, places, version"

# Index Only Scan using registrations_taking_places (a school's new registrations of one year and grade, no others) and
# using admissions_of_plan: 0.4 ms for 5,000 places that are taken. A private school's transfers take places of the same
# plan (24.5.3): seats kept for open cases, pupils who have come, children of another province whose registration is on its
# way; by change_holds_seats, change_holds_went and expected_arrivals_at.
TAKEN = """(
    (SELECT count(*) FROM registrations
     WHERE school = {0}.school AND school_year = {0}.school_year AND grade = {0}.grade
       AND kind = 'new' AND NOT closed AND admission_id IS NULL)
  + (SELECT count(*) FROM admissions
     WHERE school = {0}.school AND school_year = {0}.school_year AND stage = {0}.stage AND state = 'open')
  + (SELECT coalesce(sum(i.places), 0) FROM junior_intake_places i
     WHERE i.school = {0}.school AND i.school_year = {0}.school_year AND {0}.stage = 'junior')
  + CASE WHEN EXISTS (SELECT FROM organisations o
                      WHERE o.code = {0}.school AND o.valid_to IS NULL AND o.ownership = 'private')
    THEN (SELECT count(*) FROM change_holds h
          WHERE h.seat_school = {0}.school AND h.seat_cohort = {0}.school_year - {0}.grade + 1 AND h.state = 'held')
       + (SELECT count(DISTINCT h.student_id) FROM change_holds h
          JOIN students s ON s.id = h.student_id AND s.live AND s.school = h.went_to
          WHERE h.went_to = {0}.school AND h.went_cohort = {0}.school_year - {0}.grade + 1)
       + (SELECT count(*) FROM expected_arrivals a
          JOIN registrations r ON r.id = a.registration_id AND NOT r.closed AND r.registered_at IS NULL
          WHERE a.school = {0}.school AND a.cohort = {0}.school_year - {0}.grade + 1)
    ELSE 0 END
)"""

NOT_YET_REGISTERED = """(
    SELECT count(*)::int FROM admissions a
    WHERE a.school = {0}.school AND a.school_year = {0}.school_year AND a.stage = {0}.stage AND a.state = 'open'
      AND NOT EXISTS (SELECT FROM registrations r WHERE r.admission_id = a.id AND NOT r.closed)
)"""
"""Part of a statement: children who have been given a place of the plan and are on no list of the school's pupils yet."""


def plan_id(school: str, school_year: int, stage: str) -> str:
    """The same plan has the same id whoever names it first."""
    return derived("plan", school, school_year, stage)


# ---- places -------------------------------------------------------------------------------------------------------------


async def in_force(tx: AsyncConnection, school: str, school_year: int, stage: Stage) -> Plan | None:
    """The plan as it is now, not locked: for checks that take no place."""
    return await _plan(tx, school, school_year, stage, "")


async def of_school(
    tx: AsyncConnection, school: str, school_year: int
) -> tuple[dict[Stage, tuple[int, int]], frozenset[int]]:
    """Places planned and places free by stage, of the plans in force; and the cohorts in which the school may register
    children of other provinces, as all have approved. Not locked; one statement."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT p.stage, p.places, {TAKEN.format("p")} AS taken,
                   ARRAY(SELECT DISTINCT cohort FROM expected_arrivals a
                         WHERE a.school = x.school AND a.open AND a.approved AND a.returns IS NULL) AS awaited
            FROM (SELECT $1::text AS school) x
            LEFT JOIN enrolment_plans p ON p.school = x.school AND p.school_year = $2 AND p.state = 'in_force'""",  # noqa: S608
        school,
        school_year,
    )
    planned = {Stage(row["stage"]): row for row in rows if row["stage"] is not None}
    return (
        {stage: (row["places"], max(0, row["places"] - row["taken"])) for stage, row in planned.items()},
        frozenset(rows[0]["awaited"]),
    )


async def hold(tx: AsyncConnection, school_code: str, school_year: int, stage: Stage) -> Plan | None:
    """The plan in force, locked until the end of the transaction: nobody else takes or gives places meanwhile.

    None where there is none, or it was returned: no plan, no places (clause 4.3).
    """
    return await _plan(tx, school_code, school_year, stage, "FOR NO KEY UPDATE")


async def free(tx: AsyncConnection, plan: Plan) -> int:
    """Places not taken. Under `hold` the number stays true until the commit; never below nothing."""
    return max(0, plan.places - await taken(tx, plan))


async def taken(tx: AsyncConnection, plan: Plan) -> int:
    """Open new registrations of the plan's year and grade that have no admission behind them, and open admissions; of a
    private school transfers too (24.5.3)."""
    return (await taken_of(tx, [plan.id]))[plan.id]


async def taken_of(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, int]:
    """Places taken by plan."""
    rows = await (await driver(tx)).fetch(
        f"SELECT p.id, {TAKEN.format('p')} AS taken FROM enrolment_plans p WHERE p.id = ANY($1::text[])",  # noqa: S608
        list(ids),
    )
    return {row["id"]: row["taken"] for row in rows}


async def _plan(tx: AsyncConnection, school: str, school_year: int, stage: Stage, lock: str) -> Plan | None:
    row = await (await driver(tx)).fetchrow(
        f"""SELECT {_COLUMNS} FROM enrolment_plans
            WHERE school = $1 AND school_year = $2 AND stage = $3 AND state = 'in_force' {lock}""",  # noqa: S608
        school,
        school_year,
        stage,
    )
    return None if row is None else Plan(**{**row, "stage": Stage(row["stage"])})


# ---- setting ------------------------------------------------------------------------------------------------------------


async def lock(tx: AsyncConnection) -> None:
    """Plans are set, changed and returned by one transaction at a time: a plan that is not there yet has no row to lock.

    Taken before organisations and plans; who only takes places never asks for it.
    """
    await (await driver(tx)).execute("SELECT pg_advisory_xact_lock(hashtext('enrolment_plans'))")


async def lock_plans(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Plans in any state, locked in the order of their ids: nobody takes places of them meanwhile."""
    rows = await (await driver(tx)).fetch(
        "SELECT * FROM enrolment_plans WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE", list(ids)
    )
    return {row["id"]: row for row in rows}


async def read_plans(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    rows = await (await driver(tx)).fetch("SELECT * FROM enrolment_plans WHERE id = ANY($1::text[])", list(ids))
    return {row["id"]: row for row in rows}


async def places_of(
    tx: AsyncConnection, schools: Sequence[str], years: Sequence[int]
) -> dict[tuple[str, int, str], int]:
    """Places in force by school, year and stage."""
    rows = await (await driver(tx)).fetch(
        """SELECT school, school_year, stage, places FROM enrolment_plans
           WHERE school = ANY($1::text[]) AND school_year = ANY($2::smallint[]) AND state = 'in_force'""",
        list(schools),
        list(years),
    )
    return {(row["school"], row["school_year"], row["stage"]): row["places"] for row in rows}


# Pupils by stage and cohort: a cohort has the same grade everywhere in one school year (see `regulation.school_year`).
# Index Scan using students_of_school: a large school's 3,000 rows are grouped in 2 ms.
async def pupils(tx: AsyncConnection, schools: Mapping[str, SchoolSystem], school_year: int) -> dict[str, Pupils]:
    """Live pupils of schools (code -> system), as today and as they will be in a school year."""
    rows = await (await driver(tx)).fetch(
        """SELECT school, stage, cohort, count(*) AS pupils FROM students
           WHERE school = ANY($1::text[]) AND live GROUP BY school, stage, cohort""",
        list(schools),
    )
    present, staying = dict.fromkeys(schools, 0), dict.fromkeys(schools, 0)
    for row in rows:
        school = row["school"]
        present[school] += row["pupils"]
        grade = school_year - row["cohort"] + 1
        if grade in grades_of(Stage(row["stage"]), schools[school])[1:]:
            staying[school] += row["pupils"]
    return {school: Pupils(present=present[school], staying=staying[school]) for school in schools}


_SET = """(id) DO UPDATE SET
    grade = EXCLUDED.grade, authority = EXCLUDED.authority, filed_with = EXCLUDED.filed_with,
    classes = EXCLUDED.classes, places = EXCLUDED.places, state = 'in_force', version = EXCLUDED.version,
    filed_at = EXCLUDED.filed_at, issued_by = EXCLUDED.issued_by, return_reason = NULL, returned_at = NULL,
    returned_by = NULL"""


async def put(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]], actor: Actor, at: datetime) -> None:
    """New versions of plans, in force and filed. `rows`: a plan's columns, with `reason` and `change_id`."""
    names = ("id", "school", "school_year", "stage", "grade", "authority", "filed_with", "classes", "places", "version")
    heads = [
        {name: row[name] for name in names} | {"state": "in_force", "filed_at": at, "issued_by": actor.name}
        for row in rows
    ]
    await insert_rows(tx, plans, heads, on_conflict=_SET)
    await insert_rows(
        tx,
        versions,
        [
            {
                "plan_id": row["id"],
                "version": row["version"],
                "authority": row["authority"],
                "classes": row["classes"],
                "places": row["places"],
                "reason": row["reason"],
                "change_id": row["change_id"],
                "account": actor.account,
                "issued_by": actor.name,
                "issued_at": at,
            }
            for row in rows
        ],
    )


async def give_back(tx: AsyncConnection, plan: str, reason: str, actor: Actor, at: datetime) -> None:
    """The authority that it is filed with returns it."""
    await (await driver(tx)).execute(
        """UPDATE enrolment_plans SET state = 'returned', version = version + 1, return_reason = $2, returned_at = $3,
                  returned_by = $4 WHERE id = $1""",
        plan,
        reason,
        at,
        actor.name,
    )


async def versions_of(tx: AsyncConnection, plan: str) -> Sequence[Any]:
    query = sa.select(versions).where(versions.c.plan_id == plan).order_by(versions.c.version)
    return (await tx.execute(query)).mappings().all()
