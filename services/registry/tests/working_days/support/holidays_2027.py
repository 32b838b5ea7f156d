"""A notice for 2027 as it might be, and whoever publishes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from registry_world import ZONE, World, actor
from shared_contracts.actors import Role
from shared_contracts.working_days import PublishWorkingDays, YearDays

D = date
OFFICER, LEADER = actor(Role.AUTHORITY_OFFICER, "230000"), actor(Role.LEADER, "230000")
NOVEMBER = datetime(2026, 11, 10, 10, tzinfo=ZONE)
DAYS = YearDays(
    year=2027,
    holidays=(
        *(date(2027, 1, day) for day in (1, 2, 3)),
        *(date(2027, 2, day) for day in range(5, 13)),
        *(date(2027, 4, day) for day in (3, 4, 5)),
        *(date(2027, 5, day) for day in range(1, 6)),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *(date(2027, 10, day) for day in range(1, 8)),
    ),
    worked=(date(2027, 1, 31), date(2027, 2, 14)),
)
NUMBER, TITLE = "国办发明电〔2026〕8号", "国务院办公厅关于2027年部分节假日安排的通知"


def with_(*more: date, without: tuple[date, ...] = (), **changes: Any) -> YearDays:
    """The notice with more days off and without some."""
    holidays = tuple(sorted({*DAYS.holidays, *more} - {*without}))
    return msgspec.structs.replace(DAYS, holidays=holidays, **changes)


async def publish(world: World, days: YearDays = DAYS, who: Any = OFFICER, **changes: Any) -> Any:
    given: dict[str, Any] = {"notice": NUMBER, "title": TITLE} | changes
    return await world.do(
        PublishWorkingDays(command_id=world.id(), actor=who, notice_id=world.id("notice"), days=days, **given)
    )


async def look(world: World) -> None:
    """What this copy's watch does."""
    async with world.db.transaction() as tx:
        await world.deps.policy.look(tx)
