"""A worker: a case that nobody goes on with ends after so many days, with a notice, and gives its seat back (parameter);
wrong answers of those who follow a case are forgotten; cases that stayed behind when their schools went follow them."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from casework.store import Doing, decide_cases
from regulation.mark import clause
from service_kit.database import driver
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.work import Work
from shared_contracts.actors import Role, system
from shared_contracts.transfer import TransferState

from transfer.cases import attempts, following, store, telling
from transfer.cases.chain import kind_of, parameters_of
from transfer.context import Transfer, TransferWork
from transfer.rules.guessing import FORGOTTEN

log = logging.getLogger(__name__)
PAUSE = 60.0
BATCH = 100
AT_ONCE = 1_000
REASON = "逾期未办，系统自动终止"


async def run(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        ended = await expire(kit, deps)
        if ended:
            log.info("%d transfers have expired", ended)
            continue
        await forget(kit)
        if followed := await following.catch_up(kit, deps):
            log.info("%d transfers had stayed behind when their schools went to another authority", followed)
        await pause(stop, PAUSE)


@clause("24.6.4")
async def expire(kit: Kit, deps: Transfer) -> int:
    """End what is due, one case a transaction; how many."""
    now = kit.clock.now()
    days = deps.policy.parameters("230000", now.date()).transfer_stale_days
    async with kit.db.transaction() as tx:
        due = await store.stale(tx, now - timedelta(days=days), BATCH)
    done = 0
    for transfer_id in due:
        async with kit.db.transaction() as tx:
            work: TransferWork = Work(tx=tx, deps=deps, now=kit.clock.now())
            done += await _end(work, transfer_id)
            await work.flush()
    return done


async def forget(kit: Kit) -> None:
    gone = AT_ONCE
    while gone == AT_ONCE:
        async with kit.db.transaction() as tx:
            gone = await attempts.forget(tx, kit.clock.now() - FORGOTTEN, AT_ONCE)


async def _end(work: TransferWork, transfer_id: str) -> bool:
    """Looked at again under lock: somebody may have gone on with it."""
    found = await store.get(work.tx, transfer_id, lock=True)
    if found is None or (found.standing.status not in ("open", "returned") and not found.awaited):
        return False
    days = parameters_of(work, found.to_authority).transfer_stale_days
    if work.now - found.moved_at < timedelta(days=days):
        return False
    kind = kind_of(work, found)
    if not found.awaited:  # all that was to be decided is decided: only the place goes back
        doing = Doing(act="withdraw", actor=system("transfer"), role=Role.SYSTEM, at=work.now, reason=REASON)
        await decide_cases(
            await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar
        )
    again = await store.change(work.tx, found.id, work.now, outcome="expired")
    await telling.ended(work, again, TransferState.EXPIRED)
    await telling.stands(work, kind, again)
    return True
