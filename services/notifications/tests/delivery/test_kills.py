"""A service that is killed while it sends: the message goes out again under its id, and is never lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from delivery_desk import DeliveryDesk
from notifications.delivery.dispatching import dispatch
from shared_contracts.delivery import DeliveryState
from worklist_desk import OFFICER

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@contextlib.asynccontextmanager
async def _serving(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m notifications serve`, killed at the end whatever it does."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "notifications", "serve", env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGKILL)
        await child.wait()


async def test_a_kill_between_sending_and_writing_it_down(post: DeliveryDesk, tmp_path: Path) -> None:
    await post.proved(OFFICER, "sms", "13800138000")
    before = len(post.sink.taken)
    for n in range(3):
        await post.notice(OFFICER, f"待办：转学{n}")
    post.clock.pass_(minutes=5)
    await dispatch(post.db, post.deps)
    clock = tmp_path / "clock"
    environment = post.environment | {"XUEJI_TIME_TRAVEL": str(clock)}
    clock.write_text("0")

    post.sink.slow = 30.0  # taken, and the answer is on its way
    async with _serving(environment):
        async with asyncio.timeout(60):
            while len(post.sink.taken) < before + 3:
                await asyncio.sleep(0.05)
    first = {one.id for one in post.sink.taken[before:]}
    assert len(first) == 3
    assert len(await post.deliveries(OFFICER, state=DeliveryState.WAITING)) == 3

    post.sink.slow = 0.0
    clock.write_text("300")  # the lease is over
    async with _serving(environment):
        async with asyncio.timeout(60):
            while await post.deliveries(OFFICER, state=DeliveryState.WAITING):
                await asyncio.sleep(0.1)
    again = [one.id for one in post.sink.taken[before + 3 :]]
    assert sorted(again) == sorted(first)
    assert len(await post.deliveries(OFFICER, state=DeliveryState.SENT)) == 4
