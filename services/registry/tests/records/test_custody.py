"""A student moves: the record goes along, the old school keeps a copy as of that day and sees nothing later (21.2)."""

from __future__ import annotations

from datetime import date
from typing import Any

import asyncpg
import msgspec
import pytest
from registry.organisations.facts import SchoolFacts
from registry.organisations.store import SchoolChanged
from registry.records import copies
from registry.records.custody import pass_custody
from registry.records.store import Klass
from registry_world import (
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    PROVINCE,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    TODAY,
    World,
    actor,
)
from service_kit.crypto import SealBroken
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import Issued, NumberKind, NumbersUpgraded, Verification
from shared_contracts.records import CustodyPassed, GetJournal, GetStudent, ListStudents, StudentView
from shared_contracts.registry import GetRegistration, ListRegistrations, PrintSheet

pytestmark = pytest.mark.integration
THERE = actor(Role.REGISTRAR, FAR_SCHOOL.code)
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, "230202")
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
LATER = date(2026, 10, 12)
MOVER = system("transfer")


async def student(world: World, **changes: Any) -> str:
    one = await world.one(**changes)
    await world.bring_to(one, "done")
    await world.number(one, "L2**************15")
    return one


async def move(
    world: World,
    one: str,
    school: SchoolFacts = FAR_SCHOOL,
    klass: Klass = Klass(1, 3),  # noqa: B008 - a value
    on: date | None = None,
    **more: Any,
) -> Any:
    async with world.db.unit(world.deps) as work:
        return await pass_custody(work, one, school, klass, actor=MOVER, on=on or world.clock.today(), **more)


async def seen(world: World, one: str, who: Actor) -> Any:
    return await world.ask(GetStudent(actor=who, student_id=one))


async def upgrade(world: World, one: str) -> None:
    """Something that happens after the move: the L number becomes a G."""
    number = Issued(
        person_id="",
        registration_id=one,
        kind=NumberKind.G,
        masked="G2**************15",
        verification=Verification.MATCHED,
    )
    await world.tell(NumbersUpgraded(numbers=(number,), issued_at=world.clock.now()))


@pytest.mark.clause("21.1", "21.2")
async def test_the_record_goes_to_the_new_school(world: World) -> None:
    one = await student(world)
    world.clock.pass_(days=32)
    moved = await move(world, one, content={"document": "转学字1号"})
    assert isinstance(moved, StudentView)
    shown = await seen(world, one, THERE)
    assert shown == moved
    assert (shown.school, shown.school_name, shown.grade, shown.class_no) == (FAR_SCHOOL.code, FAR_SCHOOL.name, 1, 3)
    assert (shown.copy_as_of, shown.version, shown.cohort, shown.stage) == (None, 2, 2026, "primary")
    history = await world.ask(GetJournal(actor=THERE, student_id=one))
    assert history.intact
    entry = history.entries[-1]
    assert (entry.seq, entry.kind, entry.clause, entry.legal_date, entry.actor) == (
        2, "custody_passed", "21.2", LATER, "system:transfer",
    )  # fmt: skip
    assert entry.content == {
        "document": "转学字1号",
        "from_school": SCHOOL.code,
        "to_school": FAR_SCHOOL.code,
        "before": {"school": SCHOOL.code, "class_no": 1},
        "after": {"school": FAR_SCHOOL.code, "class_no": 3},
    }
    rows = await world.sql("SELECT joined_on, left_on FROM class_memberships ORDER BY joined_on")
    assert [tuple(row) for row in rows] == [(TODAY, LATER), (LATER, None)]
    (event,) = await world.events(CustodyPassed)
    assert (event.registration_id, event.from_school, event.to_school) == (one, SCHOOL.code, FAR_SCHOOL.code)


@pytest.mark.clause("3.1", "21.2")
async def test_the_old_school_sees_the_copy_as_of_the_move_and_no_later(world: World) -> None:
    one = await student(world)
    before = await seen(world, one, REGISTRAR)
    world.clock.pass_(days=32)
    await move(world, one)
    await upgrade(world, one)
    await world.sql("UPDATE students SET verification = 'not_found', version = version + 1")
    assert (await seen(world, one, THERE)).student_number == "G2**************15"
    for who in (REGISTRAR, PRINCIPAL, OFFICER):
        assert await seen(world, one, who) == msgspec.structs.replace(before, copy_as_of=LATER), who
        history = await world.ask(GetJournal(actor=who, student_id=one))
        assert ([entry.seq for entry in history.entries], history.intact) == ([1, 2], True)
        assert history.copy_as_of == LATER
    assert len((await world.ask(GetJournal(actor=THERE, student_id=one))).entries) == 3


@pytest.mark.clause("21.2")
async def test_how_the_pupil_was_registered_is_shown_as_of_the_move_too(world: World) -> None:
    one = await student(world)
    before = await world.get(one)
    assert before.form
    world.clock.pass_(days=32)
    await move(world, one)
    await upgrade(world, one)
    await world.sql(
        "UPDATE profiles SET form = $1", world.deps.cipher.seal_bytes(b'{"phone":"new"}', f"form:{one}".encode())
    )
    for who in (REGISTRAR, OFFICER):
        kept = await world.ask(GetRegistration(actor=who, registration_id=one))
        assert kept == msgspec.structs.replace(before, copy_as_of=LATER), who
    assert isinstance(await world.ask(GetRegistration(actor=THERE, registration_id=one)), Refused)
    printed = await world.do(PrintSheet(command_id=new_id(), actor=REGISTRAR, registration_id=one))
    assert (isinstance(printed, Refused), printed.kind) == (True, "conflict")


@pytest.mark.clause("3.1", "21.2")
async def test_lists_of_the_old_school_have_the_pupil_no_more(world: World) -> None:
    one, other = await student(world), await student(world)
    (row,) = await world.sql("SELECT person_id FROM students WHERE id = $1", one)
    await move(world, one)

    async def listed(kind: Any, who: Actor, **more: Any) -> list[str]:
        return [item.id for item in (await world.ask(kind(actor=who, **more))).items]

    for who in (REGISTRAR, OFFICER):
        assert await listed(ListStudents, who) == [other]
        assert await listed(ListStudents, who, person_ids=(row["person_id"],)) == []
        assert await listed(ListRegistrations, who) == [other]
    assert await listed(ListStudents, THERE) == [one]


@pytest.mark.clause("3.1", "21.2")
async def test_copies_are_for_the_school_and_its_authorities_alone(world: World) -> None:
    one = await student(world)
    await move(world, one)
    for who, sees in (
        (REGISTRAR, True),
        (CITY_OFFICER, True),
        (TEACHER, False),  # classes are of today
        (actor(Role.REGISTRAR, OTHER_SCHOOL.code), False),
        (actor(Role.AUTHORITY_OFFICER, "230103"), False),
        (actor(Role.OPERATOR), False),
    ):
        reply = await seen(world, one, who)
        assert isinstance(reply, StudentView) == sees, who
        assert isinstance(await world.ask(GetJournal(actor=who, student_id=one)), Refused) != sees, who
    over_both = await seen(world, one, actor(Role.AUTHORITY_OFFICER, PROVINCE))
    assert (over_both.school, over_both.copy_as_of) == (FAR_SCHOOL.code, None), "the present goes before the copy"
    assert (await seen(world, one, FAR_OFFICER)).copy_as_of is None


@pytest.mark.clause("21.2")
async def test_copies_follow_the_school_to_another_authority_and_outlive_it(world: World) -> None:
    one = await student(world)
    await move(world, one)
    await world.sql("UPDATE organisations SET authority = $2 WHERE code = $1", SCHOOL.code, "230103")
    assert isinstance(await seen(world, one, OFFICER), Refused)
    assert isinstance(await seen(world, one, actor(Role.AUTHORITY_OFFICER, "230103")), StudentView)
    await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", SCHOOL.code, TODAY)
    assert isinstance(await seen(world, one, actor(Role.AUTHORITY_OFFICER, "230103")), StudentView)


@pytest.mark.clause("21.2")
async def test_each_school_on_the_way_keeps_its_own_copy(world: World) -> None:
    one = await student(world)
    world.clock.pass_(days=1)
    await move(world, one, OTHER_SCHOOL, Klass(1, 2))
    world.clock.pass_(days=1)
    await move(world, one, FAR_SCHOOL)
    second = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
    assert (await seen(world, one, REGISTRAR)).copy_as_of == date(2026, 9, 11)
    kept = await seen(world, one, second)
    assert (kept.copy_as_of, kept.school, kept.class_no) == (date(2026, 9, 12), OTHER_SCHOOL.code, 2)
    sizes = [
        len((await world.ask(GetJournal(actor=who, student_id=one))).entries) for who in (REGISTRAR, second, THERE)
    ]
    assert sizes == [2, 3, 3]
    world.clock.pass_(days=1)
    await move(world, one, SCHOOL, Klass(1, 1))
    assert (await seen(world, one, REGISTRAR)).copy_as_of is None, "who comes back is there again"
    assert (await world.get(one)).copy_as_of is None
    assert [item.id for item in (await world.ask(ListRegistrations(actor=REGISTRAR))).items] == [one]


@pytest.mark.clause("21.2")
async def test_a_move_on_the_day_of_registration(world: World) -> None:
    one = await student(world)
    await move(world, one)
    rows = await world.sql(
        "SELECT m.joined_on, m.left_on, k.school FROM class_memberships m JOIN classes k ON k.id = m.class_id"
    )
    assert [tuple(row) for row in rows] == [(TODAY, None, FAR_SCHOOL.code)]


async def test_a_move_that_cannot_be(world: World) -> None:
    one = await student(world)
    for values, kind in (
        ({"school": SCHOOL}, "conflict"),
        ({"klass": Klass(7, 1)}, "refused"),
        ({"on": date(2026, 9, 9)}, "invalid"),
        ({"on": date(2026, 9, 11)}, "invalid"),
    ):
        assert (await move(world, one, **values)).kind == kind, values
    assert (await move(world, "nobody")).kind == "not_found"
    with pytest.raises(SchoolChanged):
        await move(world, one, msgspec.structs.replace(FAR_SCHOOL, authority="230200"))
    assert (await seen(world, one, REGISTRAR)).version == 1
    assert await world.sql("SELECT FROM student_copies") == []
    assert len((await world.ask(GetJournal(actor=REGISTRAR, student_id=one))).entries) == 1


@pytest.mark.clause("21.1", "21.2")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM student_copies",
        "TRUNCATE student_copies",
        "UPDATE student_copies SET sealed = ''",
        "UPDATE student_copies SET journal_seq = 99",
    ],
)
async def test_a_copy_is_for_ever_as_it_was(world: World, statement: str) -> None:
    await move(world, await student(world))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)


@pytest.mark.clause("45.3")
async def test_a_copy_is_sealed_to_its_place(world: World) -> None:
    one, other = await student(world, name="甲某某"), await student(world, name="乙某某")
    await move(world, one)
    await move(world, other)
    rows = await world.sql("SELECT sealed FROM student_copies")
    assert all("甲某某".encode() not in row["sealed"] and b"form" not in row["sealed"] for row in rows)
    with pytest.raises(SealBroken):
        world.deps.cipher.open_bytes(rows[0]["sealed"], copies.context("somebody", SCHOOL.code, 2))
