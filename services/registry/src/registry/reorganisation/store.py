"""What a reorganisation asks of the database, and the moves it writes down: set-based, whatever the number of pupils."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection


class ClassOf(msgspec.Struct, frozen=True, kw_only=True):
    """Pupils in school by class; `class_id` None: those without one, by stage."""

    class_id: str | None
    school: str
    stage: str
    cohort: int | None
    grade: int | None
    class_no: int | None
    pupils: int


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """Where records go. `what`: a `pupil` (key: the student), a `class`, all of a school (key) who have no class
    (`classless`) or are not in school any more (`ended`). `stage`, None: as it is."""

    what: str
    key: str
    school: str
    stage: str | None = None
    class_id: str | None = None
    keeper: str | None = None


async def classes_of(tx: AsyncConnection, schools: Sequence[str]) -> list[ClassOf]:
    rows = await (await driver(tx)).fetch(
        """SELECT k.id AS class_id, s.school, coalesce(k.stage, s.stage) AS stage, k.cohort, k.grade, k.class_no,
                  count(*) AS pupils
           FROM students s
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           LEFT JOIN classes k ON k.id = m.class_id
           WHERE s.school = ANY($1::text[]) AND s.live
           GROUP BY k.id, s.school, coalesce(k.stage, s.stage), k.cohort, k.grade, k.class_no
           ORDER BY s.school, k.grade NULLS LAST, k.class_no, stage""",
        list(schools),
    )
    return [ClassOf(**row) for row in rows]


async def class_numbers(tx: AsyncConnection, school: str) -> set[tuple[str, int, int]]:
    """(stage, cohort, number) of every class a school has or had: none is given twice."""
    rows = await (await driver(tx)).fetch("SELECT stage, cohort, class_no FROM classes WHERE school = $1", school)
    return {(row["stage"], row["cohort"], row["class_no"]) for row in rows}


async def sizes(tx: AsyncConnection, class_ids: Sequence[str]) -> dict[str, int]:
    """Pupils of the classes that are there."""
    rows = await (await driver(tx)).fetch(
        """SELECT k.id, count(m.student_id) AS pupils FROM classes k
           LEFT JOIN class_memberships m ON m.class_id = k.id AND m.left_on IS NULL
           WHERE k.id = ANY($1::text[]) GROUP BY k.id""",
        list(class_ids),
    )
    return {row["id"]: row["pupils"] for row in rows}


async def lock_classes(tx: AsyncConnection, class_ids: Sequence[str]) -> None:
    """Who fills a class locks it first, in order."""
    await (await driver(tx)).execute(
        "SELECT FROM classes WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", list(class_ids)
    )


class PupilOf(msgspec.Struct, frozen=True, kw_only=True):
    student_id: str
    class_id: str | None
    stage: str
    cohort: int
    grade: int | None


async def pupils_of(tx: AsyncConnection, school: str, ids: Sequence[str]) -> list[PupilOf]:
    """Those of these pupils who are in school there."""
    rows = await (await driver(tx)).fetch(
        """SELECT s.id AS student_id, m.class_id, s.stage, coalesce(k.cohort, s.cohort) AS cohort, k.grade
           FROM students s
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           LEFT JOIN classes k ON k.id = m.class_id
           WHERE s.id = ANY($1::text[]) AND s.school = $2 AND s.live""",
        list(ids),
        school,
    )
    return [PupilOf(**row) for row in rows]


async def records_of(tx: AsyncConnection, schools: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each school: records of pupils in school, and of others."""
    rows = await (await driver(tx)).fetch(
        """SELECT school, count(*) FILTER (WHERE live) AS live, count(*) FILTER (WHERE NOT live) AS ended
           FROM students WHERE school = ANY($1::text[]) GROUP BY school""",
        list(schools),
    )
    return {row["school"]: (row["live"], row["ended"]) for row in rows}


async def came_later(tx: AsyncConnection, schools: Sequence[str], day: date) -> dict[str, int]:
    """Pupils of each school who came into their class after a day."""
    rows = await (await driver(tx)).fetch(
        """SELECT s.school, count(*) AS pupils FROM students s
           JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           WHERE s.school = ANY($1::text[]) AND m.joined_on > $2 GROUP BY s.school""",
        list(schools),
        day,
    )
    return {row["school"]: row["pupils"] for row in rows}


async def open_admissions(tx: AsyncConnection, schools: Sequence[str]) -> dict[str, int]:
    """New pupils admitted to each school who have no registration yet."""
    rows = await (await driver(tx)).fetch(
        """SELECT school, count(*) AS open FROM admissions
           WHERE school = ANY($1::text[]) AND state = 'open' GROUP BY school""",
        list(schools),
    )
    return {row["school"]: row["open"] for row in rows}


async def open_corrections(tx: AsyncConnection, schools: Sequence[str]) -> dict[str, int]:
    """Corrections of each school's pupils that its principal, its authority or identity has yet to answer."""
    rows = await (await driver(tx)).fetch(
        """SELECT s.school, count(*) AS open FROM corrections n JOIN students s ON s.id = n.student_id
           WHERE n.open AND s.school = ANY($1::text[]) GROUP BY s.school""",
        list(schools),
    )
    return {row["school"]: row["open"] for row in rows}


async def open_registrations(tx: AsyncConnection, schools: Sequence[str]) -> int:
    found: int = await (await driver(tx)).fetchval(
        """SELECT count(*) FROM registrations
           WHERE school = ANY($1::text[]) AND NOT closed AND registered_at IS NULL""",
        list(schools),
    )
    return found


async def in_hand(tx: AsyncConnection, schools: Sequence[str], but: str) -> dict[str, str]:
    """Schools that another operation is to change, with its title: it is approved and has not ended."""
    rows = await (await driver(tx)).fetch(
        """SELECT u.code, min(o.title) AS title FROM operations o CROSS JOIN LATERAL unnest(o.schools) AS u(code)
           WHERE o.state IN ('approved', 'running', 'failed', 'undoing') AND o.id <> $2 AND o.kind <> 'junior_intake'
             AND o.schools && $1::text[] AND u.code = ANY($1::text[])
           GROUP BY u.code""",
        list(schools),
        but,
    )
    return {row["code"]: row["title"] for row in rows}


async def below(tx: AsyncConnection, codes: Sequence[str]) -> dict[str, list[str]]:
    """What stands under each authority now, its schools and others."""
    rows = await (await driver(tx)).fetch(
        """SELECT a.code AS above, o.code FROM unnest($1::text[]) AS a(code)
           JOIN organisations o ON o.valid_to IS NULL AND (o.authority = a.code OR o.parent = a.code)
           ORDER BY a.code, o.code""",
        list(codes),
    )
    found: dict[str, list[str]] = {code: [] for code in codes}
    for row in rows:
        found[row["above"]].append(row["code"])
    return found


async def make_classes(tx: AsyncConnection, school: str, system: str, ids: Sequence[str], like: Sequence[ClassOf],
                       numbers: Sequence[int], stages: Sequence[str]) -> None:  # fmt: skip
    """The classes that others become there: the same cohort and grade, their new stage and number."""
    await (await driver(tx)).execute(
        """INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
           SELECT n.id, $1, n.stage, n.cohort, n.class_no, n.grade, $2
           FROM unnest($3::text[], $4::text[], $5::int[], $6::int[], $7::int[]) AS n(id, stage, cohort, class_no, grade)
           ON CONFLICT DO NOTHING""",
        school,
        system,
        list(ids),
        list(stages),
        [one.cohort for one in like],
        list(numbers),
        [one.grade for one in like],
    )


# A pupil's own goal goes before that of the class. Nested loop: the goals of one school are some dozens.
_MOVES = """
    INSERT INTO record_moves (operation_id, student_id, from_school, from_stage, from_state, from_live, from_keeper,
                              from_class, from_joined, to_school, to_stage, to_class, to_keeper)
    SELECT $1, s.id, s.school, s.stage, s.state, s.live, s.keeper, m.class_id, m.joined_on,
           g.school, coalesce(g.stage, s.stage), g.class_id, g.keeper
    FROM students s
    LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
    CROSS JOIN LATERAL (
        SELECT n.* FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
            AS n(what, key, school, stage, class_id, keeper)
        WHERE n.key = CASE n.what WHEN 'pupil' THEN s.id
                                  WHEN 'class' THEN CASE WHEN s.live THEN m.class_id END
                                  WHEN 'classless' THEN CASE WHEN s.live AND m.class_id IS NULL THEN s.school END
                                  ELSE CASE WHEN NOT s.live THEN s.school END END
        ORDER BY n.what = 'pupil' DESC LIMIT 1) g
    WHERE s.school = ANY($2::text[])
"""


async def put_moves(tx: AsyncConnection, operation_id: str, schools: Sequence[str], goals: Sequence[Goal]) -> int:
    """Write down where each record of these schools goes; how many."""
    connection = await driver(tx)
    await connection.execute(
        _MOVES,
        operation_id,
        list(schools),
        [goal.what for goal in goals],
        [goal.key for goal in goals],
        [goal.school for goal in goals],
        [goal.stage for goal in goals],
        [goal.class_id for goal in goals],
        [goal.keeper for goal in goals],
    )
    return await _count(tx, operation_id)


async def put_entries(tx: AsyncConnection, operation_id: str, schools: Sequence[str]) -> int:
    """Moves that change nothing but the journal: of pupils whose school goes to another authority."""
    await (await driver(tx)).execute(
        """INSERT INTO record_moves (operation_id, student_id, from_school, from_stage, from_state, from_live,
                                     from_keeper, from_class, from_joined, to_school, to_stage, to_class, to_keeper)
           SELECT $1, s.id, s.school, s.stage, s.state, s.live, s.keeper, m.class_id, m.joined_on,
                  s.school, s.stage, m.class_id, s.keeper
           FROM students s LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           WHERE s.school = ANY($2::text[]) AND s.live""",
        operation_id,
        list(schools),
    )
    return await _count(tx, operation_id)


async def _count(tx: AsyncConnection, operation_id: str) -> int:
    found: int = await (await driver(tx)).fetchval(
        "SELECT count(*) FROM record_moves WHERE operation_id = $1", operation_id
    )
    return found


async def left_behind(tx: AsyncConnection, schools: Sequence[str]) -> int:
    """Records that still stand at schools that have ended, and that no authority keeps."""
    found: int = await (await driver(tx)).fetchval(
        "SELECT count(*) FROM students WHERE school = ANY($1::text[]) AND keeper IS NULL", list(schools)
    )
    return found


async def reopen(tx: AsyncConnection, codes: Sequence[str], on: date) -> None:
    """Take back the end of organisations that ended on a day, where nothing has followed."""
    await (await driver(tx)).execute(
        """UPDATE organisations o SET valid_to = NULL, version = o.version + 1
           WHERE o.code = ANY($1::text[]) AND o.valid_to = $2
             AND NOT EXISTS (SELECT FROM organisations n WHERE n.code = o.code AND n.valid_from > o.valid_from)""",
        list(codes),
        on,
    )
