"""Students and their journals, for those whose business they are (3.1, 21.1), and copies for former schools (21.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from regulation.mark import clause
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.records import (
    GetJournal,
    GetStudent,
    GetStudentForm,
    Journal,
    JournalEntry,
    ListStudents,
    StudentForm,
    StudentView,
    StudyPlace,
)

from registry.context import RegistryWork
from registry.records import (
    as_of,
    copies,
    forms,
    journal,
    kinds,
    listing,
    looking_back,
    readers,
    store,
    views,
    workload,
)
from registry.study_places import store as study_places

NOT_FOUND = "没有这名学生，或者不属于您管理的范围。"


@clause("3.1", "21.1", "21.2")
async def get_student(work: RegistryWork, query: GetStudent) -> StudentView | Refused:
    """To a school that the student has left, what it keeps: the record as it was on that day."""
    if fault := looking_back.day_fault(work, query.as_of) or looking_back.day_fault(work, query.known_on):
        return fault
    row = await views.row_of(work.tx, query.student_id)
    copy = None
    if row is not None and await readers.reads(work, query.actor, word(query), row):
        present = views.view(row)
    else:
        copy = await copies.seen(work, query.actor, word(query), query.student_id)
        if copy is None:
            return refused("not_found", NOT_FOUND)
        present = copy.kept.student
    if query.as_of is None and query.known_on is None:
        elsewhere = copy is None and row is not None and row["elsewhere"]
        return await _with_study_place(work, present) if elsewhere else present
    entries = await store.said_of(work.tx, query.student_id)
    since = None if row is None or copy is not None else row["school_since"]
    shown = await looking_back.student(work, present, entries, query.as_of, query.known_on, copy, since)
    if shown is None:
        return refused("not_found", looking_back.NOT_YET)
    # What was known of it by a day is not kept, and a copy is of a school that has the record no more.
    plain = copy is None and query.known_on is None
    return await _with_study_place(work, shown, query.as_of) if plain else shown


@clause("24.4")
async def _with_study_place(work: RegistryWork, shown: StudentView, day: date | None = None) -> StudentView:
    place = await (
        study_places.present(work.tx, shown.id) if day is None else study_places.on_day(work.tx, shown.id, day)
    )
    if place is None:
        return shown
    there = StudyPlace(
        school=place["school"], school_name=place["school_name"], since=place["since"], transfer_id=place["case_id"]
    )
    return msgspec.structs.replace(shown, study_place=there)


@clause("14", "21.1", "21.2")
async def get_student_form(work: RegistryWork, query: GetStudentForm) -> StudentForm | Refused:
    """To a former school, as the form was when the student left, and no later."""
    if fault := looking_back.day_fault(work, query.as_of) or looking_back.day_fault(work, query.known_on):
        return fault
    row = await views.row_of(work.tx, query.student_id)
    copy = None
    if row is None or not await readers.reads(work, query.actor, word(query), row):
        copy = await copies.seen(work, query.actor, word(query), query.student_id)
        if copy is None:
            return refused("not_found", NOT_FOUND)
    entries: Sequence[as_of.Told] = ()
    if copy is not None or query.as_of is not None or query.known_on is not None:
        entries = await store.said_of(work.tx, query.student_id)
        if not as_of.counts(entries[0], query.as_of or work.today, query.known_on):
            return refused("not_found", looking_back.NOT_YET)
    form = await forms.shown(work, query.student_id, entries, query.as_of, query.known_on, copy)
    return StudentForm(
        student_id=query.student_id,
        items=forms.items(form),
        as_of=query.as_of,
        known_on=query.known_on,
        copy_as_of=None if copy is None else copy.as_of,
    )


@clause("21.1", "21.2")
async def get_journal(work: RegistryWork, query: GetJournal) -> Journal | Refused:
    """All entries, or those of a day, and whether the whole chain closes. A former school sees none after the leaving."""
    if fault := looking_back.day_fault(work, query.as_of) or looking_back.day_fault(work, query.known_on):
        return fault
    row = await views.row_of(work.tx, query.student_id)
    copy = None
    if row is None or not await readers.reads(work, query.actor, word(query), row):
        copy = await copies.seen(work, query.actor, word(query), query.student_id)
        if copy is None:
            return refused("not_found", NOT_FOUND)
    entries = await store.journal_of(work.tx, query.student_id)
    if copy is not None:
        entries = [entry for entry in entries if entry.seq <= copy.journal_seq]
    day = query.as_of or date.max
    return Journal(
        student_id=query.student_id,
        entries=tuple(shown_entry(entry) for entry in entries if as_of.counts(entry, day, query.known_on)),
        intact=journal.intact(entries),
        copy_as_of=None if copy is None else copy.as_of,
    )


def shown_entry(entry: journal.Entry) -> JournalEntry:
    return JournalEntry(
        seq=entry.seq,
        kind=entry.kind,
        title=kinds.title(entry.kind),
        clause=entry.clause,
        legal_date=entry.legal_date,
        recorded_at=entry.recorded_at,
        actor=entry.actor,
        content=entry.content or {},
        previous=entry.previous.hex(),
        hash=entry.hash.hex(),
    )


QUERIES: dict[type[Query], QueryHandler] = {
    GetStudent: get_student,
    GetStudentForm: get_student_form,
    GetJournal: get_journal,
    ListStudents: listing.list_students,
    **workload.QUERIES,
    **looking_back.QUERIES,
}
