"""SIGKILL while graduates go on: another worker goes on; each pupil is in one school throughout (clause 16)."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_world import IntakeWorld
from kit_deadly import named, until_killed
from moving_world import JUNIOR, OTHER_SCHOOL, SCHOOL
from shared_contracts.records import RecordsPassed

pytestmark = [pytest.mark.integration, pytest.mark.clause("16")]
VICTIM = Path(__file__).parents[1] / "reorganisation" / "support" / "moving_victim.py"
CARRYING = "registry.junior_intake.carrying"
PLACES = [
    ("registry.moving.rooms:make", "after", 1),
    ("registry.junior_intake.store:put_moves", "after", 1),
    (f"{CARRYING}:Intake.begin", "after", 1),
    ("registry.moving.batches:forward", "after", 1),
    ("registry.records.custody:_move", "after", 2),
    ("registry.moving.store:moved", "after", 3),
    (f"{CARRYING}:_tell", "after", 1),
    (f"{CARRYING}:Intake.finish", "after", 1),
]


@pytest.mark.parametrize("place", PLACES, ids=named)
async def test_killed_and_carried_on(world: IntakeWorld, small_batches: None, place: tuple[str, str, int]) -> None:
    await world.leaving(SCHOOL, 1, 12)
    await world.pupils(OTHER_SCHOOL, None, None, 6, state="graduated", cohort=2020)
    before = [one for one, _ in await world.records()]
    seen = await world.build((SCHOOL, JUNIOR), (OTHER_SCHOOL, JUNIOR))
    assert (await world.rule(seen.id)).state == "approved"
    await until_killed(VICTIM, *place, env=world.env)
    assert [one for one, _ in await world.records()] == before
    await world.sql("UPDATE operations SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")
    assert await world.carried(seen.id) == "done"
    await world.whole()
    assert [one for one, _ in await world.records()] == before
    for query in (
        "SELECT count(*) AS n FROM journal WHERE kind = 'stage_continued' GROUP BY student_id",
        "SELECT count(*) AS n FROM student_copies GROUP BY student_id",
    ):
        assert [row["n"] for row in await world.sql(query)] == [1] * 18
    told = [one.registration_id for event in await world.events(RecordsPassed) for one in event.records]
    assert (len(told), len(set(told))) == (18, 18)
    assert (await world.list(seen.id)).moved == 18
