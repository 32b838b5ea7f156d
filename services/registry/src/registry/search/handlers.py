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
from registry.search import candidates, facts, terms
from registry.search.candidates import START, Candidate, Place, Search
from registry.search.facts import Filter
from registry.search.tables import entries, former_names

MOST_EXAMINED = 5_000
"""Rows of the index of one request, however few of them the filters leave: then the page ends, and the next one goes on."""
FIRST_OF_SCHOOL = 200
"""Candidates of a school that are looked at in one go where something is filtered, which the records decide there."""
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
    def school(self) -> str | None:
        """The one school that is looked through."""
        return self.reached.school or self.reached.classes_of or self.query.school

    @property
    def filter(self) -> Filter:
        query = self.query
        return facts.wanted(query.grade, query.class_no, query.stage, query.state, query.placement)

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
    examined, step, filtered = 0, limit + 1, wanted.filter.leaves_out
    if wanted.school is not None and len(wanted.conditions) > 1:
        step = max(step, FIRST_OF_SCHOOL)
    while True:
        left = MOST_EXAMINED - examined
        step = min(step, left)
        # Nothing is left out by the index where nothing is filtered: no more is looked at than is shown.
        window = left if filtered else step
        # With one more than is looked at it is known whether there are others.
        proposed = await _propose(work, wanted, after, window, step + 1)
        looked = [one for one in proposed[:step] if one.looked <= window]
        more = len(proposed) > len(looked)
        rows = await _rows(work, wanted, [one.place.n for one in looked if one.fits])
        for one in looked:
            after = one.place
            row = rows.get(after.n)
            if row is not None and _first(after, row, wanted) and (student := wanted.found(row)) is not None:
                items.append(student)
                if len(items) == limit:
                    more = more or one is not looked[-1]
                    break
        examined += one.looked if looked else 0
        if len(items) == limit or not more or examined >= MOST_EXAMINED:
            return FoundPage(items=tuple(items), next_cursor=paging.encode(*after) if more else None, examined=examined)
        step *= 4


async def _propose(work: RegistryWork, wanted: Wanted, after: Place, window: int, most: int) -> Sequence[Candidate]:
    text = wanted.text or ""
    if wanted.school is not None:
        return await candidates.of_school(work.tx, wanted.school, text, after, most)
    search = Search(candidates.stretch_of(wanted.reached), text, wanted.query.exact, wanted.filter)
    return await candidates.of_authorities(work.tx, search, after, window=window, most=most)


async def _rows(work: RegistryWork, wanted: Wanted, numbers: Sequence[int]) -> dict[int, RowMapping]:
    """The records behind candidates that fulfil all conditions, as they stand now."""
    if not numbers:
        return {}
    # One text whatever their number: it stays prepared.
    statement = sa.select(*_COLUMNS).select_from(_FROM).where(*wanted.conditions)
    meant = _e.n == sa.any_(sa.cast(list(numbers), sa.ARRAY(sa.BigInteger)))
    return {row["n"]: row for row in await fetch_all(work.tx, statement.where(meant))}


def _first(place: Place, row: RowMapping, wanted: Wanted) -> bool:
    """A record that stands there under several terms is shown at the first of them."""
    if not place.term:
        return True
    text = wanted.text or ""
    return place.term == min(term for term in (place.term, *terms.from_text(row["terms"])) if term.startswith(text))


QUERIES: dict[type[Query], QueryHandler] = {SearchStudents: search_students}
