"""Every statement about intake lists: the graduates of an authority's schools, a list's rows, the places it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.school_year import SchoolSystem, Stage, grades_of
from service_kit.database import driver, fetch_all, insert_rows
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from shared_contracts.junior_intake import JuniorIntakeRow
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.junior_intake.policy import Graduate
from registry.junior_intake.tables import intake_places, intake_rows
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations as org

_GRADUATE = """
    SELECT s.id, s.name, s.student_number, s.school, coalesce(o.name, s.school) AS school_name, o.authority,
           coalesce(k.system, o.system, '6-3') AS system, s.stage, s.state, s.live, k.grade, k.class_no,
           coalesce(k.cohort, s.cohort) AS cohort,
           EXISTS (SELECT FROM students x WHERE x.person_id = s.person_id AND x.live AND x.id <> s.id)
           OR EXISTS (SELECT FROM registrations x WHERE x.person_id = s.person_id AND NOT x.closed
                                                    AND x.registered_at IS NULL) AS elsewhere,
           (SELECT p.title FROM junior_intake_rows r JOIN operations p ON p.id = r.operation_id
            WHERE r.student_id = s.id AND r.outcome = 'taken' AND r.operation_id <> $2
              AND p.state IN ('approved', 'running', 'failed', 'undoing') LIMIT 1) AS in_list
    FROM students s
    LEFT JOIN organisations o ON o.code = s.school AND o.valid_to IS NULL
    LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
    LEFT JOIN classes k ON k.id = m.class_id
"""


async def by_ids(tx: AsyncConnection, ids: Sequence[str], but: str) -> dict[str, Graduate]:
    """Pupils by their ids. `but`: the list that asks. Index scans by the ids."""
    rows = await (await driver(tx)).fetch(f"{_GRADUATE} WHERE s.id = ANY($1::text[])", list(ids), but)
    return {row["id"]: Graduate(**row) for row in rows}


async def of_authority(tx: AsyncConnection, authority: str, year: int, but: str) -> list[Graduate]:
    """This summer's primary graduates of the schools that an authority supervises, by school, class and name.

    Those in the last grade, and those graduated already: their cohort tells them from the years before. Bitmap scans of
    students_of_school, a school at a time.
    """
    last = {system: grades_of(Stage.PRIMARY, system)[-1] for system in SchoolSystem}
    rows = await (await driver(tx)).fetch(
        f"""{_GRADUATE}
            WHERE s.school IN (SELECT code FROM organisations WHERE authority = $1 AND kind = 'school'
                                                                AND valid_to IS NULL)
              AND s.stage = 'primary'
              AND $5 - coalesce(k.cohort, s.cohort) = CASE coalesce(k.system, o.system) WHEN '5-4' THEN $4::int
                                                                                     ELSE $3::int END
              AND CASE WHEN s.live THEN k.grade = $5 - k.cohort ELSE s.state = 'graduated' END
            ORDER BY s.school, k.grade, k.class_no, s.name, s.id""",  # noqa: S608
        authority,
        but,
        last[SchoolSystem.SIX_THREE],
        last[SchoolSystem.FIVE_FOUR],
        year,
    )
    return [Graduate(**row) for row in rows]


async def juniors(tx: AsyncConnection, county: str) -> dict[str, str]:
    """Schools with junior grades that the county supervises or that lie in it, by code."""
    query = sa.select(org.c.code, org.c.name).where(
        org.c.valid_to.is_(None),
        org.c.kind == "school",
        sa.or_(org.c.authority == county, org.c.division == county),
        sa.literal("junior") == sa.any_(org.c.stages),
    )
    return {row["code"]: row["name"] for row in await fetch_all(tx, query)}


async def schools(tx: AsyncConnection, codes: Sequence[str]) -> dict[str, SchoolFacts]:
    query = sa.select(org).where(org.c.code.in_(list(codes)), org.c.kind == "school", org.c.valid_to.is_(None))
    return {row["code"]: organisations.facts(row) for row in await fetch_all(tx, query)}


# ---- rows -------------------------------------------------------------------------------------------------------------


class Row(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is kept."""

    row: int
    student_id: str | None
    name: str
    from_school: str | None
    to_school: str | None
    outcome: str
    findings: tuple[Finding, ...] = ()


async def put_rows(tx: AsyncConnection, operation_id: str, rows: Sequence[Row]) -> None:
    await insert_rows(tx, intake_rows, [{"operation_id": operation_id, **msgspec.structs.asdict(row)} for row in rows])


async def taken(tx: AsyncConnection, operation_id: str) -> dict[str, str]:
    """Pupils whom a list moves, and where to."""
    rows = await (await driver(tx)).fetch(
        "SELECT student_id, to_school FROM junior_intake_rows WHERE operation_id = $1 AND outcome = 'taken'",
        operation_id,
    )
    return {row["student_id"]: row["to_school"] for row in rows}


async def page(
    tx: AsyncConnection, operation_id: str, outcome: str | None, after: int, limit: int
) -> list[JuniorIntakeRow]:
    rows = await (await driver(tx)).fetch(
        """SELECT r.row, r.student_id, r.name, coalesce(s.student_number, '') AS student_number, r.from_school,
                  coalesce(f.name, '') AS from_school_name, r.to_school, coalesce(t.name, r.to_school, '')
                  AS to_school_name, r.outcome, r.findings::text AS findings
           FROM junior_intake_rows r
           LEFT JOIN students s ON s.id = r.student_id
           LEFT JOIN LATERAL (SELECT name FROM organisations WHERE code = r.from_school
                              ORDER BY valid_from DESC LIMIT 1) f ON true
           LEFT JOIN LATERAL (SELECT name FROM organisations WHERE code = r.to_school
                              ORDER BY valid_from DESC LIMIT 1) t ON true
           WHERE r.operation_id = $1 AND ($2::text IS NULL OR r.outcome = $2) AND r.row > $3
           ORDER BY r.row LIMIT $4""",
        operation_id,
        outcome,
        after,
        limit,
    )
    return [msgspec.convert({**row, "findings": msgspec.json.decode(row["findings"])}, JuniorIntakeRow) for row in rows]


# ---- places -----------------------------------------------------------------------------------------------------------


async def take_places(tx: AsyncConnection, operation_id: str, year: int, pupils: Mapping[str, int]) -> None:
    """Under the plans' locks (`plans.store.hold`)."""
    rows: list[dict[str, Any]] = [
        {"operation_id": operation_id, "school": school, "school_year": year, "places": count}
        for school, count in pupils.items()
    ]
    await insert_rows(tx, intake_places, rows)


async def give_back_places(tx: AsyncConnection, operation_id: str) -> None:
    await (await driver(tx)).execute("DELETE FROM junior_intake_places WHERE operation_id = $1", operation_id)


# ---- moves ------------------------------------------------------------------------------------------------------------


async def put_moves(tx: AsyncConnection, operation_id: str, goals: Sequence[tuple[str, str, str]]) -> int:
    """Write down where each pupil is and goes; how many. `goals`: student, school, class there."""
    connection = await driver(tx)
    await connection.execute(
        """INSERT INTO record_moves (operation_id, student_id, from_school, from_stage, from_state, from_live,
                                     from_keeper, from_class, from_joined, to_school, to_stage, to_class, to_keeper)
           SELECT $1, s.id, s.school, s.stage, s.state, s.live, s.keeper, m.class_id, m.joined_on,
                  n.school, 'junior', n.class_id, NULL
           FROM unnest($2::text[], $3::text[], $4::text[]) AS n(id, school, class_id) JOIN students s ON s.id = n.id
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL""",
        operation_id,
        [student for student, _, _ in goals],
        [school for _, school, _ in goals],
        [class_id for _, _, class_id in goals],
    )
    found: int = await connection.fetchval("SELECT count(*) FROM record_moves WHERE operation_id = $1", operation_id)
    return found
