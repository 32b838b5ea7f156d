"""The command that has the index made anew."""

from __future__ import annotations

import asyncio
import sys

import pytest
from kit_deadly import around
from search_world import SearchWorld

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


async def test_all_students_wait_once_it_is_asked_for(world: SearchWorld) -> None:
    for _ in range(3):
        await world.pupil("王小明")
    await world.keep_up()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "registry",
        "rebuild-search",
        env=around(world.env),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said.decode().split()[0]) == (0, "3")
    assert await world.keep_up() == 3
