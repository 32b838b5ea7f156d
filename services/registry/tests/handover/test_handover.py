"""The paper archive follows the record: owed, handed over, received, and a finding where it is not (21.2, 48)."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit_waiting import waits_for_a_lock
from moving_world import CITY_LEADER, COUNTY_OFFICER, MovingWorld
from moving_world import NEIGHBOUR as THIRD
from registry.handover import handlers, policy, store
from registry.inspection import watching
from registry.records import custody
from registry.records.store import class_key
from registry.worklist import waiting_lines
from registry_world import FAR_SCHOOL, OFFICER, OTHER_SCHOOL, SCHOOL, actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.handover import (
    GetHandover,
    HandingWay,
    HandOverArchives,
    HandoverPage,
    HandoverState,
    HandoverView,
    ListHandovers,
    ListPassedArchives,
    ReceiveArchives,
)
from shared_contracts.organisations import CloseOrganisation, GetOrganisation
from shared_contracts.reorganisation import Merging, UndoReorganisation

CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, "230100", "city.officer")
OLD = actor(Role.REGISTRAR, SCHOOL.code, "old.registrar")
NEW = actor(Role.REGISTRAR, OTHER_SCHOOL.code, "new.registrar")
STRANGER = actor(Role.REGISTRAR, FAR_SCHOOL.code, "far.registrar")


async def moved(world: MovingWorld, count: int = 3, *, to: Any = OTHER_SCHOOL) -> list[str]:
    pupils = await world.pupils(SCHOOL, 3, 1, count)
    await move(world, pupils, to)
    return pupils


async def move(world: MovingWorld, pupils: list[str], to: Any, kind: str = "custody_reorganised") -> None:
    await world.pupils(to, 3, 1, 1)
    key = class_key(to.code, "primary", 2024, 1)
    passing = [
        custody.Passing(student_id=one, school=to.code, stage="primary", class_id=key, content={"to": to.code})
        for one in pupils
    ]
    async with world.db.unit(world.deps) as work:
        await custody.pass_records(work, passing, kind=kind, clause_id="21.3", on=work.today, actor="system:registry")


async def owed(world: MovingWorld, who: Any = OLD, **wanted: Any) -> tuple[HandoverView, ...]:
    page = await world.ask(ListHandovers(actor=who, **wanted))
    assert isinstance(page, HandoverPage), page
    return page.items


async def hand_over(world: MovingWorld, handover: str, who: Any = OLD, **more: Any) -> Any:
    values = {"way": HandingWay.IN_PERSON, "carried_by": "张老师", "on": world.clock.today(), **more}
    return await world.do(HandOverArchives(command_id=world.id("command"), actor=who, handover_id=handover, **values))


async def receive(world: MovingWorld, handover: str, who: Any = NEW, **more: Any) -> Any:
    values = {"on": world.clock.today(), **more}
    return await world.do(ReceiveArchives(command_id=world.id("command"), actor=who, handover_id=handover, **values))


async def look(world: MovingWorld) -> None:
    async with world.db.unit(world.deps) as work:
        await watching.look(work)


async def findings(world: MovingWorld) -> list[tuple[Any, ...]]:
    rows = await world.sql(
        "SELECT school, records, state FROM inspection_findings WHERE code = 'archive.not_passed' ORDER BY raised_at"
    )
    return [tuple(row) for row in rows]


async def turn(world: MovingWorld, handover: str) -> list[tuple[str, str | None]]:
    async with world.db.transaction() as tx:
        told = await waiting_lines.lines(tx, "archive_handover", [handover])
    return [(line.organisation, line.step) for lines in told.values() for line in lines]


@pytest.mark.integration
@pytest.mark.clause("21.2", "48")
async def test_handed_over_by_the_old_school_and_received_by_the_new_one(world: MovingWorld) -> None:
    pupils = await moved(world)
    (one,) = await owed(world)
    assert (one.from_school, one.to_school, one.pupils, one.state) == (
        SCHOOL.code,
        OTHER_SCHOOL.code,
        3,
        "to_hand_over",
    )
    assert one.may == ("hand_over",)
    assert await turn(world, one.id) == [(SCHOOL.code, "to_hand_over")]
    some = await hand_over(world, one.id, students=(pupils[0],))
    assert (some.handed, some.received, some.state) == (1, 0, HandoverState.TO_HAND_OVER)
    rest = await hand_over(world, one.id, way=HandingWay.POST, carried_by="机要局")
    assert (rest.handed, rest.state, rest.may) == (3, HandoverState.TO_RECEIVE, ())
    assert await turn(world, one.id) == [(OTHER_SCHOOL.code, "to_receive")]
    again = await hand_over(world, one.id)
    assert isinstance(again, Refused) and again.findings[0].code == "handover.nothing_left"
    done = await receive(world, one.id)
    assert (done.received, done.state) == (3, HandoverState.DONE)
    assert await turn(world, one.id) == []
    assert await owed(world) == () and len(await owed(world, NEW, state=HandoverState.DONE)) == 1
    page = await world.ask(ListPassedArchives(actor=NEW, handover_id=one.id))
    ways = {row.student_id: (row.way, row.carried_by, row.handed_by, row.received_by) for row in page.items}
    assert ways[pupils[0]] == (HandingWay.IN_PERSON, "张老师", OLD.name, NEW.name)
    assert ways[pupils[1]][:2] == (HandingWay.POST, "机要局")


@pytest.mark.integration
@pytest.mark.clause("48")
@pytest.mark.parametrize(("late", "found"), [(0, []), (1, [(SCHOOL.code, 3, "open")])])
async def test_the_finding_comes_the_day_after_the_last_one(world: MovingWorld, late: int, found: list[Any]) -> None:
    await moved(world)
    (one,) = await owed(world)
    world.clock.pass_(days=(one.due_on - world.clock.today()).days + late)
    await look(world)
    assert await findings(world) == found


@pytest.mark.integration
@pytest.mark.clause("48")
async def test_the_finding_ends_by_itself_when_the_last_one_is_received(world: MovingWorld) -> None:
    pupils = await moved(world)
    (one,) = await owed(world)
    await hand_over(world, one.id)
    world.clock.pass_(days=(one.due_on - world.clock.today()).days + 1)
    await look(world)
    assert await findings(world) == [(SCHOOL.code, 3, "open")], "handed over is not received"
    await receive(world, one.id, students=tuple(pupils[:2]))
    assert await findings(world) == [(SCHOOL.code, 1, "open")]
    await receive(world, one.id)
    assert await findings(world) == [(SCHOOL.code, 0, "closed")]
    acts = await world.sql("SELECT act FROM finding_acts ORDER BY finding_id, seq")
    assert [row["act"] for row in acts] == ["raised", "found_again", "gone", "closed"]
    world.clock.pass_(days=1)
    await look(world)
    assert await findings(world) == [(SCHOOL.code, 0, "closed")]


@pytest.mark.integration
@pytest.mark.clause("48")
async def test_the_last_two_receipts_at_once_end_the_finding(world: MovingWorld) -> None:
    """Two schools have what one owed: neither sees the other's word until it is kept, and the later one counts again."""
    pupils = await world.pupils(SCHOOL, 3, 1, 2)
    await move(world, pupils[:1], OTHER_SCHOOL)
    await move(world, pupils[1:], THIRD)
    first, second = await owed(world)
    world.clock.pass_(days=(first.due_on - world.clock.today()).days + 1)
    await look(world)
    assert await findings(world) == [(SCHOOL.code, 2, "open")]
    if first.to_school != OTHER_SCHOOL.code:
        first, second = second, first
    third = actor(Role.REGISTRAR, THIRD.code, "third.registrar")
    async with world.db.unit(world.deps) as work:
        command = ReceiveArchives(
            command_id=world.id("command"), actor=NEW, handover_id=first.id, on=world.clock.today()
        )
        assert not isinstance(await handlers.receive_archives(work, command), Refused)
        later = asyncio.create_task(receive(world, second.id, third))
        await waits_for_a_lock(world.sql, later)
    assert not isinstance(await later, Refused)
    assert await findings(world) == [(SCHOOL.code, 0, "closed")]


@pytest.mark.integration
@pytest.mark.clause("21.2")
async def test_a_record_that_goes_on_before_the_paper_has_gone(world: MovingWorld) -> None:
    """From where it lies to where the record is; back where it lies nothing is owed."""
    pupils = await moved(world)
    (first,) = await owed(world)
    await hand_over(world, first.id, students=(pupils[2],))
    third = await world.pupils(THIRD, 3, 1, 1)
    assert third
    await move(world, pupils[:1], THIRD)
    await move(world, pupils[1:2], SCHOOL, "move_undone")
    await move(world, pupils[2:], THIRD)
    found = {(one.from_school, one.to_school): (one.pupils, one.state) for one in await owed(world, CITY_OFFICER)}
    assert found == {
        (SCHOOL.code, OTHER_SCHOOL.code): (1, "to_receive"),  # on its way
        (SCHOOL.code, THIRD.code): (1, "to_hand_over"),
        (OTHER_SCHOOL.code, THIRD.code): (1, "to_hand_over"),  # and from there it goes on
    }


@pytest.mark.integration
@pytest.mark.clause("21.2")
async def test_a_school_that_is_no_more_needs_say_nothing(world: MovingWorld) -> None:
    await moved(world)
    await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", SCHOOL.code, world.clock.today())
    (one,) = await owed(world, NEW)
    done = await receive(world, one.id)
    assert done.state is HandoverState.DONE


@pytest.mark.integration
@pytest.mark.clause("21.2")
async def test_a_paper_that_is_handed_over_while_the_record_goes_on_is_owed_from_where_it_went(
    world: MovingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hands over holds the handover and no student: what was looked at before its lock is old after it."""
    pupils = await moved(world, 1)
    (first,) = await owed(world)
    await world.pupils(THIRD, 3, 1, 1)
    real, handed = store.still_there, []

    async def looked(tx: Any, students: Any) -> Any:
        found = await real(tx, students)
        if not handed:
            handed.append(await hand_over(world, first.id))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(store, "still_there", looked)
        await move(world, pupils, THIRD)
    assert handed[0].state is HandoverState.TO_RECEIVE
    found = {(one.from_school, one.to_school): (one.pupils, one.state) for one in await owed(world, CITY_OFFICER)}
    assert found == {
        (SCHOOL.code, OTHER_SCHOOL.code): (1, "to_receive"),
        (OTHER_SCHOOL.code, THIRD.code): (1, "to_hand_over"),
    }


@pytest.mark.integration
@pytest.mark.clause("21.2", "44")
async def test_the_papers_of_a_merged_school_wait_for_the_other_one_and_for_nobody_once_it_is_taken_back(
    world: MovingWorld,
) -> None:
    """A school that is no more can say nothing, so that it is the new one's turn; with the record the debt goes back."""
    here = await world.pupils(OTHER_SCHOOL, 1, 1, 3)
    await world.pupils(SCHOOL, 1, 1, 1)
    merged = await world.approved(Merging(ended=(OTHER_SCHOOL.code,), into=SCHOOL.code))
    assert await world.carried(merged) == "done"
    (one,) = await owed(world)
    assert (one.pupils, one.state) == (3, HandoverState.TO_RECEIVE)
    assert await turn(world, one.id) == [(SCHOOL.code, "to_receive")]
    await receive(world, one.id, OLD, students=tuple(here[:1]))
    undo = UndoReorganisation(
        command_id=world.id("command"), actor=CITY_LEADER, reorganisation_id=merged, reason="文件撤销"
    )
    assert (await world.do(undo)).state == "undoing"
    assert await world.carried(merged) == "undone"
    found = {(one.from_school, one.to_school): (one.pupils, one.state) for one in await owed(world, CITY_OFFICER)}
    assert found == {(SCHOOL.code, OTHER_SCHOOL.code): (1, "to_hand_over")}, (
        "what has come goes back, the rest lies there"
    )


@pytest.mark.integration
@pytest.mark.clause("21.2", "44")
async def test_what_a_closed_school_owes_is_the_new_ones_turn(world: MovingWorld) -> None:
    await moved(world)
    (one,) = await owed(world)
    assert await turn(world, one.id) == [(SCHOOL.code, "to_hand_over")]
    record = await world.ask(GetOrganisation(actor=COUNTY_OFFICER, code=SCHOOL.code))
    closed = await world.do(
        CloseOrganisation(
            command_id=world.id("command"), actor=COUNTY_OFFICER, code=SCHOOL.code, version=record.version,
            effective_from=world.clock.today(),
        )
    )  # fmt: skip
    assert not isinstance(closed, Refused), closed
    assert await turn(world, one.id) == [(OTHER_SCHOOL.code, "to_receive")]


@pytest.mark.integration
@pytest.mark.clause("21.2", "48")
@pytest.mark.parametrize("old_school", [True, False])
async def test_whose_turn_it_is_is_settled_as_the_rule_says(world: MovingWorld, old_school: bool) -> None:
    pupils = await moved(world, 2)
    (one,) = await owed(world)
    if not old_school:
        await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", SCHOOL.code, world.clock.today())
    day = world.clock.today()
    lies, on_its_way, there = (None, None), (day, None), (day, day)
    for ways in itertools.product((lies, on_its_way, there, (None, day)), repeat=2):
        for pupil, (handed, received) in zip(pupils, ways, strict=True):
            await world.sql(
                """UPDATE archive_passings SET handed_on = $2::date, received_on = $3::date,
                       way = CASE WHEN $2::date IS NULL THEN NULL ELSE 'post' END,
                       handed_account = CASE WHEN $2::date IS NULL THEN '' ELSE 'a' END,
                       received_account = CASE WHEN $3::date IS NULL THEN '' ELSE 'b' END
                   WHERE student_id = $1""",
                pupil, handed, received,
            )  # fmt: skip
        async with world.db.transaction() as tx:
            await store.settle(tx, [one.id])
        (row,) = await world.sql("SELECT state FROM archive_handovers WHERE id = $1", one.id)
        unreceived = [handed for handed, received in ways if received is None]
        unhanded = sum(handed is None for handed in unreceived)
        assert row["state"] == policy.state_of(unhanded, len(unreceived), old_school=old_school), ways


@pytest.mark.integration
@pytest.mark.clause("3.1")
async def test_each_side_does_its_own(world: MovingWorld) -> None:
    await moved(world)
    (one,) = await owed(world)
    for refused in (await hand_over(world, one.id, NEW), await receive(world, one.id, OLD)):
        assert isinstance(refused, Refused) and refused.kind == "not_found"
    assert isinstance(await world.ask(GetHandover(actor=OFFICER, handover_id=one.id)), HandoverView)
    assert isinstance(await world.ask(GetHandover(actor=STRANGER, handover_id=one.id)), Refused)
    assert isinstance(await world.ask(ListPassedArchives(actor=STRANGER, handover_id=one.id)), Refused)
    assert await owed(world, STRANGER) == ()
    assert isinstance(await hand_over(world, "nothing"), Refused)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"on": date(2026, 1, 1)}, "handover.day", "on"),
        ({"on": date(2036, 1, 1)}, "handover.day", "on"),
        ({"carried_by": "  "}, "handover.carrier", "carried_by"),
        ({"carried_by": "李" * 31}, "handover.carrier", "carried_by"),
        ({"students": ("somebody",)}, "handover.not_in_it", "students"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_changed(
    world: MovingWorld, more: dict[str, Any], code: str, field: str
) -> None:
    await moved(world)
    (one,) = await owed(world)
    reply = await hand_over(world, one.id, **more)
    assert isinstance(reply, Refused)
    assert code in {found.code for found in reply.findings} and reply.findings[0].cure
    assert field in {name for found in reply.findings for name in found.fields}
    assert (await owed(world))[0] == one


@pytest.mark.integration
async def test_received_before_it_was_handed_over_is_refused(world: MovingWorld) -> None:
    await moved(world)
    (one,) = await owed(world)
    await world.sql("SELECT 1")
    world.clock.pass_(days=2)
    await hand_over(world, one.id)
    early = await receive(world, one.id, on=world.clock.today() - timedelta(days=1))
    assert isinstance(early, Refused) and early.findings[0].code == "receipt.day"


@pytest.mark.integration
async def test_of_two_who_receive_at_once_one_is_told_that_it_is_done(world: MovingWorld) -> None:
    await moved(world)
    (one,) = await owed(world)
    replies = await asyncio.gather(*(receive(world, one.id) for _ in range(3)))
    assert sorted(isinstance(reply, Refused) for reply in replies) == [False, True, True]


class Broken(BaseException):
    """Stands for a kill."""


@pytest.mark.integration
@pytest.mark.parametrize("where", ["receive", "settle"])
async def test_a_receipt_that_breaks_off_leaves_nothing_half_done(
    world: MovingWorld, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    await moved(world)
    (one,) = await owed(world)
    real = getattr(store, where)

    async def broken(*values: Any, **named: Any) -> None:
        await real(*values, **named)
        raise Broken

    command = ReceiveArchives(command_id=world.id("command"), actor=NEW, handover_id=one.id, on=world.clock.today())
    with monkeypatch.context() as patched:
        patched.setattr(store, where, broken)
        with pytest.raises(Broken):
            await world.do(command)
    assert (await owed(world))[0] == one
    assert (await world.do(command)).state is HandoverState.DONE
    assert (await world.do(command)).state is HandoverState.DONE, "the same command again gets the same answer"


# ---- the rules ----------------------------------------------------------------------------------------------------------

DAY = date(2026, 9, 10)


@pytest.mark.clause("21.2")
@pytest.mark.parametrize(("on", "wrong"), [(-1, True), (0, False), (5, False), (6, True)])
def test_the_day_lies_between_leaving_and_today(on: int, wrong: bool) -> None:
    today = DAY + timedelta(days=5)
    day = DAY + timedelta(days=on)
    assert (policy.day_of_handing(day, DAY, today) is not None) is wrong
    assert (policy.day_of_receipt(day, DAY, today) is not None) is wrong


@pytest.mark.clause("48")
@pytest.mark.parametrize(
    ("state", "days", "late"),
    [("to_receive", 0, False), ("to_receive", 1, True), ("to_hand_over", 1, True), ("done", 9, False)],
)
def test_the_last_day_is_in_time(state: str, days: int, late: bool) -> None:
    assert policy.is_overdue(HandoverState(state), DAY, DAY + timedelta(days=days)) is late


@pytest.mark.clause("21.2", "48")
@given(unhanded=st.integers(0, 9), more=st.integers(0, 9), old_school=st.booleans())
def test_nothing_is_done_while_an_archive_is_missing(unhanded: int, more: int, old_school: bool) -> None:
    unreceived = unhanded + more
    state = policy.state_of(unhanded, unreceived, old_school=old_school)
    assert (state is HandoverState.DONE) is (unreceived == 0)
    assert state is not HandoverState.TO_HAND_OVER or (old_school and unhanded)
