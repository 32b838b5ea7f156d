"""A student, a class, a school as of a day (clauses 21.1, 44): who was where, and what the records said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from regulation.authorisation import MISSING, Target, check
from regulation.mark import clause
from regulation.school_year import grade_of_cohort, school_year_of_entry
from service_kit.database import driver
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.records import (
    ClassAsOf,
    Classmate,
    ClassRollAsOf,
    GetClassAsOf,
    GetSchoolAsOf,
    SchoolAsOf,
    StudentView,
)

from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.records import as_of, store, views
from registry.records.as_of import Told
from registry.records.copies import Copy

NOT_YET = "这一天还没有建立学籍。请选择建立学籍当日或之后的日期。"
NOT_THEN = "这一天没有这所学校。请核对代码和日期。"


def day_fault(work: RegistryWork, day: date | None) -> Refused | None:
    """The past can be looked at, the future is not known."""
    if day is None or day <= work.today:
        return None
    return refused("invalid", f"日期{day}晚于今天。请选择今天或以前的日期。")


@clause("21.1", "21.2", "44")
async def student(
    work: RegistryWork,
    present: StudentView,
    entries: Sequence[Told],
    day: date | None,
    known_on: date | None,
    copy: Copy | None = None,
    named_since: date | None = None,
) -> StudentView | None:
    """The record on a day, today where only `known_on` is given; None where there was none. `copy`: what a former school
    keeps: it knows of nothing from the leaving on. `named_since`: since when the present school is called what it is."""
    on = day or work.today
    if copy is not None:
        entries = [entry for entry in entries if entry.seq < copy.journal_seq]
        on = min(on, copy.as_of)
    shown = as_of.fold(entries, present, on, known_on)
    if shown is None:
        return None
    if shown.school == present.school and named_since is not None and named_since <= on:
        return shown
    record = await organisations.record(work.tx, shown.school, on)
    name = shown.school_name if record is None else record.organisation.name
    return msgspec.structs.replace(shown, school_name=name)


_CLASSES = """
SELECT k.id, k.school, k.stage, k.cohort, k.grade, k.class_no, count(m.student_id) AS students
FROM classes k JOIN class_memberships m ON m.class_id = k.id
WHERE {which} AND m.joined_on <= $2 AND (m.left_on IS NULL OR m.left_on > $2)
GROUP BY k.id ORDER BY k.cohort DESC, k.class_no
"""


@clause("21.1", "44")
async def school_as_of(work: RegistryWork, query: GetSchoolAsOf) -> SchoolAsOf | Refused:
    if fault := day_fault(work, query.as_of):
        return fault
    target = await _target(work, query.school)
    if no := check(query.actor, word(query), target):
        return no
    record = await organisations.record(work.tx, query.school, query.as_of)
    if record is None or record.organisation.kind != "school":
        return refused("not_found", NOT_THEN)
    rows = await (await driver(work.tx)).fetch(_CLASSES.format(which="k.school = $1"), query.school, query.as_of)
    classes = tuple(_class(row, query.as_of) for row in rows)
    return SchoolAsOf(
        school=query.school,
        school_name=record.organisation.name,
        authority=record.organisation.authority or "",
        as_of=query.as_of,
        classes=classes,
        students=sum(klass.students for klass in classes),
    )


@clause("21.1", "44")
async def class_as_of(work: RegistryWork, query: GetClassAsOf) -> ClassRollAsOf | Refused:
    """Names, numbers and states as the records were on that day, also of those who have left since."""
    if fault := day_fault(work, query.as_of):
        return fault
    connection = await driver(work.tx)
    known = await connection.fetchrow("SELECT school, grade, class_no FROM classes WHERE id = $1", query.class_id)
    if known is None:
        return refused("not_found", MISSING)
    target = await _target(work, known["school"], known["grade"], known["class_no"])
    if no := check(query.actor, word(query), target):
        return no
    record = await organisations.record(work.tx, known["school"], query.as_of)
    rows = await connection.fetch(_CLASSES.format(which="k.id = $1"), query.class_id, query.as_of)
    if record is None or not rows:
        return refused("not_found", "这一天这个班没有学生。")
    members = await connection.fetch(
        """SELECT student_id, joined_on, left_on FROM class_memberships
           WHERE class_id = $1 AND joined_on <= $2 AND (left_on IS NULL OR left_on > $2)""",
        query.class_id,
        query.as_of,
    )
    rows_of = await views.rows_of(work.tx, [row["student_id"] for row in members])
    presents = {key: views.view(row) for key, row in rows_of.items()}
    journals = await store.journals_of(work.tx, list(presents))
    items = []
    for row in members:
        present = presents[row["student_id"]]
        shown = as_of.fold(journals[present.id], present, query.as_of) or present
        left = row["left_on"]
        items.append(
            Classmate(
                student_id=present.id,
                name=shown.name,
                sex=shown.sex,
                student_number=shown.student_number,
                state=shown.state,
                joined_on=row["joined_on"],
                left_on=left,
            )
        )
    return ClassRollAsOf(
        school=known["school"],
        school_name=record.organisation.name,
        as_of=query.as_of,
        klass=_class(rows[0], query.as_of),
        items=tuple(sorted(items, key=lambda item: (item.name, item.student_id))),
    )


async def _target(work: RegistryWork, school: str, grade: int | None = None, class_no: int | None = None) -> Target:
    record = await organisations.record(work.tx, school)
    authority = None if record is None else record.organisation.authority
    return Target(school=school, authority=authority, grade=grade, class_no=class_no)


def _class(row: Any, day: date) -> ClassAsOf:
    """A class had the grade of its cohort in that school year, and was never ahead of where it is now."""
    then = grade_of_cohort(row["cohort"], school_year_of_entry(day.year, day.month))
    return ClassAsOf(
        id=row["id"],
        stage=row["stage"],
        cohort=row["cohort"],
        grade=max(1, min(row["grade"], then)),
        class_no=row["class_no"],
        students=row["students"],
    )


QUERIES: dict[type[Query], QueryHandler] = {GetSchoolAsOf: school_as_of, GetClassAsOf: class_as_of}
"""Taken into the table of `records.handlers`."""
