"""Last days move when a year's holidays are published: the worker that counts them anew, and what it would do (24.6.4)."""

from __future__ import annotations

import asyncio

from casework.recounting import deadlines, effects, recount
from regulation.authorisation import check
from regulation.calendar import Notice
from regulation.mark import clause
from service_kit import organisations, policy
from service_kit.database import driver
from service_kit.service import Kit
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused
from shared_contracts.messages import Query, word
from shared_contracts.transfer import MovedTransferDeadlines, TransfersStand
from shared_contracts.working_days import MovedDeadlines

from transfer.cases import store, telling
from transfer.cases.chain import kind_of
from transfer.context import Transfer, TransferWork

TITLE = "转学"


async def run(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    await policy.recount(kit, deps, stop, batch)


@clause("24.6.4")
async def batch(work: TransferWork) -> bool:
    """Some cases: moved, and told to the work queues, in one transaction. Whether there is more to do."""
    live = work.deps.policy
    moved = await recount(
        await driver(work.tx), live.calendar, live.calendar_number, work.today, heard=policy.heard(work.now)
    )
    if moved is None:
        return False
    if moved.ids:
        await _tell(work, moved.ids)
    return True


async def _tell(work: TransferWork, ids: tuple[str, ...]) -> None:
    found = await store.some(work.tx, ids)
    turns = {one.id: telling.turn_of(work, kind_of(work, one), one) for one in found}
    whose = {id_: turn.organisation if turn else None for id_, turn in turns.items()}
    above = await organisations.authority_of(work.tx, {code for code in whose.values() if code})
    cases = tuple(telling.case_stands(work, kind_of(work, one), one, above.get(whose[one.id] or "")) for one in found)
    work.emit(TransfersStand(cases=cases), cases[0].case_id)


# The authority of the school whose turn it is; of a school of another province it is not ours.
_AUTHORITY = "CASE WHEN c.step LIKE 'releasing%' THEN t.from_authority ELSE t.to_authority END"
_JOINED = "JOIN transfers t ON t.id = c.id"


@clause("24.6.4")
async def moved_deadlines(work: TransferWork, query: MovedTransferDeadlines) -> MovedDeadlines | Refused:
    """What a notice would do to open steps, in the place of what is known of its year. Nothing is written."""
    if no := check(query.actor, word(query)):
        return no
    days = Notice(year=query.days.year, holidays=query.days.holidays, worked=query.days.worked)
    calendar = work.deps.calendar.with_notice(days)
    found, running = await effects(await driver(work.tx), calendar, work.today, authority=_AUTHORITY, joined=_JOINED)
    return deadlines(found, running, lambda _: TITLE)


QUERIES: dict[type[Query], QueryHandler] = {MovedTransferDeadlines: moved_deadlines}
