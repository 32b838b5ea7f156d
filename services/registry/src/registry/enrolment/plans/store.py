"""Every statement about plans. Whoever takes places of a plan locks it first: `hold`, `free`, insert, commit.

Locks in one order: organisations, plans, admissions, cases, registrations.
"""

from __future__ import annotations

import msgspec
from regulation.school_year import Stage
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection


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


_COLUMNS = "id, school, school_year, stage, grade, authority, classes, places, version"

# Index Only Scans using registrations_taking_places and admissions_of_plan: one school's, year's and stage's, no others.
_TAKEN = """
    SELECT (SELECT count(*) FROM registrations
            WHERE school = $1 AND school_year = $2 AND grade = $3 AND kind = 'new' AND NOT closed
              AND admission_id IS NULL)
         + (SELECT count(*) FROM admissions
            WHERE school = $1 AND school_year = $2 AND stage = $4 AND state = 'open')
"""


async def in_force(tx: AsyncConnection, school: str, school_year: int, stage: Stage) -> Plan | None:
    """The plan as it is now, not locked: for checks that take no place."""
    return await _plan(tx, school, school_year, stage, "")


async def hold(tx: AsyncConnection, school_code: str, school_year: int, stage: Stage) -> Plan | None:
    """The plan in force, locked until the end of the transaction: nobody else takes or gives places meanwhile.

    None where there is none, or it was returned: no plan, no places (clause 4.3).
    """
    return await _plan(tx, school_code, school_year, stage, "FOR NO KEY UPDATE")


async def free(tx: AsyncConnection, plan: Plan) -> int:
    """Places not taken. Under `hold` the number stays true until the commit; never below nothing."""
    return max(0, plan.places - await taken(tx, plan))


async def taken(tx: AsyncConnection, plan: Plan) -> int:
    """Open new registrations of the plan's year and grade that have no admission behind them, and open admissions."""
    number: int = await (await driver(tx)).fetchval(_TAKEN, plan.school, plan.school_year, plan.grade, plan.stage.value)
    return number


async def _plan(tx: AsyncConnection, school: str, school_year: int, stage: Stage, lock: str) -> Plan | None:
    row = await (await driver(tx)).fetchrow(
        f"""SELECT {_COLUMNS} FROM enrolment_plans
            WHERE school = $1 AND school_year = $2 AND stage = $3 AND state = 'in_force' {lock}""",  # noqa: S608
        school,
        school_year,
        stage,
    )
    return None if row is None else Plan(**{**row, "stage": Stage(row["stage"])})
