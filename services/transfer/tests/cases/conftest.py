"""Fixtures: the transfer service over its own fresh database, beside a registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld
from transfer_world import TransferWorld


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[TransferWorld]:
    made = TransferWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
