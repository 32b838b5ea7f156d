"""The steps of clause 15.1: in order, each by the right person, singly and for a whole roster."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from casework.state import state
from casework.store import history
from kit_waiting import waits_for_a_lock
from registry.registration import store
from registry.registration.chain import STATE_TITLES, chain, meaning, state_of
from registry_world import (
    AUTHORITY,
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    TODAY,
    actor,
    codes,
)
from regulation.calendar import Calendar
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.registry import RegistrationsApproved, RegistrationsClosed, RegistrationState, StepReached

pytestmark = pytest.mark.integration
STEPS = ("class_teacher", "principal", "guardian", "school", "authority")
RIGHT = {
    "class_teacher": TEACHER,
    "principal": PRINCIPAL,
    "guardian": REGISTRAR,
    "school": PRINCIPAL,
    "authority": OFFICER,
}
STATES = (
    "entered",
    "class_teacher_checked",
    "principal_checked",
    "guardian_confirmed",
    "school_approved",
    "authority_approved",
)


@pytest.mark.clause("15.1")
async def test_the_steps_lead_in_order_to_the_approval(world):
    one = await world.one()
    seen = [(await world.get(one)).state]
    for step in STEPS:
        await world.print(one)
        reply = await world.decide(one, step, RIGHT[step])
        seen.append(reply.state)
    assert seen == list(STATES)
    assert [(taken.step, taken.decision, taken.account) for taken in reply.steps] == [
        (step, "approve", RIGHT[step].account) for step in STEPS
    ]
    (approved,) = await world.events(RegistrationsApproved)
    assert [item.registration_id for item in approved.approved] == [one]


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("asked", range(5))
async def test_no_step_is_skipped_or_taken_twice(world, at, asked):
    one = await world.one()
    await world.bring_to(one, STEPS[at])
    await world.print(one)
    reply = await world.decide(one, STEPS[asked], RIGHT[STEPS[asked]])
    if asked == at:
        assert reply.state == STATES[at + 1]
        return
    assert reply.kind == "conflict"
    assert codes(reply) == ["case.step_done" if asked < at else "case.step_too_early"]
    assert (await world.get(one)).state == STATES[at]


@pytest.mark.clause("15.1", "13.2")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("role", list(Role))
async def test_each_step_is_for_one_role(world, step, role):
    one = await world.one()
    await world.bring_to(one, step)
    await world.print(one)
    organisation = AUTHORITY if role in (Role.AUTHORITY_OFFICER, Role.LEADER) else SCHOOL.code
    reply = await world.decide(one, step, actor(role, organisation, classes=["1"]))
    if RIGHT[step].roles == (role,):
        assert not isinstance(reply, Refused)
    else:
        assert reply.kind in ("forbidden", "not_found")
        assert (await world.get(one)).state == STATES[STEPS.index(step)]


@pytest.mark.clause("15.1", "3.1")
@pytest.mark.parametrize(
    "who",
    [
        actor(Role.CLASS_TEACHER, OTHER_SCHOOL.code, classes=["1"]),
        actor(Role.CLASS_TEACHER, classes=["2"]),
        actor(Role.CLASS_TEACHER, classes=["1-02"]),
        actor(Role.CLASS_TEACHER),
    ],
)
async def test_a_class_teacher_checks_own_classes_only(world, who):
    one = await world.one()
    assert (await world.decide(one, "class_teacher", who)).kind == "not_found"
    mine = actor(Role.CLASS_TEACHER, classes=["1-01"])
    assert (await world.decide(one, "class_teacher", mine)).state == "class_teacher_checked"


@pytest.mark.clause("13.2", "3.1")
@pytest.mark.parametrize(
    ("organisation", "kind"), [("230103", "not_found"), ("230202", "not_found"), (CITY, "forbidden"), (AUTHORITY, None)]
)
async def test_only_the_supervising_authority_approves(world, organisation, kind):
    one = await world.one()
    await world.bring_to(one, "authority")
    reply = await world.decide(one, "authority", actor(Role.AUTHORITY_OFFICER, organisation))
    assert (reply.kind if isinstance(reply, Refused) else None) == kind


@pytest.mark.clause("15.1")
async def test_class_teacher_and_principal_are_two_people(world):
    both = Actor(
        account="both",
        name="一人两职",
        organisation=SCHOOL.code,
        roles=(Role.CLASS_TEACHER, Role.PRINCIPAL),
        classes=("1",),
    )
    one = await world.one()
    await world.decide(one, "class_teacher", both)
    reply = await world.decide(one, "principal", both)
    assert (reply.kind, codes(reply)) == ("forbidden", ["case.same_person"])
    assert not isinstance(await world.decide(one, "principal", PRINCIPAL), Refused)


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("step", ["class_teacher", "principal", "school", "authority"])
async def test_whoever_entered_it_decides_nothing(world, step):
    everything = Actor(
        account="all", name="全能", organisation=SCHOOL.code, classes=("1",),
        roles=(Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL),
    )  # fmt: skip
    one = await world.one(entered_by=everything.account if step != "authority" else OFFICER.account)
    await world.bring_to(one, step)
    reply = await world.decide(one, step, everything if step != "authority" else OFFICER)
    assert codes(reply) == ["case.same_person"]


# ---- the guardian -------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
async def test_guardians_sign_a_printed_sheet(world):
    one = await world.one()
    await world.bring_to(one, "guardian")
    refused = await world.decide(one, "guardian", REGISTRAR)
    assert codes(refused) == ["registration.sheet_not_printed"]
    assert "打印" in refused.detail
    await world.print(one)
    reply = await world.decide(one, "guardian", REGISTRAR, signed_on=TODAY)
    assert reply.state == "guardian_confirmed"
    async with world.db.transaction() as tx:
        acts = await history(await driver(tx), one)
    assert acts[-1].details == {"signed_on": "2026-09-10"}


@pytest.mark.clause("15.1")
@pytest.mark.parametrize(
    ("days", "found"),
    [(0, None), (2, None), (-1, "signed_on_wrong"), (3, "signed_on_wrong"), (None, "signed_on_missing")],
)
async def test_the_day_of_the_signature_lies_between_the_print_and_today(world, days, found):
    one = await world.one()
    await world.bring_to(one, "guardian")
    await world.print(one)
    printed = world.clock.today()
    world.clock.pass_(days=2)
    signed_on = None if days is None else printed + timedelta(days=days)
    reply = await world.decide(one, "guardian", REGISTRAR, signed_on=signed_on)
    if found is None:
        assert reply.state == "guardian_confirmed"
    else:
        assert (reply.kind, codes(reply)) == ("invalid", [f"registration.{found}"])


# ---- return, reject -----------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("step", STEPS)
async def test_every_step_may_return_with_a_reason(world, step):
    one = await world.one()
    await world.bring_to(one, step)
    assert codes(await world.decide(one, step, RIGHT[step], "return")) == ["case.reason_required"]
    reply = await world.decide(one, step, RIGHT[step], "return", reason="户口所在地有误")
    assert (reply.state, reply.waits_for, reply.due_on) == ("returned", None, None)
    told = (await world.events(StepReached))[-1]
    assert (told.state, told.role, told.reason) == ("returned", "registrar", "户口所在地有误")
    assert (await world.decide(one, step, RIGHT[step])).kind == "conflict"


@pytest.mark.clause("15.1", "15.2")
async def test_a_rejection_ends_it_and_lets_the_person_go(world):
    one = await world.one()
    await world.bring_to(one, "authority")
    reply = await world.decide(one, "authority", OFFICER, "reject", reason="违规招收")
    assert reply.state == "rejected"
    (closed,) = await world.events(RegistrationsClosed)
    assert (closed.reason, closed.closed[0].registration_id) == ("rejected", one)
    again = world.admission(person_id=closed.closed[0].person_id)
    await world.admit(again)
    assert (await world.get(again.registration_id)).state == "entered"


async def test_a_guardian_s_signature_cannot_be_rejected_by_the_registrar(world):
    one = await world.one()
    await world.bring_to(one, "guardian")
    assert codes(await world.decide(one, "guardian", REGISTRAR, "reject", reason="不签")) == [
        "case.decision_not_possible"
    ]


# ---- once, versions, races ----------------------------------------------------------------------------------


async def test_the_same_command_twice_is_carried_out_once(world):
    one = await world.one()
    first = await world.decide(one, "class_teacher", TEACHER, command_id="once")
    assert await world.decide(one, "class_teacher", TEACHER, command_id="once") == first
    assert len(await world.sql("SELECT 1 FROM case_decisions")) == 1


async def test_an_older_version_is_told_what_has_become_of_it(world):
    one = await world.one()
    stale = (await world.get(one)).version
    await world.decide(one, "class_teacher", TEACHER, version=stale)
    reply = await world.decide(one, "principal", PRINCIPAL, version=stale)
    assert reply.kind == "conflict"
    assert STATE_TITLES[RegistrationState.CLASS_TEACHER_CHECKED] in reply.detail
    now = (await world.get(one)).version
    assert now == stale + 1
    assert (await world.decide(one, "principal", PRINCIPAL, version=now)).state == "principal_checked"


async def test_two_at_once_exactly_one_decides(world):
    one = await world.one()
    other = actor(Role.CLASS_TEACHER, account="other", classes=["1"])
    replies = await asyncio.gather(
        world.decide(one, "class_teacher", TEACHER), world.decide(one, "class_teacher", other, "return", reason="有误")
    )
    assert sum(isinstance(reply, Refused) for reply in replies) == 1
    assert len(await world.sql("SELECT 1 FROM case_decisions")) == 1


async def test_an_unknown_registration_and_that_of_another_school_look_alike(world):
    one = await world.one()
    strange = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    replies = [await world.decide(target, "principal", strange) for target in (one, "nothing")]
    assert replies[0] == replies[1]
    assert replies[0].kind == "not_found"


# ---- rosters ------------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1", "13.2")
async def test_a_roster_goes_through_all_steps_in_bulk(world):
    roster = await world.roster(12)
    for step, expected in zip(STEPS, STATES[1:], strict=True):
        if step == "guardian":
            await world.print(*[row["id"] for row in await world.sql("SELECT id FROM registrations")])
        done = await world.decide(roster, step, RIGHT[step], roster=True)
        assert (done.moved, done.state, done.skipped) == (12, expected, 0)
    (approved,) = await world.events(RegistrationsApproved)
    assert approved.roster_id == roster
    assert len({item.person_id for item in approved.approved}) == 12
    told = await world.events(StepReached)
    assert [(event.state, event.count, event.role) for event in told] == [
        ("class_teacher_checked", 12, "principal"),
        ("principal_checked", 12, "registrar"),
        ("guardian_confirmed", 12, "principal"),
        ("school_approved", 12, "authority_officer"),
        ("authority_approved", 12, "registrar"),
    ]


async def test_events_carry_at_most_500(world):
    roster = await world.roster(1201)
    for step in STEPS:
        if step == "guardian":
            await world.print(*[row["id"] for row in await world.sql("SELECT id FROM registrations")])
        await world.decide(roster, step, RIGHT[step], roster=True)
    approved = await world.events(RegistrationsApproved)
    assert [len(event.approved) for event in approved] == [500, 500, 201]
    assert len({item.registration_id for event in approved for item in event.approved}) == 1201


async def test_the_statements_of_a_bulk_decision_do_not_grow_with_the_roster(world):
    counts = []
    for size in (20, 20, 900):
        roster = await world.roster(size)
        sent: list[str] = []
        async with world.db.engine.connect() as tx:
            raw = await tx.get_raw_connection()
            raw.driver_connection.add_query_logger(lambda record, sent=sent: sent.append(record.query))
        await world.decide(roster, "class_teacher", TEACHER, roster=True)
        await asyncio.sleep(0)
        counts.append(len(sent))
        async with world.db.engine.connect() as tx:
            (await tx.get_raw_connection()).driver_connection._query_loggers.clear()
    assert counts[1] == counts[2] > 3


@pytest.mark.clause("15.1")
async def test_a_class_teacher_moves_only_rows_of_own_classes(world):
    roster = await world.roster(9)  # classes 1, 2 and 3
    teacher = actor(Role.CLASS_TEACHER, classes=["1-02"])
    done = await world.decide(roster, "class_teacher", teacher, roster=True)
    assert (done.moved, done.skipped) == (3, 6)
    moved = await world.sql("SELECT class_no FROM registrations r JOIN cases c USING (id) WHERE c.step = 'principal'")
    assert {row["class_no"] for row in moved} == {2}
    again = await world.decide(roster, "class_teacher", teacher, roster=True)
    assert (again.kind, codes(again)) == ("forbidden", ["registration.not_own_class"] * len(again.findings))


@pytest.mark.clause("15.1")
async def test_in_bulk_only_those_whose_sheet_is_printed_are_signed(world):
    roster = await world.roster(4)
    for step in ("class_teacher", "principal"):
        await world.decide(roster, step, RIGHT[step], roster=True)
    refused = await world.decide(roster, "guardian", REGISTRAR, roster=True)
    assert codes(refused) == ["registration.sheet_not_printed"]
    ids = [row["id"] for row in await world.sql("SELECT id FROM registrations ORDER BY row")]
    await world.print(*ids[:3])
    done = await world.decide(roster, "guardian", REGISTRAR, roster=True)
    assert (done.moved, done.skipped) == (3, 1)


@pytest.mark.parametrize(
    ("step", "who", "kind", "found"),
    [
        ("principal", PRINCIPAL, "conflict", ["case.step_too_early"]),
        ("authority", OFFICER, "conflict", ["case.step_too_early"]),
        ("class_teacher", PRINCIPAL, "forbidden", ["act.wrong_role"]),
        ("principal", actor(Role.PRINCIPAL, OTHER_SCHOOL.code), "not_found", []),
        ("authority", actor(Role.AUTHORITY_OFFICER, "230202"), "not_found", []),
        ("class_teacher", actor(Role.OPERATOR, SCHOOL.code), "forbidden", ["act.wrong_role"]),
    ],
)
async def test_a_roster_by_the_wrong_person_or_at_the_wrong_time(world, step, who, kind, found):
    roster = await world.roster(3)
    reply = await world.decide(roster, step, who, roster=True)
    assert (reply.kind, codes(reply)) == (kind, found)
    assert not await world.sql("SELECT 1 FROM case_decisions")


async def test_a_roster_step_twice_is_a_conflict(world):
    roster = await world.roster(3)
    await world.decide(roster, "class_teacher", TEACHER, roster=True)
    reply = await world.decide(roster, "class_teacher", TEACHER, roster=True)
    assert (reply.kind, codes(reply)) == ("conflict", ["case.step_done"])


async def test_an_unknown_roster_is_not_found(world):
    assert (await world.decide("nothing", "class_teacher", TEACHER, roster=True)).kind == "not_found"


async def test_a_bulk_and_a_single_decision_at_once_move_nothing_twice(world):
    roster = await world.roster(60)
    ids = [row["id"] for row in await world.sql("SELECT id FROM registrations")]
    other = actor(Role.CLASS_TEACHER, account="other", classes=["1"])
    await asyncio.gather(
        world.decide(roster, "class_teacher", TEACHER, roster=True),
        world.decide(roster, "class_teacher", other, roster=True),
        *(world.decide(one, "class_teacher", TEACHER) for one in ids[:5]),
    )
    assert len(await world.sql("SELECT 1 FROM case_decisions")) == 60
    assert len(await world.sql("SELECT 1 FROM cases WHERE step = 'principal' AND version = 1")) == 60


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("roster", [False, True])
async def test_who_has_waited_for_a_sheet_to_be_printed_reads_what_it_has_changed(world, roster):
    """Printing holds the case and changes only the registration: a version of before is no longer the present one, and the
    guardian may sign what has just been printed."""
    made = await world.roster(3)
    ids = sorted(row["id"] for row in await world.sql("SELECT id FROM registrations"))
    for one in ids:
        await world.decide(one, "class_teacher", TEACHER)
        await world.decide(one, "principal", PRINCIPAL)
    before = (await world.get(ids[0])).version
    async with world.db.transaction() as tx:
        for one in ids:
            assert await store.lock(tx, one) is not None
        assert await store.mark_printed(tx, ids, world.clock.now()) == 3
        if roster:
            waiting = asyncio.ensure_future(world.decide(made, "guardian", REGISTRAR, roster=True))
        else:
            waiting = asyncio.ensure_future(world.decide(ids[0], "guardian", REGISTRAR, version=before))
        await waits_for_a_lock(world.sql, waiting)
    reply = await waiting
    if roster:
        assert (reply.moved, reply.skipped) == (3, 0)
    else:
        assert isinstance(reply, Refused) and reply.kind == "conflict"
        assert (await world.get(ids[0])).version == before + 1


# ---- clocks, closed schools ---------------------------------------------------------------------------------


@pytest.mark.clause("13.2")
async def test_each_approval_has_ten_working_days_and_the_guardian_none(world):
    one = await world.one()
    assert (await world.get(one)).due_on == Calendar().add_working_days(TODAY, 10).date
    await world.bring_to(one, "guardian")
    assert (await world.get(one)).due_on is None


async def test_a_closed_school_s_registrations_stand_still(world):
    one = await world.one()
    await world.sql("UPDATE organisations SET valid_to = $2 WHERE code = $1", SCHOOL.code, TODAY)
    assert (await world.decide(one, "class_teacher", TEACHER)).kind == "conflict"


async def test_the_columns_are_what_the_decisions_say(world):
    one = await world.one()
    await world.bring_to(one, "school")
    world.clock.pass_(days=3)
    await world.decide(one, "school", PRINCIPAL, "return", reason="有误")
    async with world.db.transaction() as tx:
        rows = await history(await driver(tx), one)
    (case,) = await world.sql("SELECT * FROM cases WHERE id = $1", one)
    said = state(chain(10), case["opened_at"], rows, today=date(2026, 9, 20), calendar=Calendar())
    assert (said.status, said.standing.step, said.standing.version) == (case["status"], case["step"], case["version"])


def test_states_and_standings_are_one_to_one():
    for named in RegistrationState:
        status, step, registered = meaning(named)
        assert state_of(status, step, bool(registered)) is named
    assert set(STATE_TITLES) == set(RegistrationState)


def test_schools_of_the_tests_lie_apart():
    assert FAR_SCHOOL.authority != SCHOOL.authority
