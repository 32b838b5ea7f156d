"""SIGKILL while the index of names is kept: whoever goes on leaves it as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_deadly import let_go, until_killed
from registry.search import store
from registry_world import OTHER_SCHOOL
from search_world import SearchWorld

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]
VICTIM = Path(__file__).parent / "support" / "search_victim.py"
PLACES = [
    ("_present", "before", 1),
    ("_present", "after", 2),
    ("_write", "before", 1),
    ("_write", "after", 1),
    ("_write", "after", 2),
    ("keep_up", "after", 1),
]
TERMS = "SELECT e.student_id, t.authority, t.term FROM search_terms t JOIN search_entries e USING (n) ORDER BY 1, 2, 3"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "-".join(map(str, place)))
async def test_killed_and_gone_on_with(world: SearchWorld, place: tuple[str, str, int]) -> None:
    ids = [await world.pupil(f"王小{'明红伟丽军'[n % 5]}") for n in range(25)]
    await until_killed(VICTIM, *place, env=world.env)
    await let_go(world.sql)
    await world.rename(ids[0], "王小明", "李小明")
    await world.move(ids[1], OTHER_SCHOOL)
    await world.keep_up()
    assert await world.sql("SELECT * FROM search_pending") == []
    assert len(await world.names("小")) == 25
    assert await world.names("lxm") == ["李小明"]
    assert len({row["student_id"] for row in await world.sql("SELECT student_id FROM search_entries")}) == 25
    left = [tuple(row) for row in await world.sql(TERMS)]
    assert len(left) == len(set(left))
    # The same as when everything is written once, by nobody who is killed.
    await world.as_owner("TRUNCATE search_terms, search_entries")
    async with world.db.transaction() as tx:
        await store.ask_all(tx)
    await world.keep_up()
    assert [tuple(row) for row in await world.sql(TERMS)] == left
