"""Fixtures: a registry over a fresh database with a county, its schools and their plans, and a stand-in of identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from admission_world import AdmissionWorld, KnownPeople


@pytest_asyncio.fixture
async def people() -> KnownPeople:
    return KnownPeople()


@pytest_asyncio.fixture
async def world(service_env: Any, people: KnownPeople) -> AsyncIterator[AdmissionWorld]:
    made = AdmissionWorld(await service_env("registry"), people)
    await made.furnish()
    yield made
    await made.shut()
