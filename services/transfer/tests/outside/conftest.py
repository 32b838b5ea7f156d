"""Fixtures: the transfer service, with a province office and schools of another province."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from coming_world import ComingWorld
from moving_world import MovingWorld
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
