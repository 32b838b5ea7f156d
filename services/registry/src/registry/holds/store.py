"""Every statement about holds, seats and rooms.

Locks in the one order: organisations, classes of the seat's grade (by id), the hold, students. Whoever gives or takes a
seat holds the classes of its grade, so that nobody counts meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
from regulation.school_year import Stage, cohort
from service_kit.database import driver, insert_rows
from shared_contracts.holds import Room, Seat
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.classes import store as classes
from registry.enrolment.plans import store as plans
from registry.holds.tables import change_holds as t
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration.policy import registration_year

_HOLDER = """
SELECT kind FROM change_holds WHERE student_id = {student} AND state = 'held' AND case_id IS DISTINCT FROM $1
"""
# By the primary keys of students and classes, class_memberships_present and change_holds_of_student; whoever is named, by
# students_one_a_person.
_PUPIL = f"""
SELECT s.id, s.person_id, s.school, s.name, s.birth_date, s.state, s.live, s.stage, s.placement, k.grade, k.class_no,
       (SELECT min(i.joined_on) FROM class_memberships i JOIN classes c ON c.id = i.class_id
        WHERE i.student_id = s.id AND c.school = s.school AND (i.left_on IS NULL OR i.left_on > i.joined_on)) AS since,
       ({_HOLDER.format(student="s.id")}) AS held_by
FROM students s
LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
LEFT JOIN classes k ON k.id = m.class_id
"""  # noqa: S608 - our own words


async def of_case(tx: AsyncConnection, case_id: str, *, lock: bool = False) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        f"SELECT * FROM change_holds WHERE case_id = $1{' FOR UPDATE' if lock else ''}",  # noqa: S608 - our own words
        case_id,
    )


async def pupil(tx: AsyncConnection, student_id: str, *, without: str | None = None) -> asyncpg.Record | None:
    """What of a student a change is judged by. `since`: the first day at the present school; `held_by`: the kind of the open
    change case, None without one; `without`: a case that does not count."""
    return await (await driver(tx)).fetchrow(f"{_PUPIL} WHERE s.id = $2", without, student_id)


async def pupil_named(
    tx: AsyncConnection, person_ids: Sequence[str], name: str, *, without: str | None = None
) -> asyncpg.Record | None:
    """The living record of one of these persons under exactly this name, as `pupil` has it."""
    return await (await driver(tx)).fetchrow(
        f"{_PUPIL} WHERE s.person_id = ANY($2::text[]) AND s.name = $3 AND s.live ORDER BY s.id LIMIT 1",
        without,
        list(person_ids),
        name,
    )


async def of_student_held(tx: AsyncConnection, student_id: str) -> asyncpg.Record | None:
    """The hold of the student's open change case, under lock; None without one."""
    return await (await driver(tx)).fetchrow(
        "SELECT * FROM change_holds WHERE student_id = $1 AND state = 'held' FOR UPDATE", student_id
    )


async def lives(tx: AsyncConnection, student_id: str) -> bool:
    """Whether the record still counts among those in school: nobody ends it until the transaction ends."""
    live: bool | None = await (await driver(tx)).fetchval(
        "SELECT live FROM students WHERE id = $1 FOR SHARE", student_id
    )
    return bool(live)


async def released(tx: AsyncConnection, case_id: str) -> None:
    """The student is free, the seat is nobody's; no newer word about the case than there was."""
    await (await driver(tx)).execute(
        """UPDATE change_holds SET state = 'released', seat_school = NULL, seat_cohort = NULL, seat_over = false
           WHERE case_id = $1""",
        case_id,
    )


async def held_by(tx: AsyncConnection, student_id: str, *, without: str | None = None) -> str | None:
    """The kind of the student's open change case, None without one. `without`: a case that does not count."""
    kind: str | None = await (await driver(tx)).fetchval(
        _HOLDER.format(student="$2"),
        without,
        student_id,
    )
    return kind


async def put(
    tx: AsyncConnection,
    case_id: str,
    *,
    kind: str,
    seq: int,
    state: str,
    student_id: str | None,
    seat: Seat | None,
    cohort_year: int | None = None,
    now: datetime,
    first: bool = False,
    expects: bool = False,
) -> bool:
    """The hold as it is from now on; `cohort_year`: of the seat; `expects`: a child without a
    record here.

    False where another case holds the student: the unique index decides, not a look. `first`: the case had none when it was
    looked at, so that a plain insert does it, which needs no savepoint."""
    values: dict[str, Any] = {
        "case_id": case_id,
        "kind": kind,
        "seq": seq,
        "state": state,
        "student_id": student_id,
        "seat_school": seat and seat.school,
        "seat_cohort": cohort_year if seat else None,
        "seat_over": bool(seat and seat.over),
        "since": now,
        "expects": expects,
    }
    if first and await insert_rows(tx, t, [values], on_conflict="DO NOTHING", returning=("case_id",)):
        return True
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in values if name != "case_id")
    try:
        async with tx.begin_nested():
            await insert_rows(tx, t, [values], on_conflict=f"(case_id) DO UPDATE SET {changed}")
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "change_holds_of_student":
            raise
        return False
    return True


async def applied(tx: AsyncConnection, case_id: str, seq: int, went: tuple[str, int] | None) -> None:
    """The record has gone: the pupil sits in a class now, the seat is nobody's. `went`: school and cohort; None where the
    record has stayed (24.4)."""
    await (await driver(tx)).execute(
        """UPDATE change_holds SET state = 'applied', seq = $2, seat_school = NULL, seat_cohort = NULL,
                                   seat_over = false, went_to = $3, went_cohort = $4
           WHERE case_id = $1""",
        case_id,
        seq,
        *(went or (None, None)),
    )


async def whose(tx: AsyncConnection, case_id: str, student_id: str) -> None:
    """The record of a child whom the case has expected."""
    await (await driver(tx)).execute(
        "UPDATE change_holds SET student_id = $2 WHERE case_id = $1", case_id, student_id
    )  # fmt: skip


async def kept(tx: AsyncConnection, school: str, cohorts: Sequence[int]) -> dict[int, int]:
    """Seats of a school that are kept for open cases, by cohort; cohorts without one are left out."""
    rows = await (await driver(tx)).fetch(
        """SELECT seat_cohort, count(*)::int AS n FROM change_holds
           WHERE seat_school = $1 AND seat_cohort = ANY($2::smallint[]) AND state = 'held' GROUP BY 1""",
        school,
        list(cohorts),
    )
    return {row["seat_cohort"]: row["n"] for row in rows}


# All that is counted for a place, as of one moment: the classes of the grade, the seats kept in it, the plan by which it
# entered. Seats by cohort: who is promoted while a case is open keeps the seat. Index scan on change_holds_seats: only open
# cases with a seat are in it. The pupils are counted in the index of the school's living records.
_ROOM = f"""
WITH sizes AS ({classes.OF_GRADE})
SELECT ARRAY(SELECT (boys + girls + on_the_way)::int FROM sizes ORDER BY id) AS sizes, held.of_grade,
       (SELECT count(*) FROM students WHERE school = $1 AND live)::int + held.of_school AS of_school,
       p.places, {plans.NOT_YET_REGISTERED.format("p")} AS admitted
FROM (SELECT count(*) FILTER (WHERE seat_cohort = $3)::int AS of_grade, count(*)::int AS of_school
      FROM change_holds WHERE seat_school = $1 AND state = 'held' AND case_id IS DISTINCT FROM $4) held
LEFT JOIN enrolment_plans p ON p.school = $1 AND p.school_year = $5 AND p.stage = $6 AND p.state = 'in_force'
"""  # noqa: S608 - our own words


async def room(
    tx: AsyncConnection,
    school: SchoolFacts,
    grade: int,
    *,
    standard: int,
    most: int,
    on: date,
    without: str | None = None,
    lock: bool = False,
) -> Room:
    """A grade of a school that carries it. `without`: a case whose own seat does not count; `lock`: nobody else gives or
    takes places of the grade until the transaction ends. `most`: 大校额."""
    year = registration_year(on)
    stage = school.stage_of(grade)
    assert stage is not None
    if lock:
        await lock_grade(tx, school.code, grade, on)
    row = await (await driver(tx)).fetchrow(
        _ROOM, school.code, grade, cohort(grade, year), without, _entered(school, grade, year), stage
    )
    assert row is not None
    sizes, held = tuple(row["sizes"]), row["of_grade"]
    return Room(
        school=school.code,
        grade=grade,
        stage=stage,
        standard=standard,
        sizes=sizes,
        held=held,
        free=max(0, sum(max(0, standard - size) for size in sizes) - held),
        pupils=sum(sizes),
        school_pupils=row["of_school"],
        most_pupils=most,
        plan_places=row["places"],
        admitted=row["admitted"],
    )


async def lock_plan(tx: AsyncConnection, school: SchoolFacts, grade: int, on: date) -> None:
    """The plan by which a grade entered: nobody takes places of it meanwhile. Before the grade (`lock_grade`)."""
    stage = school.stage_of(grade)
    assert stage is not None
    await plans.hold(tx, school.code, _entered(school, grade, registration_year(on)), stage)


def _entered(school: SchoolFacts, grade: int, year: int) -> int:
    """The school year in which a grade came into its stage."""
    stage = school.stage_of(grade)
    return year - (grade - min(g for g in range(1, 10) if school.stage_of(g) is stage))


async def lock_grade(tx: AsyncConnection, school: str, grade: int, on: date) -> None:
    """One giver or taker of a grade's seats at a time. Its classes, which others fill, under lock as well."""
    year = registration_year(on)
    await (await driver(tx)).execute(
        "SELECT pg_advisory_xact_lock(hashtext('seats'), hashtext($1))", f"{school}:{cohort(grade, year)}"
    )
    await classes.hold_grade(tx, school, grade, year)


# Schools of the city that carry the grade with what their classes of it leave; a hash join over the city's classes:
# 400 schools and 6,000 classes in 9 ms.
_NEARBY = """
WITH o AS (
    SELECT o.code, o.division FROM organisations o
    WHERE o.kind = 'school' AND o.valid_to IS NULL AND o.ownership = 'public' AND o.division LIKE $1
      AND $2 = ANY (o.stages) AND o.code <> ALL ($3::text[])
), d AS (
    SELECT * FROM unnest($4::text[], $5::int[]) AS d(division, standard)
), k AS (
    SELECT k.id, k.school FROM o JOIN classes k ON k.school = o.code
    WHERE k.grade = $6 AND k.cohort = $7 AND k.closed_on IS NULL
), n AS (
    SELECT x.class_id, count(*) AS n FROM (
        SELECT m.class_id FROM k JOIN class_memberships m ON m.class_id = k.id AND m.left_on IS NULL
            JOIN students s ON s.id = m.student_id AND s.live
        UNION ALL
        SELECT r.class_id FROM k JOIN registrations r ON r.school = k.school AND r.class_id = k.id
            AND NOT r.closed AND r.registered_at IS NULL
    ) x GROUP BY x.class_id
), h AS (
    SELECT seat_school, count(*) AS held FROM change_holds
    WHERE state = 'held' AND seat_cohort = $7 GROUP BY seat_school
)
SELECT o.code, (sum(greatest(d.standard - coalesce(n.n, 0), 0)) - coalesce(max(h.held), 0))::int AS free
FROM o JOIN d ON d.division = o.division JOIN k ON k.school = o.code LEFT JOIN n ON n.class_id = k.id
LEFT JOIN h ON h.seat_school = o.code
GROUP BY o.code
HAVING sum(greatest(d.standard - coalesce(n.n, 0), 0)) - coalesce(max(h.held), 0) > 0
ORDER BY free DESC, o.code
"""


async def with_room(
    tx: AsyncConnection,
    city: str,
    stage: Stage,
    grade: int,
    standards: Mapping[str, int],
    without: Sequence[str],
    on: date,
) -> dict[str, int]:
    """Public schools of a city (a LIKE pattern of divisions) with free seats in a grade. `standards`: class size by
    division. Whoever is not in it has none, or does not carry the grade."""
    rows = await (await driver(tx)).fetch(
        _NEARBY,
        city,
        stage,
        list(without),
        list(standards),
        list(standards.values()),
        grade,
        cohort(grade, registration_year(on)),
    )
    return {row["code"]: row["free"] for row in rows}


async def divisions_like(tx: AsyncConnection, pattern: str) -> list[str]:
    rows = await (await driver(tx)).fetch(
        """SELECT DISTINCT division FROM organisations
           WHERE kind = 'school' AND valid_to IS NULL AND division LIKE $1 ORDER BY 1""",
        pattern,
    )
    return [row["division"] for row in rows]


async def frozen(tx: AsyncConnection, schools: Sequence[str]) -> list[str]:
    rows = await (await driver(tx)).fetch(
        "SELECT school FROM frozen_schools WHERE school = ANY($1::text[]) ORDER BY 1", list(schools)
    )
    return [row["school"] for row in rows]


class Supervised(NamedTuple):
    """A school with its authority's name and superior; empty: unknown here."""

    facts: SchoolFacts
    authority_name: str
    superior: str


async def supervised(tx: AsyncConnection, codes: Collection[str]) -> dict[str, Supervised]:
    """Schools and their authorities as they are now, by code; what is no school is left out."""
    rows = await (await driver(tx)).fetch(
        """SELECT o.*, coalesce(a.name, '') AS authority_name, coalesce(a.authority, '') AS superior
           FROM organisations o LEFT JOIN organisations a ON a.code = o.authority AND a.valid_to IS NULL
           WHERE o.code = ANY($1::text[]) AND o.kind = 'school' AND o.valid_to IS NULL""",
        list(codes),
    )
    return {row["code"]: Supervised(organisations.facts(row), row["authority_name"], row["superior"]) for row in rows}


async def gone_outside(
    tx: AsyncConnection, student_id: str, case_id: str, on: date, *, division: str, school: str
) -> None:
    """Where a pupil is who is in no school of this province any more."""
    await (await driver(tx)).execute(
        """INSERT INTO outside_places (student_id, since, division, school, case_id) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (student_id, since) DO UPDATE
           SET division = EXCLUDED.division, school = EXCLUDED.school, case_id = EXCLUDED.case_id""",
        student_id,
        on,
        division,
        school,
        case_id,
    )
