"""A pupil whose record has stayed comes back: said by the school with the record, told to the other one, kept (24.4)."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from moving_world import COUNTY_OFFICER, MovingWorld
from registry.attendance import store as attendance
from registry_world import OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, actor
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Refused
from shared_contracts.holds import GrantHold, HoldGranted
from shared_contracts.records import GetJournal, GetStudent, StudentView
from shared_contracts.study_places import EndStudyPlace
from shared_contracts.transfer import TransferApproved
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.4")]
THERE = actor(Role.REGISTRAR, OTHER_SCHOOL.code, "there.registrar")
CASE = "case-1"


async def elsewhere(world: MovingWorld) -> str:
    """A pupil of the school, who has studied at the other one for a week; the record has stayed."""
    await world.pupils(OTHER_SCHOOL, 3, 1, 3)
    (one,) = await world.pupils(SCHOOL, 3, 1, 1)
    await goes(world, one, CASE, 1)
    world.clock.pass_(days=7)
    return one


async def goes(world: MovingWorld, student: str, case: str, seq: int, *, record_moves: bool = False) -> None:
    hold = GrantHold(
        command_id=world.id("command"), actor=system("transfer"), case_id=case, kind="transfer", seq=seq,
        student_id=student, organisation=OTHER_SCHOOL.code,
    )  # fmt: skip
    assert isinstance(await world.do(hold), HoldGranted)
    event = TransferApproved(
        transfer_id=case, seq=seq + 1, student_id=student, from_school=SCHOOL.code, to_school=OTHER_SCHOOL.code,
        grade=3, over=False, record_moves=record_moves, actor="officer", number="ZX2026-1",
    )  # fmt: skip
    await world.tell(event)


async def back(
    world: MovingWorld, student: str, who: Any = REGISTRAR, *, days: int = 0, reason: str = "康复训练结束"
) -> Any:
    """`days`: from how many days ago."""
    on = world.clock.today() - timedelta(days=days)
    command = EndStudyPlace(command_id=world.id("command"), actor=who, student_id=student, on=on, reason=reason)
    return await world.do(command)


async def places(world: MovingWorld, student: str) -> list[tuple[Any, ...]]:
    rows = await world.sql(
        "SELECT school, until, ended_by, end_reason FROM study_places WHERE student_id = $1 ORDER BY since", student
    )
    return [tuple(row) for row in rows]


async def test_the_place_ends_and_the_journal_says_so(world: MovingWorld) -> None:
    one = await elsewhere(world)
    seen = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert seen.study_place is not None
    assert (seen.study_place.school, seen.study_place.school_name) == (OTHER_SCHOOL.code, OTHER_SCHOOL.name)
    assert (seen.study_place.transfer_id, seen.study_place.since) == (CASE, world.clock.today() - timedelta(days=7))

    after = await back(world, one, days=2)
    assert isinstance(after, StudentView), after
    assert (after.study_place, after.school, after.grade, after.class_no) == (None, SCHOOL.code, 3, 1)
    day = world.clock.today() - timedelta(days=2)
    assert await places(world, one) == [(OTHER_SCHOOL.code, day, REGISTRAR.account, "康复训练结束")]
    assert (await world.ask(GetStudent(actor=REGISTRAR, student_id=one))).study_place is None

    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    entry = journal.entries[-1]
    assert journal.intact and (entry.kind, entry.clause, entry.legal_date) == ("study_ended", "24.4", day)
    assert (entry.title, entry.actor) == ("回到学籍所在学校就读", REGISTRAR.account)
    assert (entry.content["school_of_study"], entry.content["transfer"]) == (OTHER_SCHOOL.code, CASE)
    assert entry.content["reason"] == "康复训练结束"
    await world.whole()


async def test_the_school_of_study_is_told_without_a_name(world: MovingWorld) -> None:
    one = await elsewhere(world)
    await back(world, one)
    (told,) = [event for event in await world.events(WorkWaiting) if event.kind == "study_ended"]
    assert (told.organisation, told.role, told.link) == (OTHER_SCHOOL.code, Role.REGISTRAR, f"/v1/transfers/{CASE}")
    assert SCHOOL.name in told.detail
    (student,) = await world.sql("SELECT name FROM students WHERE id = $1", one)
    assert student["name"] not in f"{told.title}{told.detail}" and "康复" not in told.detail


@pytest.mark.parametrize("who", [THERE, PRINCIPAL, COUNTY_OFFICER, actor(Role.CLASS_TEACHER, classes=["3"])])
async def test_nobody_else_may(world: MovingWorld, who: Any) -> None:
    one = await elsewhere(world)
    reply = await back(world, one, who)
    assert isinstance(reply, Refused) and reply.kind in ("forbidden", "not_found")
    assert [place[1] for place in await places(world, one)] == [None]


@pytest.mark.parametrize(
    ("days", "reason", "code"),
    [
        (8, "回校", "study_place.day"), (-1, "回校", "study_place.day"), (0, " ", "study_place.reason"),
        (0, "学号230102201901011234", "study_place.reason"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_nothing_changes(world: MovingWorld, days: int, reason: str, code: str) -> None:
    one = await elsewhere(world)
    reply = await back(world, one, days=days, reason=reason)
    assert isinstance(reply, Refused) and [finding.code for finding in reply.findings] == [code]
    assert reply.findings[0].cure and reply.findings[0].fields
    assert [place[1] for place in await places(world, one)] == [None]
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert journal.entries[-1].kind == "study_elsewhere"


async def test_who_studies_here_and_who_is_nobody(world: MovingWorld) -> None:
    (one,) = await world.pupils(SCHOOL, 3, 1, 1)
    reply = await back(world, one)
    assert isinstance(reply, Refused) and reply.findings[0].code == "study_place.none"
    nobody = await back(world, "no-such-student")
    assert isinstance(nobody, Refused) and nobody.kind == "not_found"


async def test_two_at_once_end_it_once(world: MovingWorld) -> None:
    one = await elsewhere(world)
    replies = await asyncio.gather(*(back(world, one) for _ in range(4)))
    assert sum(isinstance(reply, StudentView) for reply in replies) == 1
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert [entry.kind for entry in journal.entries].count("study_ended") == 1 and journal.intact


async def test_a_place_of_one_day_and_going_once_more(world: MovingWorld) -> None:
    """Came and went on one day; and whoever has come back may go again, on that very day too."""
    await world.pupils(OTHER_SCHOOL, 3, 1, 3)
    (one,) = await world.pupils(SCHOOL, 3, 1, 1)
    await goes(world, one, CASE, 1)
    assert isinstance(await back(world, one), StudentView)
    ((_, until, *_),) = await places(world, one)
    assert until == world.clock.today() + timedelta(days=1)
    await goes(world, one, "case-2", 5)
    assert await places(world, one) == [(OTHER_SCHOOL.code, None, None, None)]
    assert (await world.ask(GetStudent(actor=REGISTRAR, student_id=one))).study_place.transfer_id == "case-2"


async def test_with_the_record_a_place_ends_by_itself(world: MovingWorld) -> None:
    one = await elsewhere(world)
    await goes(world, one, "case-2", 5, record_moves=True)
    assert await places(world, one) == [(OTHER_SCHOOL.code, world.clock.today(), None, None)]
    gone = await back(world, one)
    assert isinstance(gone, Refused) and gone.kind == "not_found", "it is another school's pupil now"
    copy = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert copy.copy_as_of is not None and copy.study_place is None


async def test_an_ended_record_is_nobodys_to_end(world: MovingWorld) -> None:
    one = await elsewhere(world)
    await world.sql("UPDATE students SET live = false, state = 'graduated' WHERE id = $1", one)
    reply = await back(world, one)
    assert isinstance(reply, Refused) and reply.findings[0].code == "study_place.record_ended"


@pytest.mark.clause("24.6.1")
async def test_attendance_goes_by_it_at_once(world: MovingWorld) -> None:
    """Before, the pupil is not missing in the own class; after, where the record is is where to sit."""
    one = await elsewhere(world)
    key = world.key(SCHOOL, 3, 1)
    async with world.db.transaction() as tx:
        assert await attendance.missing(tx, key, []) == []
    await back(world, one)
    async with world.db.transaction() as tx:
        assert [row["id"] for row in await attendance.missing(tx, key, [])] == [one]


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(("days", "there"), [(8, False), (7, True), (3, True), (2, False), (0, False)])
async def test_the_record_of_a_day_says_where_the_pupil_studied_then(
    world: MovingWorld, days: int, there: bool
) -> None:
    """Went a week ago, was back two days ago: on that day already at home."""
    one = await elsewhere(world)
    await back(world, one, days=2)
    day = world.clock.today() - timedelta(days=days)
    then = await world.ask(GetStudent(actor=REGISTRAR, student_id=one, as_of=day))
    assert then.as_of == day and (then.study_place is not None) is there
    known = await world.ask(GetStudent(actor=REGISTRAR, student_id=one, as_of=day, known_on=world.clock.today()))
    assert known.study_place is None, "what was known by a day is not kept of it"


async def test_a_school_that_is_no_more_keeps_its_name(world: MovingWorld) -> None:
    one = await elsewhere(world)
    await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", OTHER_SCHOOL.code, world.clock.today())
    place = (await world.ask(GetStudent(actor=REGISTRAR, student_id=one))).study_place
    assert place is not None and place.school_name == OTHER_SCHOOL.name
    assert isinstance(await back(world, one), StudentView), "and nobody is kept there"


async def test_who_ended_a_place_and_why_stand_together(world: MovingWorld) -> None:
    one = await elsewhere(world)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.sql("UPDATE study_places SET ended_by = 'x' WHERE student_id = $1", one)


async def test_the_event_carries_ids_alone(world: MovingWorld) -> None:
    one = await elsewhere(world)
    await back(world, one, reason="监护人王某申请")
    rows = await world.sql("SELECT convert_from(payload, 'UTF8') AS body FROM outbox")
    assert not [row for row in rows if "王某" in json.dumps(json.loads(row["body"]), ensure_ascii=False)]
