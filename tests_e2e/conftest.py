"""One system for the session, fresh ones for tests that break things; rosters that several tests look at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from e2e_acts import acts
from e2e_cast import Cast
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_story import Story, tell
from e2e_system import HASTY, System, running_system
from e2e_things import Things, things_of

FreshSystem = Callable[..., System]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The system that all tests share that break nothing."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="session")
def people(system: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(system, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="session")
def xinchun(system: System) -> Desk:
    """The demonstration's own school, in the county 230103."""
    return desk(system, "xinchun")


@pytest.fixture(scope="session")
def shanhe(system: System) -> Desk:
    """A school in another county, 230184."""
    return desk(system, "shanhe")


@pytest.fixture(scope="session")
def qihui(system: System) -> Desk:
    """Another school of the county 230103."""
    return desk(system, "qihui")


@pytest.fixture(scope="session")
def story(system: System, people: People, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The main job, told once: a roster with every hard case from its upload to its numbers, and what came of it."""
    return tell(system, people, tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="session")
def cast(system: System) -> Iterator[Cast]:
    """Everybody there is, by role and place."""
    made = Cast(system)
    yield made
    made.close()


@pytest.fixture(scope="session")
def things(cast: Cast, people: People, xinchun: Desk) -> Things:
    """What of Xinchun's everybody tries to get at."""
    made = things_of(cast, people, xinchun)
    more = {name: id_ for capability in acts() for name, id_ in capability.things(cast, people, xinchun).items()}
    return replace(made, ids=made.ids | more)


@pytest.fixture(scope="module")
def breakable() -> Iterator[System]:
    """A system of a module's own, to be broken and mended; its identity does not wait long for the matcher."""
    with running_system(identity=HASTY) as running:
        yield running


@pytest.fixture
def fresh_system() -> Iterator[FreshSystem]:
    """`fresh_system(identity={...})`: one for this test alone."""
    with ExitStack() as stack:

        def make(begins: datetime | None = None, **settings: Mapping[str, str]) -> System:
            return stack.enter_context(running_system(begins, **settings))

        yield make
