"""Fixtures: the access service over a fresh database, with some authorities and two schools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from access_support import AUTHORITIES, SCHOOLS, Desk

OpenDesk = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def open_desk(service_env: Any) -> AsyncIterator[OpenDesk]:
    """`await open_desk(second_factor="all")`: changed settings; asked again: another copy over the same database."""
    opened: list[Desk] = []

    async def make(**changes: Any) -> Desk:
        if not opened:
            desk = Desk(await service_env("access"), **changes)
            await desk.know(*AUTHORITIES, *SCHOOLS)
        else:
            desk = Desk(opened[0].env, opened[0].clock, **changes)
        opened.append(desk)
        return desk

    yield make
    for desk in opened:
        await desk.shut()


@pytest_asyncio.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    return await open_desk()
