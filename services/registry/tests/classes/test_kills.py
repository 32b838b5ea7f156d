"""A process that dies while classes are assigned leaves all of it or nothing, and the same command finishes it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from classes_world import VALUE, ClassesWorld
from kit_deadly import around
from registry_world import PRINCIPAL
from service_kit.ids import derived
from shared_contracts.classes import ApplyAssignment, AssignmentState, DrawAssignment

pytestmark = [pytest.mark.integration, pytest.mark.clause("17")]
VICTIM = Path(__file__).parent / "support" / "classes_victim.py"


async def killed(world: ClassesWorld, act: str, assignment_id: str, at: str, now: str) -> int:
    """The exit of a process that carries the command out and kills itself after its nth statement."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(VICTIM),
        act,
        assignment_id,
        at,
        now,
        env=around(world.env),
    )
    return await process.wait()


async def state(world: ClassesWorld) -> tuple[Any, ...]:
    """What the database has of it."""
    rows = await world.sql(
        """SELECT (SELECT state FROM class_assignments), (SELECT count(class_no) FROM class_assignment_pupils),
                  (SELECT count(*) FROM journal WHERE kind = 'class_assigned'),
                  (SELECT count(*) FROM class_memberships m JOIN classes k ON k.id = m.class_id WHERE k.class_no = 2)"""
    )
    return tuple(rows[0])


@pytest.mark.parametrize("act", ["draw", "apply"])
async def test_a_kill_after_any_statement_leaves_nothing_and_is_made_good(world: ClassesWorld, act: str) -> None:
    await world.students(4, 4)
    closed = await world.committed()
    world.clock.pass_(hours=24)
    if act == "apply":
        await world.draw(closed)
    before, now = await state(world), world.clock.now().isoformat()
    whole = ("drawn", 8, 0, before[3]) if act == "draw" else ("applied", 8, 8)
    kills = 0
    for statement in range(2, 60, 4 if act == "draw" else 8):
        end = await killed(world, act, closed.id, str(statement), now)
        found = await state(world)
        assert end in (0, -signal.SIGKILL)
        kills += end != 0
        if found != before:  # killed after the commit, or not at all
            break
    assert kills > 1, "it was never killed in the middle"
    assert found[: len(whole)] == whole
    kind: Any = DrawAssignment if act == "draw" else ApplyAssignment
    more = {"public_value": VALUE} if act == "draw" else {}
    again = await world.do(kind(command_id=derived("victim", act), actor=PRINCIPAL, assignment_id=closed.id, **more))
    assert again.state in (AssignmentState.DRAWN, AssignmentState.APPLIED)
    assert await state(world) == found, "the same command again changes nothing"
