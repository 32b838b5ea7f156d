from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
import registry_pupils as pupils
import roster_workbooks as workbooks
from registry.organisations.facts import SchoolFacts
from roster_desk import RosterDesk, StandIn


@pytest.fixture(scope="session")
def school() -> SchoolFacts:
    return pupils.SCHOOL


@pytest.fixture(scope="session")
def pupil() -> Callable[..., dict[str, Any]]:
    """`pupil(serial, **changes)`: a first-year pupil as the form has it; serials differ in their numbers."""
    return pupils.pupil


@pytest.fixture(scope="session")
def resident() -> Callable[..., str]:
    return pupils.resident


@pytest.fixture(scope="session")
def workbook() -> Callable[..., bytes]:
    return workbooks.make_workbook


@pytest.fixture(scope="session")
def change() -> Callable[..., bytes]:
    return workbooks.repack


@pytest.fixture(scope="session")
def read_part() -> Callable[..., bytes]:
    return workbooks.part


@pytest_asyncio.fixture
async def identity(bus: Any, test_credentials: Any) -> AsyncIterator[StandIn]:
    """Somebody who answers in identity's place on the real bus, with faults to switch on."""
    stand_in = await StandIn.start(bus.url, test_credentials)
    yield stand_in
    await stand_in.stop()


@pytest_asyncio.fixture
async def desk(service_env: Any, identity: StandIn) -> AsyncIterator[RosterDesk]:
    """The registry's roster handlers and worker over a fresh database and the real bus."""
    made = await RosterDesk.open(await service_env("registry"), identity)
    yield made
    await made.shut()


@pytest.fixture
def class_of() -> Callable[[int], list[dict[str, Any]]]:
    """So many pupils, all different, in classes of ten."""
    return pupils.class_of


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of three rows."""
    monkeypatch.setattr("registry.rosters.checking.CHUNK", 3)
    monkeypatch.setattr("registry.rosters.confirming.CHUNK", 3)
