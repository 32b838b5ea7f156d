"""Who may be meant: numbers of entries in a stable order, out of the index alone. What is shown is decided on the records.

Two ways. Inside one school its entries are read, a few hundred of them. Over authorities a stretch of `search_terms` is,
which holds exactly what begins with the query, in the order of authority, term and entry, so that a page ends early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from regulation.authorisation import Reach, subtree_pattern
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.search import terms


class Place(NamedTuple):
    """Where a candidate stands; a page begins after one. Inside a school the first two are empty."""

    authority: str
    term: str
    n: int


START = Place("", "", 0)


class Stretch(NamedTuple):
    """Authorities from one code to another, both included."""

    first: str
    last: str


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


# benchmarks/search.md has the plans at two million.
# A county: Index Only Scan using search_terms_pkey, all of authority, term and n in the Index Cond.
OF_ONE_AUTHORITY = """
SELECT authority, term, n FROM search_terms
WHERE authority = $1 AND authority = $2 AND term >= $3 AND term <= $4 AND (authority, term, n) > ($5, $6, $7)
ORDER BY authority, term, n LIMIT $8
"""
# A city, the province: that scan for one authority after the other (140 at most, 5 us each where there is nobody), in
# order, so that it ends with the page. PostgreSQL's own skip scan over `authority >= … AND authority <= …` reads the whole
# stretch instead: the row comparison of the cursor keeps it from skipping (half a second against one millisecond).
OF_AUTHORITIES = """
SELECT t.authority, t.term, t.n
FROM (
    SELECT DISTINCT code COLLATE "C" AS code FROM organisations
    WHERE kind <> 'school' AND code COLLATE "C" >= $1 AND code COLLATE "C" <= $2 ORDER BY 1
) a
CROSS JOIN LATERAL (
    SELECT authority, term, n FROM search_terms
    WHERE authority = a.code AND term >= $3 AND term <= $4 AND (authority, term, n) > ($5, $6, $7)
    ORDER BY authority, term, n LIMIT $8
) t
ORDER BY a.code, t.term, t.n LIMIT $8
"""
# Index Scan using search_entries_of_school; strpos over some hundred short texts.
OF_SCHOOL = """
SELECT n FROM search_entries WHERE school = $1 AND n > $2 AND strpos(terms, $3) > 0 ORDER BY n LIMIT $4
"""


async def of_authorities(
    tx: AsyncConnection, stretch: Stretch, query: str, after: Place, most: int, *, exact: bool
) -> Sequence[Place]:
    if after.authority > stretch.last:
        return []
    rows = await (await driver(tx)).fetch(
        OF_ONE_AUTHORITY if stretch.first == stretch.last else OF_AUTHORITIES,
        max(stretch.first, after.authority),
        stretch.last,
        query,
        query if exact else query + terms.LAST,
        *after,
        most,
    )
    return [Place(*row) for row in rows]


async def of_school(tx: AsyncConnection, school: str, query: str, after: Place, most: int) -> Sequence[Place]:
    rows = await (await driver(tx)).fetch(OF_SCHOOL, school, after.n, terms.SEPARATOR + query, most)
    return [Place("", "", row["n"]) for row in rows]
