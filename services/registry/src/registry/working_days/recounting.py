"""The worker that moves the registry's last days when a year's holidays are published, and tells the work queues."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from casework.recounting import Further, Looked, recount
from casework.store import Connection
from regulation.calendar import Calendar
from regulation.mark import clause
from service_kit import policy
from service_kit.database import driver
from service_kit.service import Kit

from registry.context import Registry, RegistryWork
from registry.working_days.effects import THINGS, Thing, move
from registry.worklist.changes import REGISTRATIONS


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    await policy.recount(kit, deps, stop, batch)


@clause("24.6.4")
async def batch(work: RegistryWork) -> bool:
    """Some cases, then of everything else that has a clock, so many in all. Whether there is more to do."""
    connection, live = await driver(work.tx), work.deps.policy
    moved = await recount(
        connection,
        live.calendar,
        live.calendar_number,
        work.today,
        heard=policy.heard(work.now),
        further=[_further(thing, live.calendar, work.today) for thing in THINGS],
    )
    if moved is None:
        return False
    if moved.ids:
        await _registrations(work, moved.ids)
    for thing, ids in zip(THINGS, moved.further, strict=True):
        if ids:
            await connection.execute(_CHANGED, thing.kind, list(ids))
    work.after_commit(work.deps.wake_worklist)
    return True


def _further(thing: Thing, calendar: Calendar, today: date) -> Further:
    async def some(connection: Connection, after: str, limit: int) -> Looked:
        return await move(connection, thing, calendar, today, after, limit)

    return some


_CHANGED = "INSERT INTO worklist_changes (kind, id) SELECT $1, unnest($2::text[])"
# Cases of every other kind are told by their trigger; registrations a roster at a time.
_ROSTERS = """
INSERT INTO worklist_changes (kind, id)
SELECT DISTINCT $1, coalesce(r.roster_id, r.id) FROM registrations r WHERE r.id = ANY($2::text[]) AND NOT r.closed
"""


async def _registrations(work: RegistryWork, ids: Sequence[str]) -> None:
    await (await driver(work.tx)).execute(_ROSTERS, REGISTRATIONS, list(ids))
