"""Passing custody: a student and the record go to another school, which keeps it from then on (clause 21.2).

The old school is left a sealed copy as of that day. Nothing here decides whether a student may move: the cases that do
(transfers, mergers of schools) call this as their last act, in their own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
from regulation.mark import clause
from service_kit.database import driver, insert_rows
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.records import CustodyPassed, StudentView
from shared_contracts.registry import RegistrationView

from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records import copies, journal, kinds, store, tables, views
from registry.records.store import Klass
from registry.registration import queries
from registry.registration.policy import registration_year

KIND = kinds.CUSTODY_PASSED


@clause("21.1", "21.2")
async def pass_custody(
    work: RegistryWork,
    student_id: str,
    to_school: SchoolFacts,
    klass: Klass,
    *,
    actor: Actor,
    on: date,
    clause_id: str = "21.2",
    content: Mapping[str, Any] | None = None,
) -> StudentView | Refused:
    """Move a student to a class of another school from a day on; the record as the new school sees it.

    `clause_id`, `content`: by which clause, and what the journal's entry says besides (the case, its document). Refused:
    no such student, the same school, a grade that the school lacks, a day before the student came or after today.
    Raises SchoolChanged where `to_school` is not any more what these facts say.
    """
    locked = await store.lock_students(work.tx, [student_id])
    row = await views.row_of(work.tx, student_id)
    if not locked or row is None or not row["live"]:
        return refused("not_found", "没有这名在籍学生。")
    stage = to_school.stage_of(klass.grade)
    joined = await _joined(work, student_id)
    if row["school"] == to_school.code:
        return refused("conflict", "学生已经在这所学校。")
    if stage is None:
        return refused("refused", f"{to_school.name}没有{klass.grade}年级。")
    if on > work.today or (joined is not None and on < joined):
        return refused("invalid", "转入日期不能晚于今天，也不能早于学生到原学校的日期。")
    await organisations.hold(work.tx, to_school)
    entry = journal.entry(
        student_id,
        (locked[0]["journal_seq"], locked[0]["journal_hash"]),
        kind=KIND,
        clause=clause_id,
        legal_date=on,
        recorded_at=work.now,
        actor=actor.account,
        content={
            **(content or {}),
            "from_school": row["school"],
            "to_school": to_school.code,
            **kinds.changed(
                {name: row[name] for name in ("school", "stage", "grade", "class_no")},
                {"school": to_school.code, "stage": str(stage), "grade": klass.grade, "class_no": klass.class_no},
            ),
        },
    )
    await _leave_copy(work, views.view(row), entry)
    await store.append(work.tx, [entry])
    await _move(work, student_id, to_school, klass, stage, on)
    work.emit(
        CustodyPassed(
            registration_id=student_id,
            person_id=row["person_id"],
            from_school=row["school"],
            to_school=to_school.code,
        ),
        student_id,
    )
    moved = await views.row_of(work.tx, student_id)
    assert moved is not None
    return views.view(moved)


async def _leave_copy(work: RegistryWork, student: StudentView, entry: journal.Entry) -> None:
    as_of = entry.legal_date
    registration = await queries.view(work, student.id)
    kept = copies.Kept(
        student=msgspec.structs.replace(student, copy_as_of=as_of),
        registration=msgspec.structs.replace(registration, copy_as_of=as_of)
        if isinstance(registration, RegistrationView) and registration.school == student.school
        else None,
    )
    context = copies.context(student.id, student.school, entry.seq)
    await insert_rows(
        work.tx,
        tables.student_copies,
        [
            {
                "student_id": student.id,
                "school": student.school,
                "journal_seq": entry.seq,
                "as_of": as_of,
                "copied_at": work.now,
                "sealed": work.deps.cipher.seal_bytes(msgspec.json.encode(kept), context),
            }
        ],
    )


async def _move(work: RegistryWork, student_id: str, school: SchoolFacts, klass: Klass, stage: str, on: date) -> None:
    year = registration_year(on)
    await store.make_classes(work.tx, school, [klass], year)
    connection = await driver(work.tx)
    await connection.execute(
        "UPDATE students SET school = $2, stage = $3, version = version + 1 WHERE id = $1",
        student_id,
        school.code,
        stage,
    )
    # Who came and leaves on one day has been in one class that day: the last one.
    await connection.execute(
        "UPDATE class_memberships SET left_on = $2 WHERE student_id = $1 AND left_on IS NULL AND joined_on < $2",
        student_id,
        on,
    )
    await connection.execute(
        """INSERT INTO class_memberships (student_id, joined_on, class_id) VALUES ($1, $2, $3)
           ON CONFLICT (student_id, joined_on) DO UPDATE SET class_id = EXCLUDED.class_id, left_on = NULL""",
        student_id,
        on,
        store.class_id(school, klass, year),
    )


async def _joined(work: RegistryWork, student_id: str) -> date | None:
    """Since when the student is in the present class."""
    day: date | None = await (await driver(work.tx)).fetchval(
        "SELECT joined_on FROM class_memberships WHERE student_id = $1 AND left_on IS NULL", student_id
    )
    return day
