"""Students, classes and schools as of a day, for those whose business they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from registry.records.custody import pass_custody
from registry.records.kinds import changed
from registry.records.store import Klass
from registry.records.writing import Change, record
from registry_world import (
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    TODAY,
    World,
    actor,
)
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.records import GetClassAsOf, GetJournal, GetSchoolAsOf, GetStudent, StudentView

pytestmark = pytest.mark.integration
THERE = actor(Role.REGISTRAR, FAR_SCHOOL.code)
LATER = TODAY + timedelta(days=30)


async def student(world: World, **changes: Any) -> str:
    one = await world.one(**changes)
    await world.bring_to(one, "done")
    await world.number(one)
    return one


async def rename(world: World, one: str, before: str, after: str, on: date) -> None:
    async with world.db.unit(world.deps) as work:
        content = changed({"name": before}, {"name": after})
        await record(work, [Change(student_id=one, kind="corrected", clause="39", legal_date=on, content=content)])


async def move(world: World, one: str) -> None:
    async with world.db.unit(world.deps) as work:
        moved = await pass_custody(work, one, FAR_SCHOOL, Klass(1, 3), actor=system("transfer"), on=work.today)
        assert isinstance(moved, StudentView)


async def at(world: World, one: str, on: date | None, who: Actor = REGISTRAR, **more: Any) -> Any:
    return await world.ask(GetStudent(actor=who, student_id=one, as_of=on, **more))


@pytest.mark.clause("21.1", "44")
async def test_a_student_as_of_a_day(world: World) -> None:
    one = await student(world)
    world.clock.pass_(days=30)
    await rename(world, one, "王小名", "王小明", LATER)
    assert (await at(world, one, TODAY)).name == "王小名"
    assert (await at(world, one, LATER - timedelta(days=1))).name == "王小名"
    shown = await at(world, one, LATER)
    assert (shown.name, shown.school_name, shown.grade, shown.as_of) == ("王小明", SCHOOL.name, 1, LATER)
    assert (await at(world, one, LATER, known_on=LATER - timedelta(days=1))).name == "王小名"
    history = await world.ask(GetJournal(actor=REGISTRAR, student_id=one, as_of=TODAY))
    assert ([entry.seq for entry in history.entries], history.intact) == ([1], True)
    assert (await at(world, one, TODAY - timedelta(days=1))).kind == "not_found"


@pytest.mark.parametrize("which", ["as_of", "known_on"])
@pytest.mark.parametrize("kind", [GetStudent, GetJournal])
async def test_tomorrow_is_not_known(world: World, kind: Any, which: str) -> None:
    one = await student(world)
    reply = await world.ask(kind(actor=REGISTRAR, student_id=one, **{which: TODAY + timedelta(days=1)}))
    assert reply.kind == "invalid"
    assert not isinstance(await world.ask(kind(actor=REGISTRAR, student_id=one, **{which: TODAY})), Refused)


@pytest.mark.clause("21.2")
async def test_a_former_school_looks_back_on_its_own_time_alone(world: World) -> None:
    one = await student(world)
    world.clock.pass_(days=30)
    await move(world, one)
    await rename(world, one, "王小明", "王大明", LATER)
    world.clock.pass_(days=30)
    for day in (TODAY, LATER, LATER + timedelta(days=30)):
        shown = await at(world, one, day)
        assert (shown.school, shown.name, shown.copy_as_of) == (SCHOOL.code, "王小明", LATER), day
    assert (await at(world, one, TODAY, THERE)).school == SCHOOL.code
    assert (await at(world, one, TODAY, THERE)).school_name == SCHOOL.name
    assert (await at(world, one, LATER, THERE)).school_name == FAR_SCHOOL.name


@pytest.mark.clause("44")
async def test_the_school_has_the_name_of_that_day(world: World) -> None:
    one = await student(world)
    world.clock.pass_(days=30)
    await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", SCHOOL.code, LATER)
    await world.sql(
        """INSERT INTO organisations (code, valid_from, name, kind, parent, authority, division, school_type, stages, system,
                  ownership, locality, accepts_international)
           SELECT code, $2, '新校名', kind, parent, authority, division, school_type, stages, system, ownership, locality,
                  accepts_international FROM organisations WHERE code = $1""",
        SCHOOL.code,
        LATER,
    )
    assert (await at(world, one, TODAY)).school_name == SCHOOL.name
    assert (await at(world, one, LATER)).school_name == "新校名"


@pytest.mark.clause("21.1", "44")
async def test_a_school_and_a_class_as_of_a_day(world: World) -> None:
    stays, goes = await student(world, name="甲"), await student(world, name="乙")
    await student(world, name="丙", class_no=2)
    world.clock.pass_(days=30)
    await move(world, goes)
    await rename(world, stays, "甲", "丁", LATER)
    before = await world.ask(GetSchoolAsOf(actor=REGISTRAR, school=SCHOOL.code, as_of=TODAY))
    assert [(k.grade, k.class_no, k.students) for k in before.classes] == [(1, 1, 2), (1, 2, 1)]
    assert (before.students, before.school_name) == (3, SCHOOL.name)
    after = await world.ask(GetSchoolAsOf(actor=REGISTRAR, school=SCHOOL.code, as_of=LATER))
    assert [(k.class_no, k.students) for k in after.classes] == [(1, 1), (2, 1)]
    class_id = before.classes[0].id
    roll = await world.ask(GetClassAsOf(actor=TEACHER, class_id=class_id, as_of=TODAY))
    assert [(item.name, item.student_id) for item in roll.items] == [("乙", goes), ("甲", stays)]
    assert roll.items[0].left_on == LATER
    roll = await world.ask(GetClassAsOf(actor=TEACHER, class_id=class_id, as_of=LATER))
    assert [item.name for item in roll.items] == ["丁"]
    nobody = await world.ask(GetClassAsOf(actor=TEACHER, class_id=class_id, as_of=TODAY - timedelta(days=1)))
    assert nobody.kind == "not_found"


@pytest.mark.clause("3.1")
async def test_who_looks_back_on_a_school(world: World) -> None:
    await student(world)
    (row,) = await world.sql("SELECT id FROM classes")
    for who, school, klass in [
        (REGISTRAR, True, True),
        (PRINCIPAL, True, True),
        (OFFICER, True, True),
        (actor(Role.LEADER, CITY), True, True),
        (TEACHER, False, True),
        (actor(Role.CLASS_TEACHER, classes=["1-02"]), False, False),
        (actor(Role.REGISTRAR, OTHER_SCHOOL.code), False, False),
        (actor(Role.AUTHORITY_OFFICER, "230202"), False, False),
    ]:
        shown = await world.ask(GetSchoolAsOf(actor=who, school=SCHOOL.code, as_of=TODAY))
        assert isinstance(shown, Refused) != school, who
        shown = await world.ask(GetClassAsOf(actor=who, class_id=row["id"], as_of=TODAY))
        assert isinstance(shown, Refused) != klass, who
    tomorrow = TODAY + timedelta(days=1)
    assert (await world.ask(GetSchoolAsOf(actor=REGISTRAR, school=SCHOOL.code, as_of=tomorrow))).kind == "invalid"
    assert (await world.ask(GetClassAsOf(actor=REGISTRAR, class_id=row["id"], as_of=tomorrow))).kind == "invalid"
    assert (await world.ask(GetClassAsOf(actor=REGISTRAR, class_id="none", as_of=TODAY))).kind == "not_found"
    old = GetSchoolAsOf(actor=REGISTRAR, school=SCHOOL.code, as_of=date(2019, 1, 1))
    assert (await world.ask(old)).kind == "not_found"
