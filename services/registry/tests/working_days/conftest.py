"""Fixtures: a registry over a fresh, empty database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "registration" / "support"))

from registry_world import World


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[World]:
    made = World(await service_env("registry"))
    yield made
    await made.shut()
