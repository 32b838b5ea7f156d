"""Places of the plan as a roster meets them: the first rows that fit are admitted, the others refused (clause 4.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from enrolment_rows import enrol
from registry.desk import Desk
from registry.rosters import store
from registry.rosters.checking import registration_id
from registry.rosters.confirming import confirm
from roster_desk import OTHER, SCHOOL, RosterDesk, StandIn
from shared_contracts.identity import Holder
from shared_contracts.registry import RowState

Class = Callable[..., list[dict[str, Any]]]
FULL, FINISHED = "plan.full", "person.finished"


async def places(desk: RosterDesk, number: int, **more: Any) -> None:
    async with desk.kit.db.transaction() as tx:
        await enrol(tx, SCHOOL, places=number, **more)


async def codes(desk: RosterDesk, roster_id: str) -> list[list[str]]:
    rows = await desk.rows(roster_id)
    return [[f.code for f in row.findings if f.outcome == "refuse"] for _, row in sorted(rows.items())]


async def admitted(desk: RosterDesk) -> int:
    return int((await desk.one("SELECT count(*) AS n FROM registrations WHERE NOT closed"))["n"])


@pytest.mark.clause("4.3")
async def test_the_dry_run_says_which_rows_have_no_place(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    await places(desk, 3)
    roster_id = await desk.upload(workbook(class_of(5)))
    view = await desk.work(roster_id, "checked")
    assert (view.totals.valid, view.totals.refused) == (3, 2)
    assert await codes(desk, roster_id) == [[], [], [], [FULL], [FULL]]


@pytest.mark.clause("4.3")
async def test_without_a_plan_every_new_pupil_is_refused(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    await desk.do(
        "UPDATE enrolment_plans SET state = 'returned', return_reason = 'x', returned_at = now(), returned_by = 'x'"
    )
    roster_id = await desk.upload(workbook(class_of(2)))
    await desk.work(roster_id, "checked")
    assert await codes(desk, roster_id) == [["plan.none"]] * 2


@pytest.mark.clause("4.3")
async def test_places_that_went_between_check_and_confirmation_are_not_given_twice(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    """The first rows get what is left; whoever was claimed and has no place is let go of."""
    roster_id = await desk.upload(workbook(class_of(6)))
    await desk.work(roster_id, "checked")
    await places(desk, 4)
    await desk.confirm(roster_id)
    view = await desk.work(roster_id, "in_approval")
    assert (view.totals.valid + view.totals.warned, view.totals.refused) == (4, 2)
    assert await codes(desk, roster_id) == [[], [], [], [], [FULL], [FULL]]
    assert await admitted(desk) == 4
    closed = await desk.events("registrations_closed")
    assert sum(len(event["closed"]) for event in closed) == 2


@pytest.mark.clause("4.3")
async def test_two_rosters_for_the_same_places(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    """Confirmed at once by two workers: never one over."""
    pupils = class_of(8)
    ids = [await desk.upload(workbook(rows)) for rows in (pupils[:4], pupils[4:])]
    for roster_id in ids:
        await desk.work(roster_id, "checked")
    await places(desk, 5)
    for roster_id in ids:
        await desk.confirm(roster_id)

    async def one(owner: str) -> None:
        async with desk.kit.db.transaction() as tx:
            roster = await store.take(tx, owner)
        assert roster is not None
        await confirm(Desk(desk.kit.db, desk.clock, desk.deps, owner, asyncio.Event()), roster)

    await asyncio.gather(one("a"), one("b"))
    assert await admitted(desk) == 5
    states = [row.state for roster_id in ids for row in (await desk.rows(roster_id)).values()]
    assert states.count(RowState.REFUSED) == 3


@pytest.mark.clause("19")
async def test_rows_from_outside_the_zone_are_refused_with_the_cure(
    desk: RosterDesk, workbook: Callable[..., bytes], class_of: Class
) -> None:
    pupils = class_of(2)
    pupils[1]["household_place"] = "230103003005"
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    assert await codes(desk, roster_id) == [[], ["admission.no_ground"]]


@pytest.mark.clause("12")
async def test_a_row_of_somebody_who_has_finished_the_stage_is_refused_and_no_other(
    desk: RosterDesk, identity: StandIn, workbook: Callable[..., bytes], class_of: Class
) -> None:
    """By the person of the document: whatever the record's state, whatever name the row has. Another stage's does not
    count."""
    pupils = class_of(5)
    states = {1: ("graduated", False, "primary"), 2: ("completed", True, "primary"), 3: ("graduated", False, "junior")}
    for at, (state, live, stage) in states.items():
        identity.hold(pupils[at]["document_number"], OTHER.code)
        holder = identity.holders["1", pupils[at]["document_number"]]
        await record(desk, holder.person_id, state, live, stage)
    pupils[1]["name"] = "李另名"
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    found = await codes(desk, roster_id)
    assert [FINISHED in row for row in found] == [False, True, True, False, False]
    assert found[0] == found[4] == []
    (finding, *_) = [f for f in (await desk.rows(roster_id))[3].findings if f.code == FINISHED]
    assert finding.clause == "12" and finding.cure and "小学毕业" in finding.message
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    assert await admitted(desk) == 2


@pytest.mark.clause("12")
async def test_who_has_finished_since_the_check_is_not_admitted(
    desk: RosterDesk, identity: StandIn, workbook: Callable[..., bytes], class_of: Class
) -> None:
    """Between check and confirmation his record came to its end: the claim finds him, the row is refused."""
    pupils = class_of(3)
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    identity.hold(pupils[1]["document_number"], OTHER.code)
    await record(desk, identity.holders["1", pupils[1]["document_number"]].person_id, "graduated", False, "primary")
    await desk.confirm(roster_id)
    view = await desk.work(roster_id, "in_approval")
    assert (view.totals.valid + view.totals.warned, view.totals.refused) == (2, 1)
    assert FINISHED in (await codes(desk, roster_id))[1]
    assert await admitted(desk) == 2


async def record(desk: RosterDesk, person_id: str, state: str, live: bool, stage: str) -> None:
    """A record at another school that has come to its end."""
    await desk.do(
        """INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document,
                                 student_number, number_kind, verification, stage, cohort, placement, state,
                                 registered_at, live)
           VALUES (:person, :person, :school, '王', '1', '2020-03-05', '1', '*', :person, 'L', 'pending', :stage, 2020,
                   'ordinary', :state, now(), :live)""",
        person=person_id,
        school=OTHER.code,
        state=state,
        live=live,
        stage=stage,
    )


async def expected(desk: RosterDesk, case: str, person: str, school: str) -> None:
    """A child of another province whom a school expects in grade 1, as all have approved."""
    await desk.do(
        """INSERT INTO change_holds (case_id, kind, seq, state, expects, seat_school, seat_cohort, since)
           VALUES (:case, 'transfer', 1, 'held', true, :school, 2026, now())""",
        case=case,
        school=school,
    )
    await desk.do(
        """INSERT INTO expected_arrivals (case_id, person_id, school, cohort, approved)
           VALUES (:case, :person, :school, 2026, true)""",
        case=case,
        school=school,
        person=person,
    )


@pytest.mark.clause("24.6.1")
async def test_a_child_that_a_school_expects_comes_by_its_roster_alone_and_takes_the_place_that_is_held(
    desk: RosterDesk, identity: StandIn, workbook: Callable[..., bytes], class_of: Class
) -> None:
    pupils = class_of(4)
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    await places(desk, 1)
    for at, school in ((1, SCHOOL), (2, OTHER)):
        row = sorted(await desk.rows(roster_id))[at]
        holder = Holder(person_id=f"p-{at}", registration_id=registration_id(roster_id, row), school=SCHOOL.code)
        identity.holders["1", pupils[at]["document_number"]] = holder
        await expected(desk, f"t-{at}", holder.person_id, school.code)
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    # The only place of the plan is the first row's: the second has a place already, the third is another school's.
    assert await codes(desk, roster_id) == [[], [], ["transfer.elsewhere"], [FULL]]
    rows = await desk.all(
        """SELECT h.case_id, h.seat_school, r.kind FROM change_holds h JOIN expected_arrivals a USING (case_id)
           LEFT JOIN registrations r ON r.id = a.registration_id ORDER BY h.case_id"""
    )
    assert [tuple(row.values()) for row in rows] == [("t-1", None, "supplementary"), ("t-2", OTHER.code, None)]


WINDOW = "enrolment.outside_window"


@pytest.mark.clause("24.6.1")
async def test_out_of_the_enrolment_window_a_roster_brings_the_child_that_the_school_awaits_and_nobody_else(
    desk: RosterDesk, identity: StandIn, workbook: Callable[..., bytes], class_of: Class
) -> None:
    """In November, in the entry grade, without a place of the plan: who the children are only identity can say."""
    desk.clock.move(timedelta(days=70))
    pupils = [{**one, "enrolled_month": "202611"} for one in class_of(3)]
    before = await desk.upload(workbook(pupils))
    await desk.work(before, "checked")
    assert [found[0] for found in await codes(desk, before)] == [WINDOW] * 3, "nobody is awaited"
    for at, school in ((1, SCHOOL), (2, OTHER)):
        person = Holder(person_id=f"p-{at}", registration_id="", school="")
        identity.persons["1", pupils[at]["document_number"]] = person.person_id
        await expected(desk, f"t-{at}", person.person_id, school.code)
    roster_id = await desk.upload(workbook(pupils))
    view = await desk.work(roster_id, "checked")
    found = await codes(desk, roster_id)
    assert (found[0][0], found[1], found[2]) == (WINDOW, [], ["transfer.elsewhere"])
    assert view.totals.refused == 2
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    rows = await desk.all("SELECT person_id, kind FROM registrations WHERE NOT closed")
    assert [tuple(row.values()) for row in rows] == [("p-1", "supplementary")]
