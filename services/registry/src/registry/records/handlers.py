"""Students and their journals, for those whose business they are (clauses 3.1, 21.1)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target, may, reach
from regulation.mark import clause
from service_kit.database import fetch_all, fetch_one
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.messages import Query, word
from shared_contracts.registry import (
    GetJournal,
    GetStudent,
    Journal,
    JournalEntry,
    ListStudents,
    StudentPage,
    StudentView,
)
from sqlalchemy.engine import RowMapping

from registry import paging
from registry.context import RegistryWork
from registry.organisations.tables import organisations
from registry.reach import within
from registry.records import journal, store, tables, workload

_s, _m, _k = tables.students.c, tables.class_memberships.c, tables.classes.c
_o = organisations.alias("o")
_FROM = (
    tables.students.outerjoin(tables.class_memberships, sa.and_(_m.student_id == _s.id, _m.left_on.is_(None)))
    .outerjoin(tables.classes, _k.id == _m.class_id)
    .outerjoin(_o, sa.and_(_o.c.code == _s.school, _o.c.valid_to.is_(None)))
)
_FORMER = (
    sa.select(
        sa.func.coalesce(
            sa.func.array_agg(
                sa.dialects.postgresql.aggregate_order_by(
                    tables.former_numbers.c.number, tables.former_numbers.c.ended_at.desc()
                )
            ),
            sa.cast(sa.dialects.postgresql.array([]), sa.ARRAY(sa.Text)),
        )
    )
    .where(tables.former_numbers.c.student_id == _s.id)
    .scalar_subquery()
)
_COLUMNS = (
    *tables.students.c,
    _k.grade,
    _k.class_no,
    _o.c.name.label("school_name"),
    _o.c.authority,
    _FORMER.label("former_numbers"),
)
MOST_PERSONS = 200
NOT_FOUND = "没有这名学生，或者不属于您管理的范围。"


@clause("3.1", "21.1")
async def get_student(work: RegistryWork, query: GetStudent) -> StudentView | Refused:
    row = await _row(work, query.student_id)
    if row is None or not _sees(query, row):
        return refused("not_found", NOT_FOUND)
    return _view(row)


@clause("21.1")
async def get_journal(work: RegistryWork, query: GetJournal) -> Journal | Refused:
    """All entries, and whether the chain is whole."""
    row = await _row(work, query.student_id)
    if row is None or not _sees(query, row):
        return refused("not_found", NOT_FOUND)
    entries = await store.journal_of(work.tx, query.student_id)
    return Journal(
        student_id=query.student_id,
        entries=tuple(
            JournalEntry(
                seq=entry.seq,
                kind=entry.kind,
                clause=entry.clause,
                legal_date=entry.legal_date,
                recorded_at=entry.recorded_at,
                actor=entry.actor,
                content=entry.content or {},
                previous=entry.previous.hex(),
                hash=entry.hash.hex(),
            )
            for entry in entries
        ),
        intact=journal.intact(entries),
    )


@clause("3.1")
async def list_students(work: RegistryWork, query: ListStudents) -> StudentPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    visible = within(reached, school=_s.school, authority=_o.c.authority, grade=_k.grade, class_no=_k.class_no)
    if query.person_ids is not None and len(query.person_ids) > MOST_PERSONS:
        return refused("too_large", f"一次最多查找{MOST_PERSONS}人。")
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    statement = sa.select(*_COLUMNS).select_from(_FROM).where(visible)
    wanted: list[tuple[Any, Any]] = [
        (_s.school, query.school),
        (_k.grade, query.grade),
        (_k.class_no, query.class_no),
        (_s.name, query.name),
    ]
    statement = statement.where(*(column == value for column, value in wanted if value is not None))
    if query.person_ids is not None:
        statement = statement.where(_s.person_id.in_(query.person_ids))
    if after is not None:
        statement = statement.where(sa.tuple_(_s.school, _s.id) > sa.tuple_(*after))
    limit = paging.size(query.limit)
    rows = await fetch_all(work.tx, statement.order_by(_s.school, _s.id).limit(limit + 1))
    kept, cursor = paging.page(rows, limit, lambda row: (row["school"], row["id"]))
    return StudentPage(items=tuple(map(_view, kept)), next_cursor=cursor)


async def _row(work: RegistryWork, student_id: str) -> RowMapping | None:
    return await fetch_one(work.tx, sa.select(*_COLUMNS).select_from(_FROM).where(_s.id == student_id))


def _sees(query: GetStudent | GetJournal, row: RowMapping) -> bool:
    target = Target(school=row["school"], authority=row["authority"], grade=row["grade"], class_no=row["class_no"])
    return may(query.actor, word(query), target)


def _view(row: RowMapping) -> StudentView:
    return StudentView(
        id=row["id"],
        person_id=row["person_id"],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        name=row["name"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        masked_document=row["masked_document"],
        student_number=row["student_number"],
        number_kind=NumberKind(row["number_kind"]),
        former_numbers=tuple(row["former_numbers"]),
        verification=Verification(row["verification"]),
        stage=row["stage"],
        grade=row["grade"],
        class_no=row["class_no"],
        cohort=row["cohort"],
        placement=row["placement"],
        state=row["state"],
        registered_at=row["registered_at"],
        version=row["version"],
    )


QUERIES: dict[type[Query], QueryHandler] = {
    GetStudent: get_student,
    GetJournal: get_journal,
    ListStudents: list_students,
    **workload.QUERIES,
}
