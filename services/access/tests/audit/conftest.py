"""Fixtures: a desk over a fresh database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))

from audit_desk import Desk, make_desk


@pytest_asyncio.fixture
async def audit_desk(service_env: Any, postgres_server: Any) -> AsyncIterator[Desk]:
    desk = make_desk(await service_env("access"), postgres_server.url())
    await desk.organisations()
    yield desk
    await desk.shut()
