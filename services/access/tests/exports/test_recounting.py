"""The last day of an approval of an export follows a year's holidays, and the queues hear of it once (24.6.4)."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from access.exports import recounting
from exports_desk import COUNTY, ExportsDesk, actor
from service_kit import policy as live
from shared_contracts.access import MovedExportDeadlines
from shared_contracts.actors import Role
from shared_contracts.exports import ExportsStand
from shared_contracts.messages import subject
from shared_contracts.policy import Published
from shared_contracts.working_days import YearDays

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.4")]
D = date
DAYS = YearDays(year=2027, holidays=(D(2027, 1, 1), D(2027, 1, 2), D(2027, 1, 3)))


async def recount(desk: ExportsDesk) -> None:
    more = True
    while more:
        async with desk.kit.db.unit(desk.deps) as work:
            more = await recounting.batch(work)


async def told(desk: ExportsDesk) -> list[tuple[date | None, bool]]:
    rows = await desk.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(ExportsStand))
    stands = [one for row in rows for one in msgspec.json.decode(row["payload"], type=ExportsStand).cases]
    assert len({one.since for one in stands}) < 2, "it waits since it was asked for, whatever its last day is"
    return [(one.due_on, one.provisional) for one in stands]


async def test_an_approval_over_the_turn_of_the_year(desk: ExportsDesk) -> None:
    desk.clock.move(days=34)  # 28 December
    view = await desk.request(expires_on=D(2027, 1, 20))
    assert view.due_on == D(2027, 1, 11)
    seen = await desk.ask(MovedExportDeadlines(actor=actor("registry", "", Role.SYSTEM), days=DAYS))
    assert seen.open == 1
    assert [(one.authority, one.was, one.becomes, one.count) for one in seen.items] == [
        (COUNTY, D(2027, 1, 11), D(2027, 1, 12), 1)
    ]
    desk.clock.move(hours=3)
    await live.keep(desk.kit.db, Published(version=1, values=(), calendar=1, notices=(DAYS,)))
    async with desk.kit.db.transaction() as tx:
        await desk.deps.policy.look(tx)
    for _ in range(3):
        await recount(desk)
    assert await told(desk) == [(D(2027, 1, 11), True), (D(2027, 1, 12), False)]
