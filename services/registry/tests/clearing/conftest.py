"""Fixtures: a registry and an identity over fresh databases, and what passes between them under the tests' hands."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "form" / "support"))

from clearing_world import ClearingWorld
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[ClearingWorld]:
    made = ClearingWorld(await service_env("registry"), await service_env("identity"))
    await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL)
    yield made
    await made.shut()
