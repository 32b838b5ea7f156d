"""Records that are read under another one: a cancelled double and the record that was kept (22, 39)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from regulation.mark import clause
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing.tables import merges

_m = merges.c


async def kept_under(tx: AsyncConnection, record_id: str) -> str | None:
    """The record under which this one is read now; None where it stands by itself."""
    kept: str | None = await (await driver(tx)).fetchval(
        "SELECT kept_id FROM record_merges WHERE cancelled_id = $1 AND undone_at IS NULL", record_id
    )
    return kept


@clause("22", "39")
async def readable_as(tx: AsyncConnection, record_id: str) -> list[str]:
    """The records whose readers may read this one: itself, and every record it was merged into, through several merges."""
    found, next_ = [record_id], await kept_under(tx, record_id)
    while next_ is not None and next_ not in found:
        found.append(next_)
        next_ = await kept_under(tx, next_)
    return found


@clause("15.4", "22")
def found_by(students: sa.Table, person_ids: Iterable[str]) -> sa.CompoundSelect[Any]:
    """The ids of these persons' records, and of those into which one of them was merged: an old number still finds the pupil.
    `id IN (…)` of a union is looked up by key; `person_id IN … OR id IN (…)` would read every pupil."""
    one = students.alias("one")
    theirs = one.c.person_id.in_(list(person_ids))
    # Index Scans using students_one_a_person and students_not_live: no index has both.
    living = sa.select(one.c.id).where(theirs, one.c.live)
    own = sa.union_all(living, sa.select(one.c.id).where(theirs, sa.not_(one.c.live))).cte("own")
    kept = sa.select(_m.kept_id).join(own, own.c.id == _m.cancelled_id).where(_m.undone_at.is_(None))
    return sa.union(sa.select(own.c.id), kept)
