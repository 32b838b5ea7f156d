"""Classes with their sizes, what is above the standard, and classes that are made, named and closed (clause 11)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from classes_world import ClassesWorld
from registry.classes import policy, store
from registry_world import FAR_SCHOOL, OFFICER, OTHER_SCHOOL, PRINCIPAL, PROVINCE, REGISTRAR, SCHOOL, TEACHER, actor
from regulation.school_year import SchoolSystem, Stage
from shared_contracts.actors import Role
from shared_contracts.classes import (
    ClassView,
    CloseClass,
    CreateClass,
    GetClass,
    GetClassExcess,
    ListClasses,
    RenameClass,
)
from shared_contracts.decisions import Outcome, Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("11")]
LEADER = actor(Role.LEADER, PROVINCE)
FIVE_FOUR = msgspec.structs.replace(
    SCHOOL,
    code="3123010003",
    name="哈尔滨市道里区五四制初级中学",
    school_type="311",
    stages=(Stage.JUNIOR,),
    system=SchoolSystem.FIVE_FOUR,
)


async def rooms(world: ClassesWorld, who: Any = REGISTRAR, **more: Any) -> list[ClassView]:
    page = await world.ask(ListClasses(actor=who, **more))
    assert not isinstance(page, Refused), page
    return list(page.items)


async def create(world: ClassesWorld, grade: int = 1, class_no: int = 4, who: Any = PRINCIPAL, **more: Any) -> Any:
    return await world.do(
        CreateClass(command_id=world.id("command"), actor=who, grade=grade, class_no=class_no, **more)
    )


async def rename(world: ClassesWorld, view: ClassView, name: str | None, who: Any = PRINCIPAL) -> Any:
    return await world.do(
        RenameClass(command_id=world.id("c"), actor=who, class_id=view.id, display_name=name, version=view.version)
    )


async def close(world: ClassesWorld, class_id: str, who: Any = PRINCIPAL) -> Any:
    return await world.do(CloseClass(command_id=world.id("command"), actor=who, class_id=class_id))


# ---- sizes -----------------------------------------------------------------------------------------------------------


async def test_a_class_has_boys_girls_and_those_on_their_way(world: ClassesWorld) -> None:
    await world.students(3, 2)
    await world.grade(2, 0)
    await world.grade(1, 0, class_no=2)
    first, second = await rooms(world)
    assert (first.boys, first.girls, first.on_the_way, first.size) == (3, 2, 2, 7)
    assert (first.standard, first.excess, first.class_no, first.grade) == (45, 0, 1, 1)
    assert second.size == 1
    assert await world.ask(GetClass(actor=TEACHER, class_id=first.id)) == first


async def test_closed_and_numbered_registrations_count_once_or_not(world: ClassesWorld) -> None:
    ids = await world.students(2, 0)
    (withdrawn,) = await world.grade(1, 0)
    await world.sql("UPDATE registrations SET closed = true WHERE id = $1", withdrawn)
    await world.owned("UPDATE students SET live = false WHERE id = $1", ids[0])
    (only,) = await rooms(world)
    async with world.db.transaction() as tx:
        assert await store.sizes(tx, [only.id]) == {only.id: 1}


@pytest.mark.parametrize(("size", "excess"), [(45, 0), (46, 1)])
async def test_an_existing_excess_is_shown_to_the_authority(world: ClassesWorld, size: int, excess: int) -> None:
    """On both sides of the primary standard."""
    await world.students(size, 0)
    (room,) = await rooms(world)
    assert room.excess == excess
    report = await world.ask(GetClassExcess(actor=OFFICER))
    assert [(one.school, one.over, one.pupils, one.largest) for one in report.items] == (
        [(SCHOOL.code, 1, 1, 46)] if excess else []
    )
    county = next(one for one in report.authorities if one.authority == "230102")
    assert (county.schools, county.classes, county.over, county.pupils) == (1, 1, excess, excess)
    assert county.authority_name == "道里区教育局"


@pytest.mark.parametrize(("size", "over"), [(50, 0), (51, 1)])
async def test_the_junior_standard_holds_in_the_five_four_system(world: ClassesWorld, size: int, over: int) -> None:
    """Grade 6 is primary in the 6-3 system and junior in the 5-4 system."""
    await world.load_more(FIVE_FOUR)
    await world.students(size, 0, grade=6, school=FIVE_FOUR, birth_date=world.birth(11))
    report = await world.ask(GetClassExcess(actor=OFFICER))
    assert [one.pupils for one in report.items] == ([1] if over else [])


async def test_authorities_above_see_all_below_and_nobody_beside(world: ClassesWorld) -> None:
    await world.students(46, 0)
    await world.students(48, 0, school=FAR_SCHOOL)
    province = await world.ask(GetClassExcess(actor=LEADER))
    assert [(one.school, one.pupils) for one in province.items] == [(FAR_SCHOOL.code, 3), (SCHOOL.code, 1)]
    assert {one.authority for one in province.authorities} == {"230102", "230202"}
    narrowed = await world.ask(GetClassExcess(actor=LEADER, authority="230202"))
    assert [one.school for one in narrowed.items] == [FAR_SCHOOL.code]
    assert [one.school for one in (await world.ask(GetClassExcess(actor=OFFICER))).items] == [SCHOOL.code]
    beside = await world.ask(GetClassExcess(actor=OFFICER, authority="230202"))
    assert isinstance(beside, Refused) and beside.kind == "not_found"
    above = await world.ask(GetClassExcess(actor=OFFICER, authority="230100"))
    assert isinstance(above, Refused)
    forbidden = await world.ask(GetClassExcess(actor=PRINCIPAL))
    assert isinstance(forbidden, Refused) and forbidden.kind == "forbidden"


async def test_the_report_goes_by_pages(world: ClassesWorld) -> None:
    await world.students(46, 0)
    await world.students(48, 0, school=FAR_SCHOOL)
    first = await world.ask(GetClassExcess(actor=LEADER, limit=1))
    second = await world.ask(GetClassExcess(actor=LEADER, limit=1, cursor=first.next_cursor))
    assert [one.school for one in (*first.items, *second.items)] == [FAR_SCHOOL.code, SCHOOL.code]
    assert second.next_cursor is None and not second.authorities


async def test_lists_show_the_own_school_and_what_is_below(world: ClassesWorld) -> None:
    await world.grade(1, 0)
    await world.grade(1, 0, school=OTHER_SCHOOL)
    await world.grade(1, 0, school=FAR_SCHOOL)
    assert {one.school for one in await rooms(world)} == {SCHOOL.code}
    assert await rooms(world, school=FAR_SCHOOL.code) == []
    assert {one.school for one in await rooms(world, OFFICER)} == {SCHOOL.code, OTHER_SCHOOL.code}
    assert len(await rooms(world, LEADER)) == 3
    (far,) = await rooms(world, LEADER, school=FAR_SCHOOL.code)
    reply = await world.ask(GetClass(actor=OFFICER, class_id=far.id))
    assert isinstance(reply, Refused) and reply.kind == "not_found"


# ---- made, named, closed ---------------------------------------------------------------------------------------------


async def test_a_class_is_made_named_and_closed_when_empty(world: ClassesWorld) -> None:
    made = await create(world, display_name="向日葵班")
    assert (made.grade, made.class_no, made.display_name, made.size) == (1, 4, "向日葵班", 0)
    again = await create(world)
    assert isinstance(again, Refused) and again.kind == "conflict"
    renamed = await rename(world, made, None)
    assert renamed.display_name is None and renamed.version == made.version + 1
    assert (await rename(world, made, "旧")).kind == "conflict"
    gone = await close(world, made.id)
    assert gone.closed_on is not None
    assert await rooms(world) == []
    assert [one.id for one in await rooms(world, closed=True)] == [made.id]
    assert (await close(world, made.id)).kind == "conflict"
    back = await create(world)
    assert (back.id, back.closed_on) == (made.id, None)


async def test_a_class_with_pupils_is_not_closed_and_one_they_come_into_is_open_again(world: ClassesWorld) -> None:
    made = await create(world, class_no=1)
    await close(world, made.id)
    await world.grade(1, 0)
    (room,) = await rooms(world)
    assert room.closed_on is None and room.size == 1
    reply = await close(world, (await create(world, class_no=1)).id)
    assert isinstance(reply, Refused) and "还有1名学生" in reply.detail


@pytest.mark.parametrize("name", ["", " 前后 ", "长" * 31, "换\n行"])
async def test_a_name_can_be_read(world: ClassesWorld, name: str) -> None:
    made = await create(world)
    assert (await rename(world, made, name)).kind == "invalid"
    assert (await create(world, class_no=5, display_name=name)).kind == "invalid"


@pytest.mark.parametrize(("grade", "class_no", "kind"), [(7, 1, "refused"), (1, 0, "invalid"), (1, 100, "invalid")])
async def test_a_class_of_a_grade_the_school_has(world: ClassesWorld, grade: int, class_no: int, kind: str) -> None:
    assert (await create(world, grade, class_no)).kind == kind


async def test_who_makes_classes(world: ClassesWorld) -> None:
    made = await create(world, who=REGISTRAR)
    assert not isinstance(made, Refused)
    stranger = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    for who, kind in ((TEACHER, "forbidden"), (OFFICER, "forbidden"), (stranger, "not_found")):
        assert (await rename(world, made, "新名", who)).kind == kind
        assert (await close(world, made.id, who)).kind == kind
    assert (await create(world, who=OFFICER)).kind == "forbidden"
    assert (await close(world, "nothing")).kind == "not_found"


# ---- the rule ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "standard", "outcome"),
    [(45, 45, Outcome.PASS), (46, 45, Outcome.REFUSE), (50, 50, Outcome.PASS), (51, 50, Outcome.REFUSE)],
)
def test_the_standard_on_both_sides(size: int, standard: int, outcome: Outcome) -> None:
    assert policy.within_standard(size, standard, "一年级1班").outcome is outcome
    noted = policy.existing_excess(size, standard, "一年级1班")
    assert (noted is not None and noted.outcome is Outcome.NOTE) == (outcome is Outcome.REFUSE)
