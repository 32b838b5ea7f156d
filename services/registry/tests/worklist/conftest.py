"""Fixtures: a registry over a fresh database, with an authority and three schools."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parents[1] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "form" / "support"))

from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL, World


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[World]:
    made = World(await service_env("registry"))
    await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL, places=2_000)
    yield made
    await made.shut()
