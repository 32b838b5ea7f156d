"""A worker: so many working days before a report is due, it stands in the work queue of each city, with its clock (24.6.5).

Reminders and what becomes of an overdue one are the queues' own: a report is a piece of work like others.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date

from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.pausing import pause
from service_kit.service import Kit
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.transfer import TransfersStand
from shared_contracts.transfer_reports import Term

from transfer.context import Transfer, TransferWork
from transfer.reports import policy, store

log = logging.getLogger(__name__)
PAUSE = 60.0
ROLES = (Role.AUTHORITY_OFFICER, Role.LEADER)


async def run(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if opened := await expect(kit, deps):
            log.info("%d reports are expected now", opened)
        await pause(stop, PAUSE)


@clause("24.6.5")
async def expect(kit: Kit, deps: Transfer) -> int:
    """Open what is due soon; how many were not open before. Row and queue in one transaction."""
    async with kit.db.unit(deps) as work:
        parameters = deps.policy.parameters(PROVINCE, work.today)
        year, term = policy.at(work.today, parameters)
        due = policy.due_on(year, term, parameters)
        days = parameters.transfer_report_notice_working_days
        if deps.calendar.add_working_days(work.today, days).date < due:
            return 0
        opened = await store.expect(work.tx, list(await store.cities(work.tx, "%")), year, term, due)
        if opened:
            stands = tuple(_stands(work, city, year, term, due) for city in opened)
            work.emit(TransfersStand(cases=stands), f"report-{year}-{term}")
    return len(opened)


def filed(work: TransferWork, city: str, year: int, term: Term) -> None:
    """Nobody has to do anything about it any more."""
    work.emit(TransfersStand(cases=(_stands(work, city, year, term, None),)), store.report_id(city, year, term))


def _stands(work: TransferWork, city: str, year: int, term: Term, due: date | None) -> CaseStands:
    """`due`: None once it is filed."""
    name = f"{year}年{policy.TERMS[term]}学期"
    return CaseStands(
        case_id=store.report_id(city, year, term),
        kind="transfer_report",
        kind_title="转学情况汇总",
        number=f"{name}{city}",
        subject=f"{name}转学情况报省备案",
        link=f"/v1/transfer-reports/{city}/{year}/{term}",
        version=1 if due else 2,
        status="open" if due else "approved",
        since=work.now,
        step="submit" if due else None,
        step_title="报送省教育厅" if due else "",
        organisation=city if due else None,
        roles=ROLES if due else (),
        due_on=due,
        superior=PROVINCE,
    )
