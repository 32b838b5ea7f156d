"""Fixtures: the transfer service and a private school that others want to go to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from lottery_world import LotteryWorld
from moving_world import MovingWorld


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[LotteryWorld]:
    made = LotteryWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
