"""Fixtures: a desk in front of identity (real database, real matcher) and seeded people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from identity_support import Desk, OpenDesk, People, TheMatcher, make_desk, running_matcher


@pytest.fixture
def people(request: pytest.FixtureRequest) -> People:
    return People(sum(request.node.name.encode()))


@pytest_asyncio.fixture
async def open_desk(service_env: Any, matcher: TheMatcher) -> AsyncIterator[OpenDesk]:
    """`await open_desk(matcher_budget_seconds=1)`: a desk over a fresh database; twice: two copies over the same one."""
    opened: list[Desk] = []

    async def make(**changes: Any) -> Desk:
        env = opened[0].env if opened else await service_env("identity")
        opened.append(make_desk(env, matcher, **changes))
        return opened[-1]

    yield make
    for desk in opened:
        await desk.shut()


@pytest_asyncio.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    made: Desk = await open_desk()
    return made


@pytest.fixture(scope="session")
def matcher_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TheMatcher]:
    with running_matcher(tmp_path_factory.mktemp("matcher")) as running:
        yield running


@pytest.fixture
def matcher(matcher_process: TheMatcher) -> Iterator[TheMatcher]:
    matcher_process.faults()
    yield matcher_process
    matcher_process.faults()
