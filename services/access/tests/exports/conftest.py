"""Fixtures: a desk in front of exports over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from exports_desk import ExportsDesk, make_desk


@pytest_asyncio.fixture
async def desk(service_env: Any) -> AsyncIterator[ExportsDesk]:
    made = make_desk(await service_env("access"))
    await made.organisations()
    yield made
    await made.shut()
