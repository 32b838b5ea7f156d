"""The province is asked for a year's holidays, once, until they are there or the year is over: for the next year's in
December, for this one's at any time (24.6.4)."""

from __future__ import annotations

import asyncio
import logging

from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role
from shared_contracts.waiting import WorkWaiting

from registry.context import Registry, RegistryWork
from registry.working_days import policy, store

log = logging.getLogger(__name__)

LOOKS = 60.0
"""Seconds: a look at the calendar in memory, and a row of each year that is not in it."""
LINK = "/v1/policy/working-days"


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        try:
            async with kit.db.unit(deps) as work:
                await look(work)
        except Exception as error:  # the database is away for a moment
            log.warning("working days: looked again later: %s", describe(error))
        await pause(stop, LOOKS)


@clause("24.6.4")
async def look(work: RegistryWork) -> bool:
    """Whether the province was told just now: a line in its queue, and a notice."""
    live = work.deps.policy
    for asked in await store.asked(work.tx):
        if (standing := policy.standing(asked, live.calendar, work.today)) != "missing":
            await store.settle(work.tx, asked, standing)
            work.after_commit(work.deps.wake_worklist)
    wanted = policy.asked_for(live.calendar, live.parameters(PROVINCE, work.today), work.today)
    years = [year for year in wanted if await store.ask(work.tx, year, work.now)]
    for year in years:
        work.after_commit(work.deps.wake_worklist)
        work.emit(
            WorkWaiting(
                organisation=PROVINCE,
                role=Role.AUTHORITY_OFFICER,
                kind="working_days_missing",
                title=f"待办：发布{year}年节假日安排",
                detail=policy.consequence(year, work.today),
                link=LINK,
            ),
            PROVINCE,
        )
    return bool(years)
