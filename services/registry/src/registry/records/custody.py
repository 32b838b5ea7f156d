"""Passing custody: a student and the record go to another school, which keeps it from then on (clause 21.2).

The old school is left a sealed copy as of that day. Nothing here decides whether a student may move: the cases that do
(transfers, mergers of schools) call this as their last act, in their own transaction. `pass_records` is the core, for
any number of students; `pass_custody` moves one, with what is to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec
from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.database import driver, insert_rows
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.discreet import Discreet
from shared_contracts.records import CustodyPassed, StudentView

from registry.context import RegistryWork
from registry.handover.leaving import Leaving, records_left
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
    year = registration_year(on)
    await store.make_classes(work.tx, to_school, [klass], year)
    passing = Passing(
        student_id=student_id,
        school=to_school.code,
        stage=stage,
        class_id=store.class_id(to_school, klass, year),
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
    await pass_records(work, [passing], kind=KIND, clause_id=clause_id, on=on, actor=actor.account)
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


class Passing(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """Where one record goes. `school`: who keeps it from then on; `class_id`: None where the pupil has no class yet.

    `keeper`: the authority that keeps it itself, because its school is no more. `learning`: whether the pupil is in
    school there, whatever the record said before (a graduate who goes on to junior school). `placement`: how the pupil is
    placed there, None: as before. `content`: of the entry.
    """

    student_id: str
    school: str
    stage: str
    class_id: str | None
    keeper: str | None = None
    learning: bool = False
    placement: str | None = None
    content: Mapping[str, Any] = MappingProxyType({})


@clause("21.1", "21.2")
async def pass_records(
    work: RegistryWork, passings: Sequence[Passing], *, kind: str, clause_id: str, on: date, actor: str
) -> dict[str, int]:
    """Pass records of any number of students in a constant number of statements; the journal's number of each one's entry.

    A sealed copy stays with the school that a record leaves, which owes the new one the paper (`handover`). Where school and
    class stay, only the journal tells. Nothing is judged here and nobody is told: that is for the caller. Raises ValueError
    for a student who is not there.
    """
    ids = [one.student_id for one in passings]
    locked = {row["id"]: row for row in await store.lock_students(work.tx, ids)}
    if missing := set(ids) - set(locked):
        raise ValueError(f"no such students: {sorted(missing)[:3]}")
    entries = [
        journal.entry(
            one.student_id,
            (locked[one.student_id]["journal_seq"], locked[one.student_id]["journal_hash"]),
            kind=kind,
            clause=clause_id,
            legal_date=on,
            recorded_at=work.now,
            actor=actor,
            content=one.content,
        )
        for one in passings
    ]
    leaving = {one.student_id for one in passings if locked[one.student_id]["school"] != one.school}
    await _leave_copies(work, [entry for entry in entries if entry.student_id in leaving])
    await store.append(work.tx, entries)
    await _move(work, passings, on)
    seqs = {entry.student_id: entry.seq for entry in entries}
    await records_left(
        work,
        [
            Leaving(
                student_id=one.student_id,
                journal_seq=seqs[one.student_id],
                from_school=locked[one.student_id]["school"],
                to_school=one.school,
            )
            for one in passings
            if one.student_id in leaving
            # Its paper goes to where no receipt of ours reaches, or comes from there.
            and PROVINCE not in (one.school, locked[one.student_id]["school"])
        ],
        on,
    )
    return seqs


async def _leave_copies(work: RegistryWork, entries: Sequence[journal.Entry]) -> None:
    """What each student's school keeps, as of the entry by which the student leaves."""
    ids = [entry.student_id for entry in entries]
    students = await views.rows_of(work.tx, ids)
    registrations = await queries.views(work, ids)
    rows = []
    for entry in entries:
        student = views.view(students[entry.student_id])
        registration = registrations.get(entry.student_id)
        as_of = entry.legal_date
        kept = copies.Kept(
            student=msgspec.structs.replace(student, copy_as_of=as_of),
            registration=msgspec.structs.replace(registration, copy_as_of=as_of)
            if registration is not None and registration.school == student.school
            else None,
        )
        context = copies.context(student.id, student.school, entry.seq)
        rows.append(
            {
                "student_id": student.id,
                "school": student.school,
                "journal_seq": entry.seq,
                "as_of": as_of,
                "copied_at": work.now,
                "sealed": work.deps.cipher.seal_bytes(msgspec.json.encode(kept), context),
            }
        )
    await insert_rows(work.tx, tables.student_copies, rows)


async def _move(work: RegistryWork, passings: Sequence[Passing], on: date) -> None:
    connection = await driver(work.tx)
    await connection.execute(
        """UPDATE students s SET school = n.school, stage = n.stage, keeper = n.keeper, version = s.version + 1,
                                 state = CASE WHEN n.learning THEN $6 ELSE s.state END, live = s.live OR n.learning,
                                 placement = coalesce(n.placement, s.placement)
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $7::text[])
               AS n(id, school, stage, keeper, learning, placement)
           WHERE s.id = n.id""",
        [one.student_id for one in passings],
        [one.school for one in passings],
        [one.stage for one in passings],
        [one.keeper for one in passings],
        [one.learning for one in passings],
        store.LEARNING,
        [one.placement for one in passings],
    )
    ids = [one.student_id for one in passings]
    classes = [one.class_id for one in passings]
    # Who came and leaves on one day has been in one class that day: the last one, or in none.
    await connection.execute(
        """UPDATE class_memberships m SET left_on = $3
           FROM unnest($1::text[], $2::text[]) AS n(id, class_id)
           WHERE m.student_id = n.id AND m.left_on IS NULL AND m.class_id IS DISTINCT FROM n.class_id
             AND (m.joined_on < $3 OR n.class_id IS NULL)""",
        ids,
        classes,
        on,
    )
    await connection.execute(
        """INSERT INTO class_memberships (student_id, joined_on, class_id)
           SELECT n.id, $3, n.class_id FROM unnest($1::text[], $2::text[]) AS n(id, class_id)
           WHERE n.class_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM class_memberships m
                             WHERE m.student_id = n.id AND m.left_on IS NULL AND m.class_id = n.class_id)
           ON CONFLICT (student_id, joined_on) DO UPDATE SET class_id = EXCLUDED.class_id, left_on = NULL""",
        ids,
        classes,
        on,
    )


async def _joined(work: RegistryWork, student_id: str) -> date | None:
    """Since when the student is in the present class."""
    day: date | None = await (await driver(work.tx)).fetchval(
        "SELECT joined_on FROM class_memberships WHERE student_id = $1 AND left_on IS NULL", student_id
    )
    return day
