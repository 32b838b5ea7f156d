"""Fixtures: a registry over a fresh database with a county, its schools and their plans, and a stand-in of identity."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "form" / "support"))

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
