"""Fixtures: the transfer service and a private school that others want to go to."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld

sys.path.insert(0, str(Path(__file__).parent / "support"))

from lottery_world import LotteryWorld


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[LotteryWorld]:
    made = LotteryWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
