"""Fixtures: the transfer service, with a province office and schools of another province."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld

sys.path.insert(0, str(Path(__file__).parent / "support"))

from outside_world import OutsideWorld


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[OutsideWorld]:
    made = OutsideWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
