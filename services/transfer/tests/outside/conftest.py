"""Fixtures: the transfer service and the registry, each over its own fresh database, with pupils in three schools."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "cases" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "private_places" / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "registry" / "tests" / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "registry" / "tests" / "form" / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "registry" / "tests" / "reorganisation" / "support"))

from coming_world import ComingWorld
from moving_world import MovingWorld


@pytest_asyncio.fixture
async def registry(service_env: Any) -> AsyncIterator[MovingWorld]:
    made = MovingWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()


@pytest_asyncio.fixture
async def world(service_env: Any, registry: MovingWorld) -> AsyncIterator[ComingWorld]:
    made = ComingWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()
