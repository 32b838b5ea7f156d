"""Searching for pupils. The index proposes, the records decide: what is shown matches as it stands, and within reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, is_school, reach
from regulation.mark import clause
from service_kit import paging
from service_kit.database import fetch_all
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.records import StudentState
from shared_contracts.search import FoundPage, FoundStudent, Matched, SearchStudents
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.engine import RowMapping

from registry.clearing import merging
from registry.context import RegistryWork
from registry.reach import within
from registry.records import tables, views
from registry.search import candidates, terms
from registry.search.candidates import START, Place
from registry.search.tables import entries, former_names

MOST_EXAMINED = 1_000
"""Candidates of one request, however few of them the filters leave: then the page ends, and the next one goes on."""
MOST_PERSONS = 200

_s, _k, _e, _f = tables.students.c, tables.classes.c, entries.c, former_names.c
_NAMES = (
    sa.select(
        sa.func.coalesce(
            sa.func.array_agg(aggregate_order_by(_f.name, _f.ended_at.desc())), sa.cast(array([]), sa.ARRAY(sa.Text))
        )
    )
    .where(_f.student_id == _s.id)
    .scalar_subquery()
    .label("former_names_of_person")
)
_FROM = views.FROM.outerjoin(entries, _e.student_id == _s.id)
_COLUMNS = (*views.COLUMNS, _e.n, _e.terms, _NAMES)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A query as it is carried out. `text`: folded."""

    query: SearchStudents
    text: str | None
    reached: Reach
    conditions: tuple[sa.ColumnElement[bool], ...]

    @property
    def narrowed(self) -> bool:
        return len(self.conditions) > 1

    def found(self, row: RowMapping) -> FoundStudent | None:
        matched: tuple[Matched, str | None] | None = (Matched.NUMBER, None)
        if self.text is not None:
            matched = terms.found(self.text, row["name"], row["former_names_of_person"], exact=self.query.exact)
        if matched is None:
            return None
        why = Matched.NUMBER if self.query.person_ids is not None else matched[0]
        return FoundStudent(**msgspec.structs.asdict(views.view(row)), matched=why, former_name=matched[1])


@clause("3.1", "15.4", "45.1")
async def search_students(work: RegistryWork, query: SearchStudents) -> FoundPage | Refused:
    """Refused: nothing to look for, no query that can find anybody, more than 200 persons, a cursor that is none."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    text = None if query.text is None else terms.readable(query.text)
    if isinstance(text, Refused):
        return text
    if text is None and query.person_ids is None:
        return refused("invalid", "请输入姓名、拼音、拼音首字母或号码。")
    if query.person_ids is not None and len(query.person_ids) > MOST_PERSONS:
        return refused("too_large", f"一次最多查找{MOST_PERSONS}人。")
    after = paging.decode(query.cursor, str, str, paging.Long)
    if isinstance(after, Refused):
        return after
    place = START if after is None else Place(str(after[0]), str(after[1]), int(after[2]))
    if not 0 <= place.n < 2**63:
        return refused("invalid", paging.NO_CURSOR)
    wanted = Wanted(query=query, text=text, reached=reached, conditions=_conditions(query, reached))
    if query.person_ids is not None:
        return await _by_persons(work, wanted)
    return await _by_text(work, wanted, place)


def _conditions(query: SearchStudents, reached: Reach) -> tuple[sa.ColumnElement[bool], ...]:
    """What a record has to fulfil besides the text; the first is the actor's reach."""
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
    return tuple(found)


async def _by_persons(work: RegistryWork, wanted: Wanted) -> FoundPage:
    """A number is one person's, seldom two's: one page holds them all."""
    statement = sa.select(*_COLUMNS).select_from(_FROM).where(*wanted.conditions)
    named = merging.found_by(tables.students, wanted.query.person_ids or ())  # a double's number finds what was kept
    statement = statement.where(_s.id.in_(named)).order_by(_s.school, _s.id)
    rows = await fetch_all(work.tx, statement.limit(MOST_PERSONS))
    found = [one for one in map(wanted.found, rows) if one is not None]
    return FoundPage(items=tuple(found), examined=len(rows))


async def _by_text(work: RegistryWork, wanted: Wanted, after: Place) -> FoundPage:
    limit = paging.size(wanted.query.limit)
    items: list[FoundStudent] = []
    examined, step = 0, limit + 1
    while True:
        # With one more than is looked at it is known whether there are others.
        proposed = await _propose(work, wanted, after, step + 1)
        places, more = proposed[:step], len(proposed) > step
        rows = await _rows(work, wanted, places)
        for place in places:
            after, examined = place, examined + 1
            row = rows.get(place.n)
            if row is not None and _first(place, row, wanted) and (one := wanted.found(row)) is not None:
                items.append(one)
                if len(items) == limit:
                    more = more or place is not places[-1]
                    break
        if len(items) == limit or not more or examined >= MOST_EXAMINED:
            return FoundPage(items=tuple(items), next_cursor=paging.encode(*after) if more else None, examined=examined)
        step = min(4 * step, MOST_EXAMINED - examined)


async def _propose(work: RegistryWork, wanted: Wanted, after: Place, most: int) -> Sequence[Place]:
    text, school = wanted.text or "", wanted.reached.school or wanted.reached.classes_of or wanted.query.school
    if school is not None:
        return await candidates.of_school(work.tx, school, text, after, most)
    stretch = candidates.stretch_of(wanted.reached)
    return await candidates.of_authorities(work.tx, stretch, text, after, most, exact=wanted.query.exact)


async def _rows(work: RegistryWork, wanted: Wanted, places: Sequence[Place]) -> dict[int, RowMapping]:
    """The records behind candidates that fulfil all conditions, as they stand now."""
    if not places:
        return {}
    statement = sa.select(*_COLUMNS).select_from(_FROM).where(*wanted.conditions)
    found = await fetch_all(work.tx, statement.where(_e.n.in_([place.n for place in places])))
    return {row["n"]: row for row in found}


def _first(place: Place, row: RowMapping, wanted: Wanted) -> bool:
    """A record that stands there under several terms is shown at the first of them."""
    if not place.term:
        return True
    text = wanted.text or ""
    return place.term == min(term for term in (place.term, *terms.from_text(row["terms"])) if term.startswith(text))


QUERIES: dict[type[Query], QueryHandler] = {SearchStudents: search_students}
