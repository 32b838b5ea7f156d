"""One last place, a new pupil and a transfer: of a private school's plan exactly one gets it (24.5.3); in a class of a
public school the law stops the transfer alone, and a registration is told what it takes (11, 24.2.2)."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest
from enrolment_rows import enrol as give_places
from hypothesis import given
from hypothesis import strategies as st
from moving_world import MovingWorld
from registry.enrolment.plans import store as plans
from registry.holds import policy
from registry.moving.rooms import Rooms
from registry.organisations.store import put_versions
from registry.registration import entering
from registry.registration.intake import admit, seat
from registry_world import OTHER_SCHOOL, SCHOOL, view
from regulation.school_year import Stage
from shared_contracts.actors import system
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.holds import GetChangeFacts, GrantHold, HoldGranted, Seat
from shared_contracts.transfer import TransferApproved

PRIVATE = msgspec.structs.replace(SCHOOL, code="2123010009", name="哈尔滨市道里区民办小学", ownership="private")
SERVICE = system("transfer")


async def prepared(world: MovingWorld, places: int) -> None:
    async with world.db.transaction() as tx:
        await put_versions(tx, [view(PRIVATE)], date(2020, 1, 1))
        await give_places(tx, PRIVATE, places=places, zone=False)


def grant(world: MovingWorld, case: str, student: str, school: str = PRIVATE.code, seq: int = 1) -> GrantHold:
    return GrantHold(
        command_id=world.id("command"), actor=SERVICE, case_id=case, kind="transfer", seq=seq, student_id=student,
        organisation=school, seat=Seat(school=school),
    )  # fmt: skip


async def enrol(world: MovingWorld, count: int = 1, school: Any = PRIVATE) -> tuple[int, int]:
    """New pupils of grade 1, as an import seats and admits them: how many have a place, how many have none."""
    coming = [world.admission(school) for _ in range(count)]
    async with world.db.unit(world.deps) as work:
        fitting, beyond = await seat(work, school, coming)
        await admit(work, school, fitting, held=True)
    return len(fitting), len(beyond)


@pytest.mark.integration
@pytest.mark.clause("24.5.3", "4.3")
async def test_of_a_new_pupil_and_a_transfer_for_the_last_place_exactly_one_wins(world: MovingWorld) -> None:
    await prepared(world, 10)
    await enrol(world, 9)
    (one,) = await world.pupils(SCHOOL, 1, 1, 1)
    reply, (fitting, beyond) = await asyncio.gather(world.do(grant(world, "case-1", one)), enrol(world))
    assert isinstance(reply, HoldGranted) is (fitting == 0)
    assert fitting + beyond == 1
    if isinstance(reply, Refused):
        assert reply.findings[0].code == "seat.plan_used_up"


@pytest.mark.integration
@pytest.mark.clause("11", "24.5.3", "44")
async def test_while_an_operation_fills_a_school_s_classes_no_transfer_gets_a_seat_there(world: MovingWorld) -> None:
    """Who is to come by it sits in no class yet, and would be counted by nobody."""
    await prepared(world, 10)
    await enrol(world, 1)
    (one,) = await world.pupils(SCHOOL, 1, 1, 1)
    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'operation-1', $2)", PRIVATE.code, world.clock.now())
    reply = await world.do(grant(world, "case-1", one))
    assert isinstance(reply, Refused)
    assert [found.code for found in reply.findings] == ["change.frozen"] and reply.findings[0].cure
    assert await world.sql("SELECT FROM change_holds") == []
    await world.sql("DELETE FROM frozen_schools")
    assert isinstance(await world.do(grant(world, "case-1", one)), HoldGranted)


@pytest.mark.integration
@pytest.mark.clause("24.5.3")
async def test_of_many_for_a_few_places_as_many_win_as_there_are_places(world: MovingWorld) -> None:
    await prepared(world, 10)
    await enrol(world, 6)
    pupils = await world.pupils(SCHOOL, 1, 1, 5)
    moves = [world.do(grant(world, f"case-{n}", one)) for n, one in enumerate(pupils)]
    replies = await asyncio.gather(*moves, *(enrol(world) for _ in range(5)))
    won = sum(
        1 if isinstance(reply, HoldGranted) else 0 if isinstance(reply, Refused) else reply[0] for reply in replies
    )
    assert won == 4
    async with world.db.transaction() as tx:
        plan = await plans.in_force(tx, PRIVATE.code, 2026, Stage.PRIMARY)
        assert plan is not None and await plans.free(tx, plan) == 0


@pytest.mark.integration
@pytest.mark.clause("24.5.3")
async def test_whoever_has_come_by_transfer_has_a_place_of_the_plan_until_he_leaves(world: MovingWorld) -> None:
    await prepared(world, 3)
    await enrol(world, 1)
    (one,) = await world.pupils(SCHOOL, 1, 1, 1)
    assert isinstance(await world.do(grant(world, "case-1", one)), HoldGranted)
    assert await free(world) == 1
    event = TransferApproved(
        transfer_id="case-1", seq=2, student_id=one, from_school=SCHOOL.code, to_school=PRIVATE.code, grade=1, over=False,
        record_moves=True, actor="x", number="ZX1",
    )  # fmt: skip
    await world.tell(event)
    assert await free(world) == 1
    assert await enrol(world, 2) == (1, 1)
    await world.sql("UPDATE students SET live = false WHERE id = $1", one)
    assert await free(world) == 1


async def free(world: MovingWorld) -> int:
    async with world.db.transaction() as tx:
        plan = await plans.in_force(tx, PRIVATE.code, 2026, Stage.PRIMARY)
        assert plan is not None
        return await plans.free(tx, plan)


@pytest.mark.integration
@pytest.mark.clause("4.3", "24.2.2")
async def test_a_public_school_s_plan_is_for_new_pupils_alone(world: MovingWorld) -> None:
    """Seats of transfers are of its classes: a child who has a place of the plan is registered, and the note counts them."""
    async with world.db.transaction() as tx:
        await give_places(tx, SCHOOL, places=45, zone=False)
    await world.pupils(SCHOOL, 1, 1, 43)
    (one,) = await world.pupils(OTHER_SCHOOL, 1, 1, 1)
    assert isinstance(await world.do(grant(world, "case-1", one, SCHOOL.code)), HoldGranted)
    assert await enrol(world, 2, SCHOOL) == (2, 0)
    rows = await world.sql("SELECT convert_from(body, 'UTF8') AS said FROM policy_decisions")
    assert [("grade.seats_kept" in row["said"], '"kept":1' in row["said"]) for row in rows] == [(True, True)]
    other = await world.pupils(OTHER_SCHOOL, 1, 2, 1)
    refused = await world.do(grant(world, "case-2", other[0], SCHOOL.code))
    assert isinstance(refused, Refused) and refused.findings[0].code == "seat.none_left"


@pytest.mark.integration
async def test_facts_count_children_who_are_still_to_come(world: MovingWorld) -> None:
    await prepared(world, 10)
    (one,) = await world.pupils(SCHOOL, 1, 1, 1)
    facts = await world.ask(GetChangeFacts(actor=SERVICE, student_id=one, to_school=PRIVATE.code))
    assert facts.room is not None and (facts.room.plan_places, facts.room.admitted) == (10, 0)


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("plan", "taken", "left"), [(10, 9, True), (10, 10, False), (10, 11, False), (0, 0, False), (None, 0, False)]
)
def test_the_last_place_of_a_plan(plan: int | None, taken: int, left: bool) -> None:
    found = policy.plan_place_left(plan, taken, school="2123010009", grade=1)
    assert (found is None) is left
    assert found is None or (found.outcome, found.clause) == (Outcome.REFUSE, "24.5.3")


@pytest.mark.clause("11")
@pytest.mark.parametrize(("left", "kept", "said"), [(2, 2, False), (1, 2, True), (0, 1, True), (0, 0, False)])
def test_the_note_on_seats_that_are_kept(left: int, kept: int, said: bool) -> None:
    found = entering.seats_kept_in_the_grade(1, left, kept)
    assert (found is not None) is said
    assert found is None or found.outcome is Outcome.NOTE


@pytest.mark.clause("11")
@given(
    sizes=st.dictionaries(st.integers(1, 6), st.integers(0, 50), max_size=6),
    standard=st.integers(1, 50),
    most=st.integers(0, 6),
    kept=st.integers(0, 40),
    coming=st.integers(0, 400),
)
def test_nobody_is_placed_in_seats_that_are_kept(
    sizes: dict[int, int], standard: int, most: int, kept: int, coming: int
) -> None:
    rooms = Rooms(sizes, standard=standard, most=most, kept=kept)
    numbers = set(sizes) | set(range(1, most + 1))
    room = sum(max(0, standard - sizes.get(number, 0)) for number in numbers)
    placed = sum(rooms.place() is not None for _ in range(coming))
    assert placed == min(coming, max(0, room - kept))
