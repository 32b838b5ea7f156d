"""Fixtures: the transfer service, with a province office and schools of another province."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "private_places" / "support"))

from coming_world import ComingWorld
from transfer_world import RECEIVING


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[ComingWorld]:
    made = ComingWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()


@pytest_asyncio.fixture
async def a_class(world: ComingWorld) -> None:
    """The receiving school has a class of the grade, with room."""
    await world.registry.pupils(RECEIVING, 3, 1, 2)
