"""SIGKILL while lists are closed and cases go on: another worker goes on where it stopped (24.5.4)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from kit_deadly import named
from lottery_world import LotteryWorld, ready
from regulation import lottery
from shared_contracts.private_places import RoundState

pytestmark = [
    pytest.mark.integration,
    pytest.mark.clause("24.5.4"),
    pytest.mark.clause("24.5.2"),
]
VICTIM = Path(__file__).parent / "support" / "lottery_victim.py"
STORE = "transfer.private_places.store"

CLOSING = [
    ("transfer.private_places.asking:school_facts", "after", 1),
    (f"{STORE}:put_list", "before", 1),
    (f"{STORE}:put_list", "after", 1),
    (f"{STORE}:change_round", "after", 1),
    ("transfer.private_places.settling:close_one", "after", 1),
]
GOING_ON = [
    ("transfer.cases.holding:grant", "before", 1),
    ("transfer.cases.holding:grant", "after", 1),
    ("transfer.cases.holding:grant", "after", 2),
    ("transfer.cases.seating:_goes_on", "after", 1),
    (f"{STORE}:settle", "before", 2),
    (f"{STORE}:settle", "after", 2),
    ("transfer.private_places.settling:settle_one", "after", 1),
    ("transfer.cases.seating:go_on_without", "after", 1),
    ("transfer.private_places.settling:settle_one", "after", 4),
    (f"{STORE}:finish", "before", 1),
    (f"{STORE}:finish", "after", 1),
]


async def goes_on(world: LotteryWorld) -> None:
    """Another copy's workers, until nothing is left to be done."""
    await world.settle_intents()
    await world.close()
    await world.settle()
    await world.settle(problems=True)


@pytest.mark.parametrize("place", CLOSING, ids=named)
async def test_killed_while_a_list_is_closed(world: LotteryWorld, place: tuple[str, str, int]) -> None:
    opened, cases = await ready(world, 4)
    world.clock.pass_(days=4)
    await world.until_killed(VICTIM, *place)
    await goes_on(world)
    closed = await world.look(opened.id)
    assert (closed.state, closed.applicants, closed.places) == (RoundState.CLOSED, 4, 2)
    file = lottery.read(await world.published(opened.number))
    assert all(good for _, good in lottery.verify(file))
    assert set(await world.listed(opened.id)) == {case.id for case in cases}


@pytest.mark.parametrize("place", GOING_ON, ids=named)
async def test_killed_while_the_cases_go_on(world: LotteryWorld, place: tuple[str, str, int]) -> None:
    opened, cases = await ready(world, 4)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    before = await world.published(opened.number)
    await world.until_killed(VICTIM, *place)
    await goes_on(world)
    done = await world.look(opened.id)
    assert (done.state, done.settled, done.winners) == (RoundState.SETTLED, 4, 2)
    listed = await world.listed(opened.id)
    won = {key for key, one in listed.items() if one.outcome == "won"}
    assert await world.seats() == won and len(won) == 2
    rows = await world.sql("SELECT id, seat, findings::text AS said FROM transfers ORDER BY id")
    assert {row["id"] for row in rows if row["seat"]} == won
    for row in rows:  # told once, whatever was killed
        assert row["said"].count("round.won") == (row["id"] in won)
        assert row["said"].count("round.lost") == (row["id"] not in won)
    assert len(rows) == len(cases) == 4
    assert await world.sql("SELECT 1 FROM hold_intents") == []
    after = lottery.read(await world.published(opened.number))
    assert (after.order, after.winners) == (lottery.read(before).order, lottery.read(before).winners)


async def test_two_workers_at_once_give_no_seat_twice(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 6)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    await asyncio.gather(*(world.settle() for _ in range(4)))
    await world.settle(problems=True)
    listed = await world.listed(opened.id)
    assert await world.seats() == {key for key, one in listed.items() if one.outcome == "won"}
    assert (await world.look(opened.id)).state is RoundState.SETTLED
    rows = await world.sql("SELECT findings::text AS said FROM transfers")
    assert all(row["said"].count("round.won") + row["said"].count("round.lost") == 1 for row in rows)
