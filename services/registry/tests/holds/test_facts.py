"""What is counted together for a change is of that pupil, that school, that grade and that plan: of nobody else's."""

from __future__ import annotations

import asyncio
from datetime import date

import msgspec
import pytest
from enrolment_rows import enrol
from kit_waiting import waits_for_a_lock
from moving_world import JUNIOR, NEIGHBOUR, MovingWorld
from registry.holds import store
from registry.moving import rooms
from registry.organisations import store as organisations
from registry_world import OTHER_SCHOOL, SCHOOL, view
from shared_contracts.actors import system
from shared_contracts.holds import ChangeFacts, GetChangeFacts, GrantHold, HoldGranted, Room, Seat

pytestmark = pytest.mark.integration
SERVICE = system("transfer")
TODAY = date(2026, 9, 10)
_CHILD = """
INSERT INTO children (id, person_id, stage, county, origin, school_year, name, sex, birth_date, document_kind,
                      masked_document, division, sealed, state, listed_at)
VALUES ($1, 'p-' || $1, 'primary', '230102', 'household', 2024, '王', '1', '2018-03-05', '1', '*', '230102', '', 'placed',
        now())
"""
_ADMISSION = """
INSERT INTO admissions (id, child_id, person_id, county, school, authority, school_year, stage, way, decided_by, account,
                        admitted_on, notice_number, report_from, report_to, state, ended_on)
VALUES ($1, $1, 'p-' || $1, '230102', $2, '230102', $3, $4, 'placed', 'x', 'x', '2026-08-20', $1, '2026-08-30',
        '2026-09-01', $5, CASE WHEN $5 = 'ended' THEN date '2026-09-01' END)
"""


async def hold(world: MovingWorld, case: str, student: str, school: str = OTHER_SCHOOL.code) -> None:
    command = GrantHold(
        command_id=world.id("command"), actor=SERVICE, case_id=case, kind="transfer", seq=1, student_id=student,
        organisation=school, seat=Seat(school=school),
    )  # fmt: skip
    assert isinstance(await world.do(command), HoldGranted)


async def facts(world: MovingWorld, student: str, case: str | None = None) -> ChangeFacts:
    query = GetChangeFacts(actor=SERVICE, student_id=student, to_school=OTHER_SCHOOL.code, case_id=case)
    found = await world.ask(query)
    assert isinstance(found, ChangeFacts)
    return found


async def room(world: MovingWorld, student: str, case: str | None = None) -> Room:
    found = (await facts(world, student, case)).room
    assert found is not None
    return found


@pytest.mark.clause("11", "24.2.2")
async def test_only_the_open_classes_of_the_grade_are_counted(world: MovingWorld) -> None:
    (one,) = await world.pupils(SCHOOL, 3, 1, 1)
    await world.pupils(OTHER_SCHOOL, 3, 2, 20)
    await world.pupils(OTHER_SCHOOL, 3, 1, 10)
    gone, *_ = await world.pupils(OTHER_SCHOOL, 3, 3, 1)
    left, *_ = await world.pupils(OTHER_SCHOOL, 3, 1, 1)
    await world.pupils(OTHER_SCHOOL, 4, 1, 7)  # another grade
    await world.pupils(NEIGHBOUR, 3, 1, 9)  # another school
    await world.pupils(OTHER_SCHOOL, 3, 1, 5, state="graduated")
    await world.sql("UPDATE class_memberships SET left_on = '2026-09-05' WHERE student_id = ANY($1)", [gone, left])
    await world.sql("UPDATE students SET live = false WHERE id = ANY($1)", [gone, left])
    closed = world.key(OTHER_SCHOOL, 3, 3)
    await world.sql("UPDATE classes SET closed_on = '2026-09-05' WHERE id = $1", closed)
    found = await room(world, one)
    assert (sorted(found.sizes), found.pupils, found.free) == ([10, 20], 30, 35 + 25)
    assert found.school_pupils == 37
    async with world.db.reading() as tx:
        assert await rooms.sizes(tx, OTHER_SCHOOL.code, "primary", 2024) == {1: 10, 2: 20}
        assert await rooms.sizes(tx, OTHER_SCHOOL.code, "junior", 2024) == {}
        assert await rooms.sizes(tx, OTHER_SCHOOL.code, "primary", 2022) == {}


@pytest.mark.clause("24.2.2", "24.6.2")
async def test_seats_are_of_the_grade_and_the_own_case_s_does_not_count(world: MovingWorld) -> None:
    one, two = await world.pupils(SCHOOL, 3, 1, 2)
    (other_grade,) = await world.pupils(SCHOOL, 4, 1, 1)
    (elsewhere,) = await world.pupils(SCHOOL, 3, 2, 1)
    await world.pupils(OTHER_SCHOOL, 3, 1, 40)
    await world.pupils(OTHER_SCHOOL, 4, 1, 1)
    await world.pupils(NEIGHBOUR, 3, 1, 1)
    await hold(world, "case-1", one)
    await hold(world, "case-2", two)
    await hold(world, "case-3", other_grade)
    await hold(world, "case-4", elsewhere, NEIGHBOUR.code)
    found = await facts(world, one)
    assert found.room is not None and found.pupil is not None
    assert (found.room.held, found.room.free, found.room.school_pupils) == (2, 3, 41 + 3)
    assert found.pupil.held_by == "transfer"
    own = await facts(world, one, "case-1")
    assert own.room is not None and own.pupil is not None
    assert (own.room.held, own.room.free, own.room.school_pupils) == (1, 4, 41 + 2)
    assert own.pupil.held_by is None


@pytest.mark.clause("24.5.3")
async def test_the_plan_is_the_one_by_which_the_grade_entered(world: MovingWorld) -> None:
    (one,) = await world.pupils(SCHOOL, 3, 1, 1)
    async with world.db.transaction() as tx:
        for school, year, places in ((OTHER_SCHOOL, 2024, 45), (OTHER_SCHOOL, 2026, 90), (NEIGHBOUR, 2024, 60)):
            await enrol(tx, school, places=places, years=(year,), zone=False)
    for school, year, stage, state in (
        (OTHER_SCHOOL, 2024, "primary", "open"),
        (OTHER_SCHOOL, 2024, "primary", "ended"),
        (OTHER_SCHOOL, 2024, "junior", "open"),
        (OTHER_SCHOOL, 2026, "primary", "open"),
        (NEIGHBOUR, 2024, "primary", "open"),
    ):
        child = world.id("child")
        await world.sql(_CHILD, child)
        await world.sql(_ADMISSION, child, school.code, year, stage, state)
    found = await room(world, one)
    assert (found.plan_places, found.admitted) == (45, 1)
    await world.sql(
        """UPDATE enrolment_plans SET state = 'returned', return_reason = 'x', returned_at = now(), returned_by = 'x'
           WHERE school = $1 AND school_year = 2024""",
        OTHER_SCHOOL.code,
    )
    found = await room(world, one)
    assert (found.plan_places, found.admitted) == (None, 0)


@pytest.mark.clause("24.6.1")
async def test_at_the_school_since_the_first_day_in_a_class_of_it(world: MovingWorld) -> None:
    (one,) = await world.pupils(SCHOOL, 3, 1, 1, joined=date(2026, 9, 3))
    await world.pupils(SCHOOL, 2, 1, 1)
    await world.pupils(NEIGHBOUR, 2, 1, 1)
    before = "INSERT INTO class_memberships (student_id, joined_on, left_on, class_id) VALUES ($1, $2, $3, $4)"
    here, there = world.key(SCHOOL, 2, 1), world.key(NEIGHBOUR, 2, 1)
    await world.sql(before, one, date(2024, 9, 1), date(2025, 1, 1), there)  # another school
    await world.sql(before, one, date(2025, 1, 1), date(2025, 1, 1), here)  # for no day at all
    await world.sql(before, one, date(2025, 2, 1), date(2026, 9, 3), here)
    pupil = (await facts(world, one)).pupil
    assert pupil is not None
    assert (pupil.at_school_since, pupil.grade, pupil.class_no) == (date(2025, 2, 1), 3, 1)


@pytest.mark.clause("24.5.1")
async def test_who_is_named_is_found_by_name_and_person_together(world: MovingWorld) -> None:
    one, two = await world.pupils(SCHOOL, 3, 1, 2)
    await world.pupils(OTHER_SCHOOL, 3, 1, 1)
    (ended,) = await world.pupils(SCHOOL, 3, None, 1, state="withdrawn")
    await hold(world, "case-1", one)
    mine, name = [f"p-{one}"], f"学生{one[-4:]}"
    async with world.db.reading() as tx:
        found = await store.pupil_named(tx, [*mine, f"p-{two}"], name)
        assert found is not None and (found["id"], found["grade"], found["held_by"]) == (one, 3, "transfer")
        own = await store.pupil_named(tx, mine, name, without="case-1")
        assert own is not None and own["held_by"] is None
        others = ([f"p-{two}"], name), (mine, name[:-1]), ([], name), ([f"p-{ended}"], f"学生{ended[-4:]}")
        for persons, said in others:
            assert await store.pupil_named(tx, persons, said) is None


@pytest.mark.clause("3.1")
async def test_a_school_is_named_with_its_authority_as_both_are_now(world: MovingWorld) -> None:
    async with world.db.transaction() as tx:
        found = await store.supervised(tx, {OTHER_SCHOOL.code, NEIGHBOUR.code, "230102", "nobody"})
        assert {code: (one.facts.code, one.superior) for code, one in found.items()} == {
            OTHER_SCHOOL.code: (OTHER_SCHOOL.code, "230100"),
            NEIGHBOUR.code: (NEIGHBOUR.code, "230100"),
        }
        assert {code: one.authority_name[-9:] for code, one in found.items()} == {
            OTHER_SCHOOL.code: "道里区教育局", NEIGHBOUR.code: "南岗区教育局",
        }  # fmt: skip
        await organisations.close(tx, "230103", TODAY)
        orphan = (await store.supervised(tx, [NEIGHBOUR.code]))[NEIGHBOUR.code]
        assert (orphan.facts.authority, orphan.authority_name, orphan.superior) == ("230103", "", "")
    (one,) = await world.pupils(NEIGHBOUR, 3, 1, 1)
    pupil = (await facts(world, one)).pupil  # the code stands for the name, the tree of divisions for the superior
    assert pupil is not None and (pupil.school.authority_name, pupil.school.superior) == ("230103", "230100")


@pytest.mark.clause("44")
async def test_a_school_whose_new_version_is_waited_for_is_not_taken_for_closed(world: MovingWorld) -> None:
    renamed = msgspec.structs.replace(view(OTHER_SCHOOL), name="哈尔滨市道里区新名小学")
    async with world.db.transaction() as first:
        await organisations.close_versions(first, [OTHER_SCHOOL.code], TODAY)
        await organisations.put_versions(first, [renamed], TODAY)

        async def other() -> dict[str, str]:
            async with world.db.transaction() as tx:
                found = await organisations.shared(tx, [SCHOOL.code, OTHER_SCHOOL.code, JUNIOR.authority])
                return {code: school.name for code, school in found.items()}

        waiting = asyncio.create_task(other())
        await waits_for_a_lock(world.sql, waiting)
    assert await waiting == {SCHOOL.code: SCHOOL.name, OTHER_SCHOOL.code: renamed.name}
