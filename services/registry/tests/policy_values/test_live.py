"""A copy of the service knows what was published before the first day on which it holds, or says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from registry.policy_values import policy as rules
from registry.policy_values.live import LivePolicy
from registry_world import DIVISION, World
from regulation.parameters import LocalValue, ParameterValue, province_parameters
from service_kit import policy as live
from service_kit.policy import PolicyNotKnown, sound

pytestmark = pytest.mark.integration
DAY = date(2026, 10, 1)


async def put(world: World, value: int = 40, *, version: int = 1, **changes: Any) -> None:
    row = {"id": f"v{version}", "key": "class_size_primary", "division": DIVISION, "valid_from": DAY} | changes
    await world.sql(
        """INSERT INTO policy_values (id, key, division, valid_from, value, basis, account, published_by, published_at)
           VALUES ($1, $2, $3, $4, $5::text::jsonb, '文号', 'a', '某', $6)""",
        *row.values(),
        str(value),
        world.clock.now(),
    )
    await world.sql("UPDATE policy_book SET version = $1", version)


async def look(world: World, policy: LivePolicy) -> bool:
    async with world.db.transaction() as tx:
        return await policy.look(tx)


async def test_a_local_value_holds_from_its_day_on(world: World) -> None:
    policy = LivePolicy()
    await put(world)
    assert await look(world, policy)
    assert policy.parameters(DIVISION, date(2026, 9, 30)).class_size_primary == 45
    held = policy.parameters(DIVISION, DAY)
    assert (held.class_size_primary, held.version) == (40, f"230000@2006-09-01 {DIVISION}@2026-10-01")


async def test_nothing_is_read_again_while_nothing_has_changed(world: World) -> None:
    policy = LivePolicy()
    assert not await look(world, policy)
    book = policy.book
    assert not await look(world, policy)
    assert policy.book is book
    await put(world)
    assert await look(world, policy)
    assert policy.book is not book


async def test_a_copy_that_watches_hears_of_it_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOKS", 0.05)
    policy, stop = LivePolicy(), asyncio.Event()
    watching = asyncio.create_task(live.watch(world.kit, policy, stop))
    await put(world)
    async with asyncio.timeout(90):
        while policy.version != 1:
            await asyncio.sleep(0.02)
    stop.set()
    await watching


async def test_a_publication_in_this_copy_wakes_it_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOKS", 600.0)
    policy, stop = LivePolicy(), asyncio.Event()
    watching = asyncio.create_task(live.watch(world.kit, policy, stop))
    await asyncio.sleep(0.2)
    await put(world)
    world.kit.wake(live.WAKE).set()
    async with asyncio.timeout(90):
        while policy.version != 1:
            await asyncio.sleep(0.02)
    stop.set()
    await watching


async def test_a_copy_that_cannot_look_says_nothing_rather_than_something_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = LivePolicy()
    await look(world, policy)
    began = time.monotonic()
    monkeypatch.setattr(live.time, "monotonic", lambda: began + 590)
    assert policy.parameters(DIVISION, DAY).class_size_primary == 45
    monkeypatch.setattr(live.time, "monotonic", lambda: began + 601)
    with pytest.raises(PolicyNotKnown):
        policy.parameters(DIVISION, DAY)
    await look(world, policy)
    assert policy.parameters(DIVISION, DAY).class_size_primary == 45


async def test_the_first_look_waits_for_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    @contextlib.asynccontextmanager
    async def away() -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionRefusedError
        async with world.db.engine.begin() as tx:
            yield tx

    monkeypatch.setattr(world.db, "transaction", away)
    policy = LivePolicy()
    await live.first_look(world.db, policy)
    assert len(tries) == 3


def test_a_release_with_narrower_bounds_does_not_keep_the_service_from_starting() -> None:
    def local(key: str, value: int, division: str = DIVISION) -> LocalValue:
        return LocalValue(key=key, value=ParameterValue(division=division, valid_from=DAY, value=value))

    rows = [
        local("class_size_primary", 99),
        local("class_size_junior", 40),
        local("gone", 1),
        local("class_size_primary", 44, "230103"),
    ]
    book = sound(province_parameters(), rows)
    held = book.parameters(DIVISION, DAY)
    assert (held.class_size_primary, held.class_size_junior) == (45, 40)
    assert book.parameters("230103", DAY).class_size_primary == 44


def test_what_is_fixed_before_a_day_is_what_copies_hear_in_time() -> None:
    assert rules.MARGIN == live.MARGIN
    assert live.MARGIN.total_seconds() > live.LOOKS * 3


@pytest.mark.clause("49")
@pytest.mark.parametrize("service", ["registry", "access"])
def test_no_service_asks_the_package_what_authorities_may_have_changed(service: str) -> None:
    """`Parameters.for_` knows this release's values alone: a decision by it would ignore what a county has published."""
    source = Path(importlib.import_module(service).__file__ or "").parent
    asked = [
        str(file.relative_to(source)) for file in source.rglob("*.py") if "Parameters.for_(" in file.read_text("utf-8")
    ]
    assert asked == []
