"""Lists of pupils that end where their page ends, however many there are: school by school, the first page from the first.

One condition over two million records joined to classes and organisations lets the planner choose: it would walk all pupils
before a county whose schools come late, or sort them all. So the schools within reach are taken first, in order, and each
gives no more rows than a page has (LATERAL with LIMIT), driven by its classes where a class or a grade is asked for.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Reach, is_school, reach
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit import paging
from service_kit.database import fetch_all
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import word
from shared_contracts.records import ListStudents, StudentPage, StudentState

from registry.clearing import merging
from registry.context import RegistryWork
from registry.organisations.tables import organisations
from registry.reach import within
from registry.records import tables, views

MOST_PERSONS = 200
_s, _k = tables.students.c, tables.classes.c
_school = organisations.alias("listed_school")
_PRIMARY_UP_TO, _JUNIOR_FROM = 5, 7  # grade 6 is either, as the school's system has it


def schools(
    reached: Reach, only: str | None, after: str | None, grade: int | None = None, *, former: bool = False
) -> sa.Subquery:
    """Codes of the schools whose pupils an account may see, in order, from the one where the page begins.

    `former`: also those that are closed, or were once within reach: for rows that say themselves who may see them.
    """
    code, authority = _school.c.code, _school.c.authority
    # Which classes of the own school: that is for the rows. Anything but codes is not known here.
    visible = within(reached, school=code, authority=authority, grade=sa.literal(None), class_no=sa.literal(None))
    if reached.classes_of is not None:
        visible = sa.or_(visible, code == reached.classes_of)
    chosen = sa.select(code).where(_school.c.kind == "school", visible)
    chosen = chosen.distinct() if former else chosen.where(_school.c.valid_to.is_(None))
    if only is not None:
        chosen = chosen.where(code == only)
    if after is not None:
        chosen = chosen.where(code >= after)
    if grade is not None and not _PRIMARY_UP_TO < grade < _JUNIOR_FROM:
        stage = Stage.JUNIOR if grade >= _JUNIOR_FROM else Stage.PRIMARY
        chosen = chosen.where(sa.literal(stage.value) == sa.any_(_school.c.stages))
    return chosen.order_by(code).subquery("schools")


# A county officer's first page: Limit > Incremental Sort (Presorted Key: code) > Nested Loop > Index Scan using
# organisations_… > Limit > Index Scan using students_of_school; benchmarks/search.md has the plans at two million.
@clause("3.1")
async def list_students(work: RegistryWork, query: ListStudents) -> StudentPage | Refused:
    """By school and id. Refused: an account that sees none, more than 200 persons, a cursor that is none."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    if query.person_ids is not None and len(query.person_ids) > MOST_PERSONS:
        return refused("too_large", f"一次最多查找{MOST_PERSONS}人。")
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await fetch_all(work.tx, statement(query, reached, after, limit + 1))
    kept, cursor = paging.page(rows, limit, lambda row: (row["school"], row["id"]))
    return StudentPage(items=tuple(map(views.view, kept)), next_cursor=cursor)


def statement(query: ListStudents, reached: Reach, after: paging.Key | None, most: int) -> sa.Select[Any]:
    pupils = sa.select(*views.COLUMNS).select_from(_sources(query)).where(*_conditions(query, reached, after))
    if query.person_ids is not None:
        named = _s.id.in_(merging.found_by(tables.students, query.person_ids))  # a double's number finds what was kept
        return pupils.where(named).order_by(_s.school, _s.id).limit(most)
    if reached.everything:  # the system itself; students of a school that is closed, too
        return pupils.order_by(_s.school, _s.id).limit(most)
    # Closed schools too: their records may be kept by an authority (21.3).
    of = schools(reached, query.school, None if after is None else str(after[0]), query.grade, former=True)
    own = pupils.where(_s.school == of.c.code).order_by(_s.id).limit(most).correlate(of).lateral("pupils")
    return sa.select(own).select_from(of.join(own, sa.true())).order_by(of.c.code, own.c.id).limit(most)


def _sources(query: ListStudents) -> sa.FromClause:
    return views.FROM if query.grade is None and query.class_no is None else views.FROM_CLASSES


def _conditions(query: ListStudents, reached: Reach, after: paging.Key | None) -> list[sa.ColumnElement[bool]]:
    asked: tuple[tuple[Any, Any], ...] = (
        (_s.school, query.school),
        (_k.grade, query.grade),
        (_k.class_no, query.class_no),
        (_s.stage, query.stage),
        (_s.state, query.state),
        (_s.placement, query.placement),
    )
    visible = within(reached, school=_s.school, authority=views.AUTHORITY, grade=_k.grade, class_no=_k.class_no)
    found = [visible, *(column == value for column, value in asked if value is not None)]
    if is_school(query.actor.organisation):  # a cancelled record stays readable to the authorities (22)
        found.append(_s.state != str(StudentState.CANCELLED))
    if after is not None:
        found.append(sa.tuple_(_s.school, _s.id) > sa.tuple_(*after))
    return found
