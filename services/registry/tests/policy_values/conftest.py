"""Fixtures: a registry over a fresh, empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from registry_world import World


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[World]:
    made = World(await service_env("registry"))
    yield made
    await made.shut()
