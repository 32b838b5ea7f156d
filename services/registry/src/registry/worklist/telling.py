"""The worker that tells the work queues where work stands.

A change is a row that names what has changed; many changes of one thing are told once. Its version is counted up before it
is read: whoever tells it later has read it later, and the queues keep the newest. Changes are taken, read and told in one
transaction: a kill at any line leaves them to be taken again. Once a day all open work is told again, so that what changed
without an act of its own (a pupil's school, another year's classes) is right at the latest then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prometheus_client import Counter
from service_kit.database import Database, driver
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.cases import CaseStands, WorkStands
from shared_contracts.cases import Work as Told

from registry.context import Registry, RegistryWork
from registry.worklist import case_lines, registrations, waiting_lines
from registry.worklist.changes import REGISTRATIONS

log = logging.getLogger(__name__)

WAKE = "worklist"
LOOKS = 2.0
"""Seconds between two looks, where nobody calls."""
GATHERS = 0.5
"""Seconds in which acts on the same work come together: a roster under way is read once or twice, not ten times."""
BATCH = 200
"""Works of one event at most."""
TOLD = Counter("worklist_told_total", "Works told to the queues", ["kind"])

# Rows that another copy of the service has taken are passed over. The lock on its version makes two copies that tell the same
# work read it one after the other, in statements that come later.
_TAKE = """
WITH taken AS (
    DELETE FROM worklist_changes WHERE seq IN (
        SELECT seq FROM worklist_changes ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING kind, id)
INSERT INTO worklist_versions AS v (kind, id, version)
SELECT DISTINCT kind, id, 1 FROM taken ORDER BY kind, id
ON CONFLICT (kind, id) DO UPDATE SET version = v.version + 1
RETURNING kind, id, version
"""
_TODAY = "INSERT INTO worklist_days (day, told_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
_ALL_OF = "INSERT INTO worklist_changes (kind, id) SELECT $1, unnest($2::text[])"


class Thing(NamedTuple):
    kind: str
    id: str


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    wake, told_on = kit.wake(WAKE), None
    while not stop.is_set():
        wake.clear()
        try:
            if told_on != (today := kit.clock.today()):
                await again_today(kit.db, deps)
                told_on = today
            while not stop.is_set() and await tell_some(kit.db, deps):
                pass
        except Exception as error:  # the database is away for a moment
            log.warning("work queues: told again later: %s", describe(error))
        await pause(stop, LOOKS, wake)
        await pause(stop, GATHERS)


async def tell_some(db: Database, deps: Registry) -> int:
    """Take some changes and tell where their works stand, in one transaction. Returns how many works."""
    async with db.unit(deps) as work:
        rows = await (await driver(work.tx)).fetch(_TAKE, BATCH)
        if rows:
            await _tell(work, {Thing(row["kind"], row["id"]): row["version"] for row in rows})
        return len(rows)


async def _tell(work: RegistryWork, versions: Mapping[Thing, int]) -> None:
    of_kind: defaultdict[str, list[str]] = defaultdict(list)
    for one in versions:
        of_kind[one.kind].append(one.id)
    works = []
    for kind, named in of_kind.items():
        stands = await _lines(work, kind, named)
        TOLD.labels(kind).inc(len(named))
        works += [
            Told(id=f"{kind}:{id_}", version=versions[Thing(kind, id_)], lines=stands.get(id_, ())) for id_ in named
        ]
    work.emit(WorkStands(works=tuple(works)), works[0].id)


async def _lines(work: RegistryWork, kind: str, ids: Sequence[str]) -> Mapping[str, tuple[CaseStands, ...]]:
    if kind == REGISTRATIONS:
        return await registrations.lines(work.tx, ids, work.now)
    if kind in case_lines.KINDS:
        return await case_lines.lines(work.tx, ids)
    if kind == waiting_lines.DUPLICATE or kind in waiting_lines.KINDS:
        return await waiting_lines.lines(work.tx, kind, ids)
    log.error("work of an unknown kind is in no queue: %s", kind)
    return {}


async def again_today(db: Database, deps: Registry) -> None:
    """Once a day, whichever copy comes first: all open work is told anew."""
    async with db.unit(deps) as work:
        connection = await driver(work.tx)
        if not await connection.fetchval(_TODAY, work.today, work.now):
            return
        named = {REGISTRATIONS: [row["id"] for row in await connection.fetch(registrations.OPEN)]}
        for kind in case_lines.KINDS:
            named[kind] = [row["id"] for row in await connection.fetch(case_lines.OPEN, kind)]
        for kind in (*waiting_lines.KINDS, waiting_lines.DUPLICATE):
            named[kind] = await waiting_lines.open_ids(work.tx, kind)
        for kind, ids in named.items():
            await connection.execute(_ALL_OF, kind, ids)
