"""Fixtures: schools with classes and pupils, for those who study elsewhere."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parents[1] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "form" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reorganisation" / "support"))

from moving_world import MovingWorld


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[MovingWorld]:
    made = MovingWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()
