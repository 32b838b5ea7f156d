"""SIGKILL while the evidence worker looks at a file, or removes one: whoever comes next finds everything as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from evidence_desk import VIRUS, keep, look, see
from kit_clamd import EICAR, ClamdProcess
from kit_deadly import let_go, until_killed
from registry_world import World
from service_kit.scanning import Clamd
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]
VICTIM = Path(__file__).parent / "support" / "evidence_victim.py"

SCANNING = [
    ("registry.evidence.store:take_unscanned", "after"),
    ("service_kit.scanning:Clamd.scan", "before"),
    ("service_kit.scanning:Clamd.scan", "after"),
    ("registry.evidence.store:scanned", "before"),
    ("registry.evidence.store:scanned", "after"),
    ("service_kit.work:Work.flush", "after"),
]
REMOVING = [
    ("registry.evidence.store:take_unused", "after"),
    ("service_kit.files:FileStore.delete", "before"),
    ("service_kit.files:FileStore.delete", "after"),
    ("registry.evidence.store:forget", "after"),
]


async def kill(world: World, place: tuple[str, str], clamd: ClamdProcess, days: int) -> None:
    await until_killed(VICTIM, *place, clamd.address, days, env=world.env)


async def until_looked(world: World) -> None:
    """The server notices that a client has died a moment later; until then it holds the row."""
    await let_go(world.sql)
    assert await look(world), "nobody lets go of the file"


@pytest.mark.parametrize("place", SCANNING, ids="-".join)
async def test_killed_while_it_looks(scanned: World, clamd: ClamdProcess, place: tuple[str, str]) -> None:
    clamd.stop()
    virus = await keep(scanned, VIRUS)
    assert EICAR in VIRUS
    clamd.start()
    await kill(scanned, place, clamd, days=0)
    assert (await see(scanned, virus.id)).scan == "pending"
    scanned.clock.pass_(minutes=5)
    await until_looked(scanned)
    assert not await look(scanned)
    assert (await see(scanned, virus.id)).scan == "infected"
    assert len(await scanned.events(WorkWaiting)) == 1, "told once"


@pytest.mark.parametrize("place", REMOVING, ids="-".join)
async def test_killed_while_it_removes(world: World, clamd: ClamdProcess, place: tuple[str, str]) -> None:
    world.deps = dataclasses.replace(world.deps, scanner=Clamd(clamd.address, seconds=60))
    await keep(world)
    await kill(world, place, clamd, days=40)
    world.clock.pass_(days=40)
    await until_looked(world)
    assert await world.sql("SELECT 1 FROM evidence") == []
    assert [path for path in Path(world.env["XUEJI_FILES_DIR"]).rglob("*") if path.is_file()] == []
