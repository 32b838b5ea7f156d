"""Fixtures: a registry with pupils and an export worker, over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from exports_world import ExportsWorld


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[ExportsWorld]:
    made = ExportsWorld.open(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of thirty pupils."""
    monkeypatch.setattr("registry.exports.making.CHUNK", 30)
