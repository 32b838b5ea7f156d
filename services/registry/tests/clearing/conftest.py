"""Fixtures: a registry and an identity over fresh databases, and what passes between them under the tests' hands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from clearing_world import ClearingWorld
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[ClearingWorld]:
    made = ClearingWorld(await service_env("registry"), await service_env("identity"))
    await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL)
    yield made
    await made.shut()
