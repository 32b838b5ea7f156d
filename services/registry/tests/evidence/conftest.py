"""Fixtures: a registry with schools, and a scanner's stand-in in a process of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from kit_clamd import ClamdProcess
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL, World
from service_kit.scanning import Clamd


@pytest.fixture
def clamd() -> Iterator[ClamdProcess]:
    with ClamdProcess() as process:
        yield process


@pytest_asyncio.fixture
async def world(service_env: Any) -> AsyncIterator[World]:
    made = World(await service_env("registry"))
    await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL)
    yield made
    await made.shut()


@pytest_asyncio.fixture
async def scanned(world: World, clamd: ClamdProcess) -> World:
    """The same registry with a scanner."""
    world.deps = dataclasses.replace(world.deps, scanner=Clamd(clamd.address, seconds=60))
    return world
