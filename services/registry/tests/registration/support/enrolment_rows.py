"""Rows that let a school take new pupils: a plan in force, a zone of its whole division, a private school's scheme."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from registry.enrolment.plans.store import plan_id
from registry.organisations.facts import SchoolFacts
from regulation.school_year import grades_of
from service_kit.database import driver
from service_kit.ids import derived
from sqlalchemy.ext.asyncio import AsyncConnection

AT = datetime(2026, 7, 1, tzinfo=UTC)


async def enrol(
    tx: AsyncConnection,
    school: SchoolFacts,
    *,
    places: int = 9_999,
    years: tuple[int, ...] = (2026,),
    zone: bool = True,
    replace: bool = True,
) -> None:
    """For each stage of the school. Repeating it sets other places. Not by the rules: a test may want any number.

    `replace`: a plan that is there gets these places.
    """
    connection = await driver(tx)
    for stage in school.stages:
        for year in years:
            await connection.execute(
                """INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes,
                                                places, state, version, filed_at, issued_by)
                   VALUES ($1, $2, $3, $4, $5, $6, $6, 99, $7, 'in_force', 1, $8, '李学籍主管')
                   ON CONFLICT (id) DO UPDATE SET places = EXCLUDED.places, state = 'in_force', return_reason = NULL,
                       returned_at = NULL, returned_by = NULL, version = enrolment_plans.version + 1
                   WHERE $9::boolean""",
                plan_id(school.code, year, stage),
                school.code,
                year,
                stage,
                grades_of(stage, school.system)[0],
                school.authority,
                places,
                AT,
                replace,
            )
            if school.ownership == "private":
                await connection.execute(
                    """INSERT INTO admission_schemes (id, school, school_year, title, body, state, account, submitted_by,
                                                      submitted_at, decided_account, decided_by, decided_at)
                       VALUES ($1, $2, $3, '招生方案', '免试入学', 'approved', 'p', '孙校长', $4, 'o', '李学籍主管', $4)
                       ON CONFLICT DO NOTHING""",
                    derived("scheme", school.code, year),
                    school.code,
                    year,
                    AT,
                )
        if zone:
            areas = msgspec.json.encode([{"division": school.division, "streets": []}]).decode()
            await connection.execute(
                """INSERT INTO attendance_zones (id, school, stage, authority, valid_from, areas, divisions, reason, set_by,
                                                 account, set_at, version)
                   VALUES ($1, $2, $3, $4, '2020-01-01', $5::jsonb, ARRAY[$6], '测试', '李学籍主管', 'o', $7, 1)
                   ON CONFLICT DO NOTHING""",
                derived("zone", school.code, stage),
                school.code,
                stage,
                school.authority,
                areas,
                school.division,
                AT,
            )
