"""When a roster has no more in approval, and when it is complete: counted under lock, said once.

`roster_counts` counts the registrations of a roster that have neither a record nor an end: counted instead of looked up,
so that each of the forty batches of a large roster does not read all of it again. Whoever brings it to nothing completes
the roster, in the same transaction. Locks: cases, registrations, counters, rosters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from service_kit.database import driver
from shared_contracts.registry import RosterCompleted, RowTotals
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork

SET_OUT = """
INSERT INTO roster_counts AS c (roster_id, on_the_way)
SELECT roster_id, count(*) FROM made WHERE roster_id IS NOT NULL GROUP BY roster_id ORDER BY roster_id
ON CONFLICT (roster_id) DO UPDATE SET on_the_way = c.on_the_way + excluded.on_the_way
"""
"""Counts new registrations in the statement that makes them: `made` has their `roster_id`."""

_ARRIVE = """
WITH n AS (SELECT * FROM unnest($1::text[], $2::int[]) AS n(roster_id, ended)),
     locked AS (SELECT c.roster_id FROM roster_counts c JOIN n USING (roster_id) ORDER BY c.roster_id FOR UPDATE OF c)
UPDATE roster_counts c SET on_the_way = c.on_the_way - n.ended
FROM n JOIN locked USING (roster_id) WHERE c.roster_id = n.roster_id
RETURNING c.roster_id, c.on_the_way
"""

_LOCK = "SELECT id FROM rosters WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"

# A roster whose confirmation is still under way is not complete: its worker asks again at the end.
_COMPLETE = """
UPDATE rosters r SET state = 'completed', version = version + 1
WHERE id = ANY($1::text[]) AND state IN ('in_approval', 'issuing')
  AND NOT EXISTS (SELECT 1 FROM roster_counts c WHERE c.roster_id = r.id AND c.on_the_way > 0)
RETURNING id, school, file_name, rows, valid, warned, refused, already_here
"""

_ISSUING = """
UPDATE rosters r SET state = 'issuing', version = version + 1
WHERE id = ANY($1::text[]) AND state = 'in_approval'
  AND NOT EXISTS (SELECT 1 FROM registrations g JOIN cases c ON c.id = g.id
                  WHERE g.roster_id = r.id AND c.status IN ('open', 'returned'))
"""

_NUMBERS = """
SELECT number_kind, count(*) AS number FROM registrations
WHERE roster_id = $1 AND number_kind IS NOT NULL GROUP BY number_kind
"""


async def on_the_way(tx: AsyncConnection, roster_id: str) -> int:
    """How many registrations of a roster have neither a record nor an end."""
    count: int | None = await (await driver(tx)).fetchval(
        "SELECT on_the_way FROM roster_counts WHERE roster_id = $1", roster_id
    )
    return count or 0


async def arrive(work: RegistryWork, roster_ids: Iterable[str | None]) -> None:
    """One registration has ended for each roster named here (None: it belongs to none)."""
    ended = Counter(roster_id for roster_id in roster_ids if roster_id is not None)
    if not ended:
        return
    left = await (await driver(work.tx)).fetch(_ARRIVE, list(ended), list(ended.values()))
    await _complete(work, [row["roster_id"] for row in left if row["on_the_way"] == 0])


async def approvals_done(work: RegistryWork, roster_ids: Iterable[str | None]) -> None:
    """The last step of some has been taken: where nobody has to act any more, only numbers are outstanding."""
    ids = sorted({roster_id for roster_id in roster_ids if roster_id is not None})
    if ids:
        connection = await driver(work.tx)
        await connection.fetch(_LOCK, ids)
        await connection.fetch(_ISSUING, ids)


async def confirmed(work: RegistryWork, roster_id: str) -> None:
    """The confirmation is done (state in_approval): the roster may have ended already, or have had no row."""
    await _complete(work, [roster_id])
    await (await driver(work.tx)).fetch(_ISSUING, [roster_id])  # locked already


async def _complete(work: RegistryWork, roster_ids: Sequence[str]) -> None:
    """Those of these rosters that are: each once, whoever asks."""
    if not roster_ids:
        return
    connection = await driver(work.tx)
    await connection.fetch(_LOCK, list(roster_ids))
    for row in await connection.fetch(_COMPLETE, list(roster_ids)):
        numbers = await connection.fetch(_NUMBERS, row["id"])
        event = RosterCompleted(
            roster_id=row["id"],
            school=row["school"],
            file_name=row["file_name"],
            totals=RowTotals(**{name: row[name] for name in RowTotals.__struct_fields__}),
            numbers={number["number_kind"]: number["number"] for number in numbers},
        )
        work.emit(event, row["id"])
