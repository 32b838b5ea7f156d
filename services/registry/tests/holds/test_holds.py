"""A student is held by one case, a seat is given once, and an approved change is carried out whole or not at all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from moving_world import MovingWorld
from registry_world import OTHER_SCHOOL, SCHOOL
from shared_contracts.actors import system
from shared_contracts.decisions import Refused
from shared_contracts.holds import (
    ChangeFacts,
    FindRoom,
    GetChangeFacts,
    GrantHold,
    HoldGranted,
    Place,
    RoomNearby,
    Seat,
    SettleHold,
)
from shared_contracts.transfer import TransferApproved, TransferEnded, TransferState

pytestmark = pytest.mark.integration
SERVICE = system("transfer")
HOME = Place(division="230102", address="道里区中央大街1号")


def grant(world: MovingWorld, case: str, student: str, seat: Seat | None = None, seq: int = 1) -> GrantHold:
    return GrantHold(
        command_id=world.id("command"),
        actor=SERVICE,
        case_id=case,
        kind="transfer",
        seq=seq,
        student_id=student,
        organisation=OTHER_SCHOOL.code,
        seat=seat,
    )


def approved(case: str, student: str, *, seq: int = 9, **more: Any) -> TransferApproved:
    values: dict[str, Any] = {
        "transfer_id": case, "seq": seq, "student_id": student, "from_school": SCHOOL.code,
        "to_school": OTHER_SCHOOL.code, "grade": 3, "over": False, "record_moves": True, "actor": "daoli.officer",
        "number": "ZX2026-1",
    }  # fmt: skip
    return TransferApproved(**{**values, **more})


async def outbox(world: MovingWorld, word: str) -> list[dict[str, Any]]:
    rows = await world.sql(
        "SELECT convert_from(payload, 'UTF8') AS body FROM outbox WHERE subject = $1 ORDER BY seq", f"evt.{word}"
    )
    return [json.loads(row["body"]) for row in rows]


async def held(world: MovingWorld) -> list[tuple[Any, ...]]:
    rows = await world.sql("SELECT case_id, state, seat_school FROM change_holds ORDER BY case_id")
    return [tuple(row) for row in rows]


SEAT = Seat(school=OTHER_SCHOOL.code)


async def third_grades(world: MovingWorld, there: int) -> list[str]:
    """Three pupils of grade 3 at the one school; a class of grade 3 with so many at the other."""
    await world.pupils(OTHER_SCHOOL, 3, 1, there)
    return await world.pupils(SCHOOL, 3, 1, 3)


@pytest.mark.clause("23")
async def test_a_second_case_of_one_student_is_refused_until_the_first_has_ended(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 10)
    assert isinstance(await world.do(grant(world, "case-1", one, SEAT)), HoldGranted)
    again = await world.do(grant(world, "case-2", one, SEAT))
    assert isinstance(again, Refused)
    assert again.findings[0].clause == "23"
    ended = TransferEnded(transfer_id="case-1", seq=2, student_id=one, state=TransferState.WITHDRAWN)
    await world.tell(ended)
    assert isinstance(await world.do(grant(world, "case-2", one, SEAT)), HoldGranted)


@pytest.mark.clause("24.2.2")
@pytest.mark.parametrize(("there", "free"), [(44, True), (45, False)])
async def test_the_last_seat_of_the_standard_size(world: MovingWorld, there: int, free: bool) -> None:
    one, *_ = await third_grades(world, there)
    reply = await world.do(grant(world, "case-1", one, SEAT))
    assert isinstance(reply, HoldGranted) is free
    if isinstance(reply, Refused):
        assert reply.findings[0].clause == "24.2.2"
        assert await held(world) == []


@pytest.mark.clause("24.2.2")
async def test_two_pupils_for_one_last_seat_exactly_one_wins(world: MovingWorld) -> None:
    pupils = await third_grades(world, 44)
    replies = await asyncio.gather(*(world.do(grant(world, f"case-{n}", one, SEAT)) for n, one in enumerate(pupils)))
    assert sum(isinstance(reply, HoldGranted) for reply in replies) == 1


@pytest.mark.clause("23")
async def test_two_schools_for_one_pupil_exactly_one_wins(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 3)
    replies = await asyncio.gather(*(world.do(grant(world, f"case-{n}", one, SEAT)) for n in range(4)))
    assert sum(isinstance(reply, HoldGranted) for reply in replies) == 1


async def test_asking_again_gives_the_same_and_counts_once(world: MovingWorld) -> None:
    one, two, _ = await third_grades(world, 43)
    for _ in range(3):
        assert isinstance(await world.do(grant(world, "case-1", one, SEAT)), HoldGranted)
    assert isinstance(await world.do(grant(world, "case-2", two, SEAT)), HoldGranted)
    assert len(await held(world)) == 2


async def test_a_case_that_was_let_go_gets_nothing_any_more(world: MovingWorld) -> None:
    """The sweeper of the other service was faster than a request that was on its way."""
    one, *_ = await third_grades(world, 10)
    await world.do(SettleHold(command_id=world.id("command"), actor=SERVICE, case_id="case-1", seq=1, keep=False))
    assert isinstance(await world.do(grant(world, "case-1", one, SEAT)), Refused)
    assert await held(world) == [("case-1", "released", None)]


async def test_settling_takes_back_what_was_not_committed(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 10)
    await world.do(grant(world, "case-1", one, SEAT, seq=1))
    await world.do(grant(world, "case-1", one, None, seq=5))
    settle = SettleHold(command_id=world.id("command"), actor=SERVICE, case_id="case-1", seq=6, keep=True, seat=SEAT)
    await world.do(settle)
    assert await held(world) == [("case-1", "held", OTHER_SCHOOL.code)]
    old = SettleHold(command_id=world.id("command"), actor=SERVICE, case_id="case-1", seq=2, keep=False)
    await world.do(old)
    assert await held(world) == [("case-1", "held", OTHER_SCHOOL.code)]


@pytest.mark.clause("21.2")
@pytest.mark.clause("24.5.1")
async def test_an_approved_transfer_moves_the_record_and_leaves_a_copy(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 10)
    await world.do(grant(world, "case-1", one, SEAT))
    await world.tell(approved("case-1", one))
    (row,) = await world.sql("SELECT school, stage FROM students WHERE id = $1", one)
    assert row["school"] == OTHER_SCHOOL.code
    (copy,) = await world.sql("SELECT school FROM student_copies WHERE student_id = $1", one)
    assert copy["school"] == SCHOOL.code
    (told,) = await outbox(world, "registry.change_applied")
    assert (told["school"], told["class_no"]) == (OTHER_SCHOOL.code, 1)
    (entry,) = await world.sql("SELECT kind, clause FROM journal WHERE student_id = $1 AND seq = 2", one)
    assert (entry["kind"], entry["clause"]) == ("transferred", "24.5.1")
    await world.tell(approved("case-1", one))  # told again by whoever tried once more: nothing happens twice
    assert len(await outbox(world, "registry.change_applied")) == 1
    assert await held(world) == [("case-1", "applied", None)]
    await world.whole()


@pytest.mark.clause("24.4")
async def test_where_the_record_stays_only_the_place_of_study_changes(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 10)
    await world.do(grant(world, "case-1", one, SEAT))
    await world.tell(approved("case-1", one, record_moves=False))
    (row,) = await world.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == SCHOOL.code
    (place,) = await world.sql("SELECT school, until FROM study_places WHERE student_id = $1", one)
    assert tuple(place) == (OTHER_SCHOOL.code, None)
    (told,) = await outbox(world, "registry.change_applied")
    assert told.get("class_no") is None


@pytest.mark.clause("24.2.2")
async def test_a_class_that_others_have_filled_is_told_and_nothing_moves(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 44)
    await world.do(grant(world, "case-1", one, SEAT))
    await world.pupils(OTHER_SCHOOL, 3, 1, 1)
    await world.tell(approved("case-1", one))
    (told,) = await outbox(world, "registry.change_failed")
    assert told["findings"][0]["code"] == "change.classes_full"
    (row,) = await world.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == SCHOOL.code
    assert await held(world) == [("case-1", "held", OTHER_SCHOOL.code)]
    await world.tell(approved("case-1", one, seq=11, over=True))
    (row,) = await world.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == OTHER_SCHOOL.code


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"from_school": OTHER_SCHOOL.code}, "change.moved_meanwhile"),
        ({"to_school": "2123999999"}, "change.school_closed"),
    ],
)
async def test_what_has_changed_meanwhile_is_told(world: MovingWorld, more: dict[str, Any], code: str) -> None:
    one, *_ = await third_grades(world, 10)
    await world.do(grant(world, "case-1", one, SEAT))
    await world.tell(approved("case-1", one, **more))
    (told,) = await outbox(world, "registry.change_failed")
    assert [finding["code"] for finding in told["findings"]] == [code]


async def test_a_school_that_is_being_merged_waits(world: MovingWorld) -> None:
    one, *_ = await third_grades(world, 10)
    await world.do(grant(world, "case-1", one, SEAT))
    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'op', now())", OTHER_SCHOOL.code)
    await world.tell(approved("case-1", one))
    (told,) = await outbox(world, "registry.change_failed")
    assert told["findings"][0]["code"] == "change.frozen"


@pytest.mark.clause("24.5.2")
async def test_schools_with_room_are_found_nearest_first(world: MovingWorld) -> None:
    await third_grades(world, 45)
    query = FindRoom(actor=SERVICE, grade=3, stage="primary", residence=HOME, division="230102")
    found = await world.ask(query)
    assert isinstance(found, RoomNearby)
    assert [(one.school.code, one.free, one.nearness) for one in found.items] == [(SCHOOL.code, 42, "division")]


async def test_facts_say_what_is_so(world: MovingWorld) -> None:
    one, two, _ = await third_grades(world, 40)
    await world.do(grant(world, "case-1", two, SEAT))
    query = GetChangeFacts(actor=SERVICE, student_id=one, to_school=OTHER_SCHOOL.code, residence=HOME)
    facts = await world.ask(query)
    assert isinstance(facts, ChangeFacts)
    assert facts.pupil is not None and facts.room is not None and facts.to is not None
    assert (facts.pupil.grade, facts.pupil.school.code, facts.pupil.held_by) == (3, SCHOOL.code, None)
    assert (facts.room.sizes, facts.room.held, facts.room.free, facts.room.standard) == ((40,), 1, 4, 45)
    assert (facts.to.authority, facts.to.superior) == ("230102", "230100")
    nobody = await world.ask(GetChangeFacts(actor=SERVICE, student_id="nobody", to_school=OTHER_SCHOOL.code))
    assert nobody.pupil is None
