"""Fixtures: primary schools with graduates, junior schools with plans, and the worker that moves records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from intake_world import IntakeWorld


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[IntakeWorld]:
    made = IntakeWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of seven records."""
    monkeypatch.setattr("registry.moving.batches.SIZE", 7)
