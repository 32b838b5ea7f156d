"""SIGKILL while records are moved: another worker goes on; each pupil is in one school throughout (clauses 21.3, 44)."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_deadly import named, until_killed
from moving_world import (
    CITY_LEADER,
    CITY_OFFICER,
    JUNIOR,
    OTHER_SCHOOL,
    PROVINCE_LEADER,
    SCHOOL,
    MovingWorld,
)
from service_kit.ids import new_id
from shared_contracts.records import RecordsPassed
from shared_contracts.reorganisation import Merging, Redividing, SchoolTo, UndoReorganisation

pytestmark = [pytest.mark.integration, pytest.mark.clause("21.3")]
VICTIM = Path(__file__).parent / "support" / "moving_victim.py"
CARRYING, BATCHES, CUSTODY = "registry.reorganisation.carrying", "registry.moving.batches", "registry.records.custody"

FORWARD = [
    ("registry.moving.store:take", "after", 1),
    (f"{CARRYING}:Schools.begin", "before", 1),
    ("registry.moving.store:freeze", "after", 1),
    ("registry.reorganisation.store:put_moves", "after", 1),
    (f"{CARRYING}:Schools.begin", "after", 1),
    (f"{CARRYING}:Schools.prepare", "after", 1),
    (f"{BATCHES}:forward", "before", 1),
    (f"{CUSTODY}:_leave_copies", "after", 1),
    ("registry.records.store:append", "after", 2),
    (f"{CUSTODY}:_move", "after", 2),
    ("registry.moving.store:moved", "after", 1),
    (f"{BATCHES}:forward", "after", 2),
    (f"{BATCHES}:forward", "before", 4),
    (f"{CARRYING}:Schools.finish", "before", 1),
    ("registry.organisations.store:close", "after", 1),
    (f"{CARRYING}:reconcile", "after", 1),
    (f"{CARRYING}:Schools.finish", "after", 1),
]
BACK = [
    (f"{CARRYING}:Schools.begin_undo", "before", 1),
    ("registry.reorganisation.store:reopen", "after", 1),
    (f"{CARRYING}:Schools.begin_undo", "after", 1),
    (f"{BATCHES}:back", "before", 2),
    (f"{BATCHES}:_restore", "after", 1),
    ("registry.moving.store:moved", "after", 2),
    (f"{BATCHES}:back", "after", 3),
    (f"{CARRYING}:Schools.finish_undo", "after", 1),
]
REDIVISION = [
    (f"{CARRYING}:Redivision.begin", "after", 1),
    ("registry.organisations.changing:carry_out", "after", 1),
    (f"{CARRYING}:Redivision.prepare", "after", 1),
    (f"{CARRYING}:Redivision.prepare", "before", 3),
    (f"{BATCHES}:forward", "after", 1),
    (f"{CARRYING}:Redivision.finish", "after", 1),
]


async def kill(world: MovingWorld, place: tuple[str, str, int]) -> None:
    await until_killed(VICTIM, *place, env=world.env)
    await world.sql("UPDATE operations SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


async def once(world: MovingWorld, total: int) -> None:
    """Nothing twice: an entry, a copy and a word to identity for each record, and no more."""
    entries = await world.sql(
        "SELECT count(*) AS n FROM journal WHERE kind = 'custody_reorganised' GROUP BY student_id"
    )
    copies = await world.sql("SELECT count(*) AS n FROM student_copies GROUP BY student_id")
    told = [one.registration_id for event in await world.events(RecordsPassed) for one in event.records]
    assert [row["n"] for row in entries] == [1] * total
    assert [row["n"] for row in copies] == [1] * total
    assert (len(told), len(set(told))) == (total, total)


@pytest.mark.parametrize("place", FORWARD, ids=named)
async def test_killed_on_the_way_there(world: MovingWorld, small_batches: None, place: tuple[str, str, int]) -> None:
    await world.pupils(SCHOOL, 1, 1, 2)
    ids = await world.pupils(OTHER_SCHOOL, 1, 1, 18)
    before = await world.records()
    id_ = await world.approved(Merging(ended=(OTHER_SCHOOL.code,), into=SCHOOL.code))
    await kill(world, place)
    assert await world.records() == before, "none lost, none twice, whenever it is killed"
    rows = await world.sql(
        """SELECT s.school, (SELECT count(*) FROM class_memberships m JOIN classes k ON k.id = m.class_id
                             WHERE m.student_id = s.id AND m.left_on IS NULL AND k.school = s.school) AS classes
           FROM students s WHERE s.id = ANY($1::text[])""",
        ids,
    )
    assert {row["classes"] for row in rows} == {1}, "in one class of the school that has the record"
    assert await world.carried(id_) == "done"
    await world.whole()
    assert await world.records() == before
    await once(world, 18)
    done = await world.look(id_)
    assert (done.moved, done.report.whole, done.report.copies) == (18, True, 18)


@pytest.mark.parametrize("place", BACK, ids=named)
async def test_killed_on_the_way_back(world: MovingWorld, small_batches: None, place: tuple[str, str, int]) -> None:
    await world.pupils(OTHER_SCHOOL, 1, 1, 18)
    state = "SELECT id, school, stage, state, live FROM students ORDER BY id"
    member = "SELECT student_id, class_id, joined_on FROM class_memberships WHERE left_on IS NULL ORDER BY 1"
    before = (await world.sql(state), await world.sql(member))
    id_ = await world.approved(Merging(ended=(OTHER_SCHOOL.code,), into=SCHOOL.code))
    assert await world.carried(id_) == "done"
    undo = UndoReorganisation(command_id=new_id(), actor=CITY_LEADER, reorganisation_id=id_, reason="文件撤销")
    assert (await world.do(undo)).state == "undoing"
    await kill(world, place)
    assert await world.carried(id_) == "undone"
    await world.whole()
    assert (await world.sql(state), await world.sql(member)) == before
    kinds = await world.sql("SELECT kind, count(*) AS n FROM journal GROUP BY kind")
    assert {row["kind"]: row["n"] for row in kinds} == {
        "registered": 18,
        "custody_reorganised": 18,
        "move_undone": 18,
    }


@pytest.mark.parametrize("place", REDIVISION, ids=named)
async def test_killed_while_counties_are_redivided(
    world: MovingWorld, small_batches: None, place: tuple[str, str, int]
) -> None:
    await world.pupils(SCHOOL, 1, 1, 9)
    await world.pupils(JUNIOR, 7, 1, 3)
    codes = (SCHOOL.code, JUNIOR.code)
    plan = Redividing(schools=tuple(SchoolTo(school=one, authority="230103", division="230103") for one in codes))
    id_ = await world.approved(plan, CITY_OFFICER, PROVINCE_LEADER)
    await kill(world, place)
    assert await world.carried(id_) == "done"
    await world.whole()
    rows = await world.sql(
        "SELECT code, count(*) AS n FROM organisations WHERE code = ANY($1::text[]) GROUP BY code", list(codes)
    )
    assert {row["n"] for row in rows} == {2}, "one new version each"
    entries = await world.sql("SELECT count(*) AS n FROM journal WHERE kind = 'redivided' GROUP BY student_id")
    assert [row["n"] for row in entries] == [1] * 12
