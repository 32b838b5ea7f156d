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
from shared_contracts.discreet import Discreet
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
_PUPIL = (*views.COLUMNS, _NAMES)
_FILTERS: dict[str, Any] = {
    "school": _s.school,
    "grade": _k.grade,
    "class_no": _k.class_no,
    "stage": _s.stage,
    "state": _s.state,
    "placement": _s.placement,
}
"""Fields of a query that narrow it; a row of a record has columns of these names, too."""


class Wanted(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A query as it is carried out. `text`: folded. `asked`: its filters by name. `visible`: what the actor may see."""

    query: SearchStudents
    text: str | None
    reached: Reach
    asked: dict[str, Any]
    visible: sa.ColumnElement[bool]

    @property
    def conditions(self) -> tuple[sa.ColumnElement[bool], ...]:
        """What a record has to fulfil besides the text."""
        return (self.visible, *(_FILTERS[name] == value for name, value in self.asked.items()))

    @property
    def school(self) -> str | None:
        """The one school that is looked through."""
        return self.reached.school or self.reached.classes_of or self.query.school

    @property
    def filter(self) -> Filter:
        query = self.query
        return facts.wanted(query.grade, query.class_no, query.stage, query.state, query.placement)

    def found(self, row: RowMapping) -> FoundStudent | None:
        if any(row[name] != value for name, value in self.asked.items()):
            return None
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
    asked = wanted(query, text, reached)
    if query.person_ids is not None:
        return await _by_persons(work, asked)
    return await _by_text(work, asked, place)


def wanted(query: SearchStudents, text: str | None, reached: Reach) -> Wanted:
    visible = within(reached, school=_s.school, authority=views.AUTHORITY, grade=_k.grade, class_no=_k.class_no)
    if is_school(query.actor.organisation):  # a cancelled record stays readable to the authorities (22)
        visible = sa.and_(visible, _s.state != str(StudentState.CANCELLED))
    values = {name: getattr(query, name) for name in _FILTERS}
    asked = {name: value for name, value in values.items() if value is not None}
    return Wanted(query=query, text=text, reached=reached, asked=asked, visible=visible)


async def _by_persons(work: RegistryWork, wanted: Wanted) -> FoundPage:
    """A number is one person's, seldom two's: one page holds them all."""
    statement = sa.select(*_PUPIL).select_from(views.FROM).where(*wanted.conditions)
    named = merging.found_by(tables.students, wanted.query.person_ids or ())  # a double's number finds what was kept
    statement = statement.where(_s.id.in_(named)).order_by(_s.school, _s.id)
    rows = await fetch_all(work.tx, statement.limit(MOST_PERSONS))
    found = [one for one in map(wanted.found, rows) if one is not None]
    return FoundPage(items=tuple(found), examined=len(rows))


async def _by_text(work: RegistryWork, wanted: Wanted, after: Place) -> FoundPage:
    limit = paging.size(wanted.query.limit)
    items: list[FoundStudent] = []
    examined, step, filtered = 0, limit + 1, wanted.filter.leaves_out
    while True:
        left = MOST_EXAMINED - examined
        step = min(step, left)
        # Nothing is left out by the index where nothing is filtered: no more is looked at than is shown.
        window = left if filtered else step
        # With one more than is looked at it is known whether there are others.
        proposed, rows = await _propose(work, wanted, after, window, step + 1)
        looked = [one for one in proposed[:step] if one.looked <= window]
        more = len(proposed) > len(looked)
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


async def _propose(
    work: RegistryWork, wanted: Wanted, after: Place, window: int, most: int
) -> tuple[Sequence[Candidate], dict[int, RowMapping]]:
    """Candidates in order, and the records behind those who fulfil all conditions, as they stand now."""
    if wanted.school is not None:
        rows = {row["n"]: row for row in await fetch_all(work.tx, of_school(wanted, wanted.school, after.n, most))}
        return [Candidate(Place("", "", n), looked, True) for looked, n in enumerate(rows, start=1)], rows
    search = Search(candidates.stretch_of(wanted.reached), wanted.text or "", wanted.query.exact, wanted.filter)
    proposed = await candidates.of_authorities(work.tx, search, after, window=window, most=most)
    numbers = [one.place.n for one in proposed[: most - 1] if one.fits and one.looked <= window]
    if not numbers:
        return proposed, {}
    # One text whatever their number: it stays prepared. Filters are looked at when the rows are here: as conditions, they
    # would let the planner begin with all classes of a grade.
    meant = _e.n == sa.any_(sa.cast(numbers, sa.ARRAY(sa.BigInteger)))
    source = views.FROM.join(entries, _e.student_id == _s.id)
    statement = sa.select(*_PUPIL, _e.n, _e.terms).select_from(source).where(wanted.visible, meant)
    return proposed, {row["n"]: row for row in await fetch_all(work.tx, statement)}


# Limit > Nested Loop > Index Scan using search_entries_of_school (strpos over some hundred short texts, which ends with the
# page) > Limit > Index Scan using students_pkey …: one record after the other, whatever the planner thinks of the filters.
# These are the records' own here: who moves a pupil between classes looks for it there the next moment.
def of_school(wanted: Wanted, school: str, after: int, most: int) -> sa.Select[Any]:
    """Records of one school that fulfil all conditions, by their number in the index."""
    contains = sa.func.strpos(_e.terms, terms.SEPARATOR + (wanted.text or "")) > 0
    named = (
        sa.select(_e.n, _e.student_id, _e.terms).where(_e.school == school, _e.n > after, contains).subquery("named")
    )
    pupil = sa.select(*_PUPIL).select_from(views.FROM).where(_s.id == named.c.student_id, *wanted.conditions)
    each = pupil.limit(1).correlate(named).lateral("pupil")
    return sa.select(named.c.n, named.c.terms, each).join(each, sa.true()).order_by(named.c.n).limit(most)


def _first(place: Place, row: RowMapping, wanted: Wanted) -> bool:
    """A record that stands there under several terms is shown at the first of them."""
    if not place.term:
        return True
    text = wanted.text or ""
    return place.term == min(term for term in (place.term, *terms.from_text(row["terms"])) if term.startswith(text))


QUERIES: dict[type[Query], QueryHandler] = {SearchStudents: search_students}
