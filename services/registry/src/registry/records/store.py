"""Every statement about classes, students and journal. Writing is set-based: N students, the same few statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from regulation.school_year import cohort
from service_kit.database import driver, insert_rows
from service_kit.ids import derived
from shared_contracts.discreet import Discreet
from shared_contracts.records import StudentState
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.facts import SchoolFacts
from registry.records import tables
from registry.records.journal import Entry, Said

LEARNING = StudentState.IN_SCHOOL
"""A student's state when the record begins; the changes of Chapter 4 bring others."""


class Klass(msgspec.Struct, frozen=True, gc=False):
    """A class as a registration names it: a grade and a number in one school and school year."""

    grade: int
    class_no: int


class NewStudent(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The number that makes a registration a student. `masked`: the number as it may be shown."""

    registration_id: str
    kind: str
    masked: str
    verification: str


class Changed(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A student whose number or verification changes. `former`: the masked number that it replaces."""

    student_id: str
    kind: str
    masked: str
    verification: str
    former: str | None


def class_id(school: SchoolFacts, klass: Klass, school_year: int) -> str:
    """The same class has the same id whoever names it first. Raises ValueError for a grade the school lacks."""
    stage = school.stage_of(klass.grade)
    if stage is None:
        raise ValueError(f"{school.code} does not carry grade {klass.grade}")
    return class_key(school.code, stage, cohort(klass.grade, school_year), klass.class_no)


def class_key(school: str, stage: str, cohort_year: int, class_no: int) -> str:
    """The id of a class by what never changes of it."""
    return derived("class", school, stage, cohort_year, class_no)


async def make_classes(tx: AsyncConnection, school: SchoolFacts, classes: Sequence[Klass], school_year: int) -> None:
    """Classes that are not there yet; those that are stay as they are."""
    await insert_rows(tx, tables.classes, class_rows(school, classes, school_year), on_conflict="DO NOTHING")


def class_rows(school: SchoolFacts, classes: Iterable[Klass], school_year: int) -> list[dict[str, Any]]:
    """Classes as their table has them."""
    return [
        {
            "id": class_id(school, klass, school_year),
            "school": school.code,
            "stage": school.stage_of(klass.grade),
            "cohort": cohort(klass.grade, school_year),
            "class_no": klass.class_no,
            "grade": klass.grade,
            "system": school.system,
        }
        for klass in classes
    ]


async def register(
    tx: AsyncConnection, students: Sequence[NewStudent], now: datetime, today: date
) -> list[asyncpg.Record]:
    """Registrations become students: number on the registration, student, membership; one statement for all.

    The rows come from `registrations` on the server; nothing of the pupil travels. Returns id, roster_id, school of
    those done, their class, and the transfer from another province by which one has come (`arrival`). The caller has locked
    the registrations and checked that none has a number.
    """
    return await (await driver(tx)).fetch(
        """
        WITH n AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                AS n(id, kind, masked, verification)
        ), done AS (
            UPDATE registrations r
            SET student_number = n.masked, number_kind = n.kind, verification = n.verification, registered_at = $5
            FROM n WHERE r.id = n.id
            RETURNING r.*
        ), s AS (
            INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document,
                                  student_number, number_kind, verification, stage, cohort, placement, state,
                                  registered_at)
            SELECT d.id, d.person_id, d.school, d.name, d.sex, d.birth_date, d.document_kind, d.masked_document,
                   d.student_number, d.number_kind, d.verification, c.stage, c.cohort, d.placement, $6, $5
            FROM done d JOIN classes c ON c.id = d.class_id
        ), m AS (
            INSERT INTO class_memberships (student_id, joined_on, class_id)
            SELECT id, $7, class_id FROM done
        )
        SELECT d.id, d.person_id, d.school, d.roster_id, d.grade, d.class_no, d.class_id, d.placement, d.kind,
               d.school_year, d.enrolled_month, d.decision_id, d.student_number, d.number_kind, d.verification,
               c.stage, c.cohort,
               (SELECT a.case_id FROM expected_arrivals a WHERE a.registration_id = d.id) AS arrival
        FROM done d JOIN classes c ON c.id = d.class_id
        """,
        [student.registration_id for student in students],
        [student.kind for student in students],
        [student.masked for student in students],
        [student.verification for student in students],
        now,
        LEARNING,
        today,
    )


async def lock_students(tx: AsyncConnection, ids: Sequence[str]) -> list[asyncpg.Record]:
    """Students under lock, in the order of their ids, each with the end of its journal's chain.

    Two statements: one that has waited for a lock still reads other tables as they were before the wait, and would follow
    an entry that is the last no more.
    """
    connection = await driver(tx)
    await connection.execute("SELECT 1 FROM students WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", list(ids))
    return await connection.fetch(
        """
        SELECT s.id, s.person_id, s.school, s.student_number, s.number_kind, s.verification, s.version,
               j.seq AS journal_seq, j.hash AS journal_hash
        FROM students s
        CROSS JOIN LATERAL (
            SELECT seq, hash FROM journal WHERE student_id = s.id ORDER BY seq DESC LIMIT 1
        ) j
        WHERE s.id = ANY($1::text[]) ORDER BY s.id
        """,
        list(ids),
    )


async def change_numbers(tx: AsyncConnection, changes: Sequence[Changed], now: datetime) -> None:
    """Numbers and verifications of students and of their registrations; a replaced number stays findable."""
    await (await driver(tx)).execute(
        """
        WITH n AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                AS n(id, kind, masked, verification, former)
        ), s AS (
            UPDATE students s SET student_number = n.masked, number_kind = n.kind,
                                  verification = n.verification, version = s.version + 1
            FROM n WHERE s.id = n.id
        ), r AS (
            UPDATE registrations r SET student_number = n.masked, number_kind = n.kind,
                                       verification = n.verification, revision = r.revision + 1
            FROM n WHERE r.id = n.id
        )
        INSERT INTO former_numbers (student_id, ended_at, number)
        SELECT id, $6, former FROM n WHERE former IS NOT NULL
        """,
        [change.student_id for change in changes],
        [change.kind for change in changes],
        [change.masked for change in changes],
        [change.verification for change in changes],
        [change.former for change in changes],
        now,
    )


async def append(tx: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Entries of any number of students; the primary key refuses two entries with one number."""
    await insert_rows(tx, tables.journal, [msgspec.structs.asdict(entry) for entry in entries])


async def journal_of(tx: AsyncConnection, student_id: str) -> list[Entry]:
    """A student's whole journal, first to last."""
    return (await journals_of(tx, [student_id]))[student_id]


async def journals_of(tx: AsyncConnection, student_ids: Sequence[str]) -> dict[str, list[Entry]]:
    """Whole journals of some students, each first to last."""
    rows = await (await driver(tx)).fetch(
        """
        SELECT student_id, seq, kind, clause, legal_date, recorded_at, actor, content::text AS content, salt, digest,
               previous, hash
        FROM journal WHERE student_id = ANY($1::text[]) ORDER BY student_id, seq
        """,
        list(student_ids),
    )
    found: dict[str, list[Entry]] = {student_id: [] for student_id in student_ids}
    for row in rows:
        found[row["student_id"]].append(_entry(row))
    return found


async def said_of(tx: AsyncConnection, student_id: str) -> list[Said]:
    """What a student's entries say, first to last: a third of the bytes, for looking back."""
    rows = await (await driver(tx)).fetch(
        """SELECT seq, kind, legal_date, recorded_at, content::text AS content
           FROM journal WHERE student_id = $1 ORDER BY seq""",
        student_id,
    )
    decode = msgspec.json.decode
    return [
        Said(seq=seq, kind=kind, legal_date=legal, recorded_at=recorded, content=None if text is None else decode(text))
        for seq, kind, legal, recorded, text in rows
    ]


def _entry(row: Any) -> Entry:
    content = row["content"]
    return Entry(**{**row, "content": None if content is None else msgspec.json.decode(content)})
