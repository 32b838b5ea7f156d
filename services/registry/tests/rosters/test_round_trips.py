"""What a roster costs the database: statements per chunk, whatever the chunk holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from registry.desk import Desk
from registry.rosters import store
from registry.rosters.checking import check
from registry.rosters.confirming import confirm
from registry.rosters.store import Roster
from roster_desk import RosterDesk
from service_kit.database import ROUND_TRIPS

pytestmark = pytest.mark.integration
Class = Callable[[int], list[dict[str, Any]]]


async def trips(desk: RosterDesk, stage: Callable[[Desk, Roster], Awaitable[None]]) -> float:
    """Statements of one stage, by itself: no worker that polls beside it."""
    owner = Desk(db=desk.kit.db, clock=desk.clock, deps=desk.deps, owner="counting", stop=asyncio.Event())
    async with desk.kit.db.transaction() as tx:
        roster = await store.take(tx, owner.owner)
    assert roster is not None
    before = ROUND_TRIPS._value.get()
    await stage(owner, roster)
    spent: float = ROUND_TRIPS._value.get() - before
    async with desk.kit.db.transaction() as tx:
        await store.LEASE.give_back(tx, roster.id, owner.owner)
    return spent


async def test_round_trips_do_not_grow_with_the_rows_of_a_chunk(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    pupils = class_of(450)
    spent: dict[int, list[tuple[float, float]]] = {1: [], 148: []}
    # The least of each: the first use of a connection asks for the types, and a confirmation takes two at once.
    for rows in (*([pupil] for pupil in pupils[:6]), pupils[6:154], pupils[154:302], pupils[302:]):
        roster_id = await desk.upload(workbook(rows))
        checked = await trips(desk, check)
        await desk.confirm(roster_id)
        confirmed = await trips(desk, confirm)
        await desk.do("UPDATE rosters SET cleanup = false")
        spent[len(rows)].append((checked, confirmed))
    few, many = ([min(each) for each in zip(*spent[rows], strict=True)] for rows in (1, 148))
    assert many == few
    assert few[0] <= 13
    assert few[1] <= 25
