"""Who over authorities may be meant: numbers of entries in a stable order, out of the index alone.

A stretch of `search_terms` holds exactly what begins with the query, in the order of authority, term and entry, so that a
page ends early. Each row says of its pupil what a filter asks for (`facts.py`), so that a rare filter costs the rows of an
index and no records. What is shown is decided on the records (`handlers.py`, which also looks through one school's entries).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from regulation.authorisation import Reach, subtree_pattern
from service_kit.database import driver
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.search import facts, terms
from registry.search.facts import Filter


class Place(NamedTuple):
    """Where a candidate stands; a page begins after one. Inside a school the first two are empty."""

    authority: str
    term: str
    n: int


START = Place("", "", 0)


class Candidate(NamedTuple):
    """`looked`: rows of the index up to this one. `fits`: no filter leaves it out (else it is where the looking ended)."""

    place: Place
    looked: int
    fits: bool


class Stretch(NamedTuple):
    """Authorities from one code to another, both included."""

    first: str
    last: str


class Search(Discreet, msgspec.Struct, frozen=True):
    """`text`: folded."""

    stretch: Stretch
    text: str
    exact: bool
    filter: Filter


def stretch_of(reach: Reach) -> Stretch:
    """The authorities whose schools an account outside of a school sees."""
    if reach.subtree is not None:
        below = subtree_pattern(reach.subtree)
        if below.endswith("%"):
            return Stretch(below[:-1], below[:-1] + terms.LAST)
        return Stretch(below, below)
    if reach.supervised is not None:
        return Stretch(reach.supervised, reach.supervised)
    return Stretch("", terms.LAST)


# Parameters: $1 and $2 the stretch, $3 and $4 the terms, $5 to $7 where the page before ended, $8 rows that are looked at,
# $9 rows that come back, $10 to $16 the filter. Plans are made with the values (service_kit.database), so a filter that is
# not asked for costs nothing, and one that few pupils fulfil leads through `search_terms_of_state` or `…_of_placement`.
_LED = """term >= $3 AND term <= $4 AND (authority, term, n) > ($5, $6, $7)
      AND ($15::text IS NULL OR state = $15::text::"char") AND ($16::text IS NULL OR placement = $16::text::"char")"""
# Years and stages of the classes of a grade: a dozen at most, each one descent of `classes_of_grade`.
_GROUPS = f"""
WITH RECURSIVE found AS (
    (SELECT {facts.group_of("k")} AS g FROM classes k WHERE k.grade = $10 ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT {facts.group_of("k")} FROM classes k WHERE k.grade = $10 AND {facts.group_of("k")} > found.g
            ORDER BY 1 LIMIT 1)
    FROM found WHERE found.g IS NOT NULL
) SELECT g FROM found WHERE g IS NOT NULL
"""  # noqa: S608 - the words of facts.py
_FITS = f"""($10::smallint IS NULL OR class_group = ANY (ARRAY({_GROUPS})))
    AND ($11::smallint IS NULL OR class_no = $11) AND ($12::text IS NULL OR stage = $12::text::"char")
    AND ($13::text IS NULL OR state = $13::text::"char") AND ($14::text IS NULL OR placement = $14::text::"char")"""
_ROWS = f"term, n, {facts.NAMES}"
# One row more than is looked at tells that there are others; the last one that is looked at comes back whatever it is,
# for the next page begins there.
_WINDOW = f"""
SELECT authority, term, n, looked, fits
FROM (
    SELECT authority, term, n, row_number() OVER (ORDER BY {{order}}) AS looked, {_FITS} AS fits
    FROM ({{rows}}) rows_of_the_index
) w
WHERE fits OR looked >= $8 ORDER BY {{order}} LIMIT $9
"""  # noqa: S608 - the words of this module
# benchmarks/search.md has the plans at two million.
# A county: Index Only Scan using search_terms_pkey, all of authority, term and n in the Index Cond.
OF_ONE_AUTHORITY = _WINDOW.format(
    order="term, n",
    rows=f"""
    SELECT authority, {_ROWS} FROM search_terms WHERE authority = $1 AND authority = $2 AND {_LED}
    ORDER BY term, n LIMIT $8 + 1""",  # noqa: S608
)
# A city, the province: that scan for one authority after the other (140 at most, 5 us each where there is nobody), in
# order, so that it ends with the page. PostgreSQL's own skip scan over `authority >= … AND authority <= …` reads the whole
# stretch instead: the row comparison of the cursor keeps it from skipping (half a second against one millisecond).
OF_AUTHORITIES = _WINDOW.format(
    order="authority, term, n",
    rows=f"""
    SELECT a.code AS authority, {_ROWS}
    FROM (
        SELECT DISTINCT code COLLATE "C" AS code FROM organisations
        WHERE kind <> 'school' AND code COLLATE "C" >= $1 AND code COLLATE "C" <= $2 ORDER BY 1
    ) a
    CROSS JOIN LATERAL (
        SELECT {_ROWS} FROM search_terms WHERE authority = a.code AND {_LED} ORDER BY term, n LIMIT $8 + 1
    ) t
    ORDER BY a.code, t.term, t.n LIMIT $8 + 1""",  # noqa: S608
)


async def of_authorities(
    tx: AsyncConnection, search: Search, after: Place, *, window: int, most: int
) -> Sequence[Candidate]:
    """At most `most` candidates after a place, and no more than `window` rows of the index looked at for them.

    A candidate behind the window only says that there are others.
    """
    if after.authority > search.stretch.last:
        return []
    sql, *values = statement(search, after, window=window, most=most)
    rows = await (await driver(tx)).fetch(sql, *values)
    return [Candidate(Place(*row[:3]), row["looked"], row["fits"]) for row in rows]


def statement(search: Search, after: Place, *, window: int, most: int) -> tuple[Any, ...]:
    """The SQL and its values."""
    first, last = max(search.stretch.first, after.authority), search.stretch.last
    return (
        OF_ONE_AUTHORITY if search.stretch.first == last else OF_AUTHORITIES,
        first,
        last,
        search.text,
        search.text if search.exact else search.text + terms.LAST,
        *after,
        window,
        most,
        *search.filter,
    )
