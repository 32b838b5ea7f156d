"""A worker waits as long as it may, and not a moment longer than there is something to do."""

from __future__ import annotations

import asyncio

import pytest
from service_kit.pausing import pause

LONG, SOON = 60.0, 5.0


async def test_it_ends_when_the_time_is_over() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(SOON):
        await pause(stop, 0.01, wake)
    assert not stop.is_set()
    assert not wake.is_set()


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("before", [True, False])
async def test_whatever_is_set_ends_it_and_stays_set(which: int, before: bool) -> None:
    events = [asyncio.Event() for _ in range(3)]
    if before:
        events[which].set()
    else:
        asyncio.get_running_loop().call_later(0.01, events[which].set)
    async with asyncio.timeout(SOON):
        await pause(events[0], LONG, *events[1:])
    assert [event.is_set() for event in events] == [place == which for place in range(3)]


async def test_nothing_is_left_behind_by_it_or_by_who_is_cancelled_in_it() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    others = asyncio.all_tasks()
    await pause(stop, 0.01, wake)
    assert asyncio.all_tasks() == others
    waiting = asyncio.create_task(pause(stop, LONG, wake))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == others
