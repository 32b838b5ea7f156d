"""Fixtures: a desk over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from audit_desk import Desk, make_desk


@pytest_asyncio.fixture
async def audit_desk(service_env: Any, postgres_server: Any) -> AsyncIterator[Desk]:
    desk = make_desk(await service_env("access"), postgres_server.url())
    await desk.organisations()
    yield desk
    await desk.shut()
