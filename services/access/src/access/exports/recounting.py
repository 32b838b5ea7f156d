"""Last days of approvals move when a year's holidays are published (45.2: answered within working days)."""

from __future__ import annotations

import asyncio

from casework.recounting import deadlines, effects, recount
from casework.store import histories
from regulation.authorisation import check
from regulation.calendar import Notice
from regulation.mark import clause
from service_kit import policy as live
from service_kit.database import driver
from service_kit.service import Kit
from service_kit.work import QueryHandler
from shared_contracts.access import MovedExportDeadlines
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportState
from shared_contracts.messages import Query, word
from shared_contracts.working_days import MovedDeadlines

from access.context import Access, AccessWork
from access.exports import policy, store
from access.exports.tables import PREFIX
from access.exports.telling import stands


async def run(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    await live.recount(kit, deps, stop, batch)


@clause("24.6.4")
async def batch(work: AccessWork) -> bool:
    """Some approvals: moved, and told to the work queues, in one transaction. Whether there is more to do."""
    known = work.deps.policy
    connection, heard = await driver(work.tx), live.heard(work.now)
    moved = await recount(connection, known.calendar, known.calendar_number, work.today, PREFIX, heard=heard)
    if moved is None:
        return False
    acts = await histories(connection, moved.ids, PREFIX)
    for id_ in moved.ids:
        export = await store.get(work.tx, id_, work.now)
        assert export is not None, "its case was locked a moment ago"
        if export.state is ExportState.WAITING:  # one that has expired waits for nobody
            since = acts[id_][-1].decided_at if id_ in acts else export.created_at
            stands(work, export, policy.chain(export.approval_days), export.standing, since)
    return True


@clause("24.6.4")
async def moved_deadlines(work: AccessWork, query: MovedExportDeadlines) -> MovedDeadlines | Refused:
    """What a notice would do to open approvals, in the place of what is known of its year. Nothing is written."""
    if no := check(query.actor, word(query)):
        return no
    days = Notice(year=query.days.year, holidays=query.days.holidays, worked=query.days.worked)
    found, running = await effects(
        await driver(work.tx),
        work.deps.calendar.with_notice(days),
        work.today,
        authority="c.parties ->> 'authority'",
        prefix=PREFIX,
    )
    return deadlines(found, running, lambda _: policy.chain(1).title)


QUERIES: dict[type[Query], QueryHandler] = {MovedExportDeadlines: moved_deadlines}
