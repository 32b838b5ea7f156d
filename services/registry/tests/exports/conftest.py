"""Fixtures: a registry with pupils and an export worker, over a fresh database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))

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
