"""Fixtures: a registry over a fresh database, with an authority and three schools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from classes_world import ClassesWorld
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[ClassesWorld]:
    made = ClassesWorld(await service_env("registry"))
    await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL, places=1_980)
    yield made
    await made.shut()
