"""Fixtures: the service's handlers over a fresh database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))

from worklist_desk import WorklistDesk


@pytest_asyncio.fixture
async def desk(service_env: Any) -> AsyncIterator[WorklistDesk]:
    made = WorklistDesk(await service_env("notifications"))
    yield made
    await made.shut()
