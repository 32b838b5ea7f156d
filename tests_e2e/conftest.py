"""One system for the session, fresh ones for tests that break things; rosters that several tests look at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import e2e_truth
import pytest
import pytest_asyncio
from e2e_acts import acts
from e2e_browser import WIDE, Browser, Consoles, NoBrowser, asked_for, running_browser
from e2e_cast import Cast
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_story import Story, tell
from e2e_system import HANGS, HASTY, System, running_system, wait_for
from e2e_things import Things, things_of

if TYPE_CHECKING:
    from e2e_console import Console

FreshSystem = Callable[..., System]
PICTURES = Path(__file__).parents[1] / "test-results"
REPORT = pytest.StashKey[pytest.TestReport]()
NO_BROWSER = pytest.StashKey[str]()


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
    e2e_truth.settled(cast.system)  # whoever may see one of them sees it from now on, in whichever service's list

    def indexed() -> bool:
        return any(one.id == made.ids["student_id"] for one in xinchun.registrar.search(text=made.name, limit=200))

    wait_for(indexed, HANGS, "the search does not follow")
    return replace(made, ids=made.ids | more)


@pytest.fixture(scope="module")
def breakable() -> Iterator[System]:
    """A system of a module's own, to be broken and mended; its identity does not wait long for the matcher."""
    with running_system(identity=HASTY) as running:
        yield running


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that failed half-way leaves nothing broken to the next one."""
    system = request.getfixturevalue("breakable") if "breakable" in request.fixturenames else None
    yield
    if system is not None:
        system.mend()


@pytest.fixture(scope="module")
def stage() -> Iterator[System]:
    """A system of a module's own: what stands in it changes for good, and its clock may move."""
    with running_system() as running:
        yield running


@pytest.fixture
def fresh_system() -> Iterator[FreshSystem]:
    """`fresh_system(identity={...})`: one for this test alone."""
    with ExitStack() as stack:

        def make(begins: datetime | None = None, **settings: Mapping[str, str]) -> System:
            return stack.enter_context(running_system(begins, **settings))

        yield make


# ---- a browser --------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session")
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """A real one. Where there is none the console's tests are skipped, loudly; `TEST_BROWSER=required` makes them fail."""
    try:
        async with running_browser() as running:
            yield running
    except NoBrowser as problem:
        if asked_for() != "auto":
            pytest.fail(f"no browser: {problem}", pytrace=False)
        request.config.stash[NO_BROWSER] = str(problem)
        pytest.skip(f"no browser: {problem}")


@pytest_asyncio.fixture
async def consoles(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Consoles]:
    """`await consoles(system, "xinchun.registrar", size=NARROW)`: somebody signed in at a page of his own.

    Of a test that fails there is a picture of each page, named in its report.
    """
    from e2e_console import console_of, picture

    opened: list[Console] = []
    async with AsyncExitStack() as stack:

        async def console(system: System, username: str = "", size: Any = WIDE, password: str = "") -> Console:
            made = await stack.enter_async_context(console_of(browser, system, size))
            opened.append(made)
            return await made.sign_in(username, password) if username else made

        yield console
        report = request.node.stash.get(REPORT, None)
        if report is not None and report.failed:
            name = re.sub(r"[^\w.-]+", "-", request.node.name)
            for number, one in enumerate(opened, 1):
                report.sections.append(("picture", await picture(one, PICTURES / f"{name}-{number}.png")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if problem := config.stash.get(NO_BROWSER, ""):
        terminalreporter.section("NO BROWSER: the console was not tested", sep="!", red=True)
        terminalreporter.line(
            f"{problem}\nCure: make setup-browser, or install Chromium. `make test-browser` insists on one."
        )
