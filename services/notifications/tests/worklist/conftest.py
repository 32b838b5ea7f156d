"""Fixtures: the service's handlers over a fresh database; and, for histories, the two services whose cases are told to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld
from transfer_world import TransferWorld
from worklist_desk import WorklistDesk


@pytest_asyncio.fixture
async def desk(service_env: Any) -> AsyncIterator[WorklistDesk]:
    made = WorklistDesk(await service_env("notifications"))
    yield made
    await made.shut()


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[TransferWorld]:
    registry = MovingWorld(await service_env("registry"))
    await registry.prepare()
    made = TransferWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
    await registry.shut()
