"""Fixtures: the access service with its registrars' appointments, over a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from access_support import AUTHORITIES, SCHOOLS
from appointments_desk import Registrars


@pytest_asyncio.fixture
async def desk(service_env: Any) -> AsyncIterator[Registrars]:
    made = Registrars(await service_env("access"))
    await made.know(*AUTHORITIES, *SCHOOLS)
    yield made
    await made.shut()
