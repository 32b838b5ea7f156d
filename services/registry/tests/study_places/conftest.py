"""Fixtures: schools with classes and pupils, for those who study elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from moving_world import MovingWorld


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[MovingWorld]:
    made = MovingWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()
