"""A child comes from a school of another province: from the application to its record."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Any

import msgspec
import pytest
from coming_world import ComingWorld, child, code, document
from moving_world import JUNIOR
from outside_world import CLERK, SECOND_CLERK, THERE, THIRD_CLERK
from registry_world import CITY, PROVINCE, SCHOOL, ZONE, actor
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import GetChangeFacts
from shared_contracts.identity import NumberKind
from shared_contracts.outside_transfers import InwardApproved
from shared_contracts.transfer import (
    Ground,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    Tracked,
    TrackTransfer,
    TransferPrechecked,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from shared_contracts.transfer_reports import Figures, GetReport
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, REGISTRAR

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("a_class")]


@pytest.mark.clause("19", "24.5.1")
async def test_four_steps_the_registration_and_the_case_is_done_by_itself(world: ComingWorld) -> None:
    opened = await world.come()
    assert isinstance(opened, TransferView), opened
    assert (opened.state, opened.waits_for, opened.seat) == (TransferState.OPEN, Step.RECEIVING_AUTHORITY, True)
    assert (opened.from_school_name, opened.student_id) == ("杭州市西湖区文一街小学（浙江）", "")
    assert opened.outside is not None and (opened.outside.side, opened.outside.document) == ("from", None)
    assert await world.expected() == [(opened.id, "held", RECEIVING.code, True, False)]
    assert (await world.decide(opened.id, Step.RECEIVING_AUTHORITY)).waits_for is Step.RELEASING_SCHOOL
    waits = await world.last_stand()
    assert (waits.organisation, waits.subject) == (PROVINCE, "三年级学生由外省转入")
    assert (await world.enter(opened.id, Step.RELEASING_SCHOOL)).waits_for is Step.RELEASING_AUTHORITY
    last = await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK)
    assert (last.state, last.state_title) == (TransferState.MOVING, "已核准，待转入学校建籍")
    waits = await world.last_stand()
    assert (waits.organisation, waits.step, waits.step_title) == (
        RECEIVING.code,
        "registration",
        "为外省转入的学生建籍",
    )
    await world.carry()
    assert await world.expected() == [(opened.id, "held", RECEIVING.code, True, True)]
    registration = await world.register(opened.id)
    assert registration is not None
    await world.number(registration)
    await world.carry()
    done = await world.seen(opened.id)
    assert (done.state, done.state_title, done.student_id) == (TransferState.COMPLETED, "已转入", registration)
    assert (done.class_no, done.completed_on, done.problem) == (1, world.clock.today(), ())
    assert [step.entered_for for step in done.timeline] == ["", THERE.name, THERE.authority]
    assert (await world.last_stand()).organisation is None
    assert await world.expected() == [(opened.id, "applied", None, False, True)]


@pytest.mark.clause("24.5.1")
async def test_each_step_is_another_person_s_and_the_outside_ones_the_office_s(world: ComingWorld) -> None:
    opened = await world.come()
    assert code(await world.enter(opened.id, Step.RECEIVING_AUTHORITY)) == "outside.not_outside"
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert code(await world.decide(opened.id, Step.RELEASING_SCHOOL, who=PRINCIPAL)) == "not_found"
    bare = await world.decide(opened.id, Step.RELEASING_SCHOOL, who=actor(Role.PRINCIPAL, PROVINCE, "p"))
    assert code(bare) in ("outside.by_paper", "not_found", "forbidden")
    assert code(await world.enter(opened.id, Step.RELEASING_SCHOOL, evidence=())) == "outside.paper_missing"
    await world.enter(opened.id, Step.RELEASING_SCHOOL, who=SECOND_CLERK)
    assert code(await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=SECOND_CLERK)) == "case.same_person"
    assert isinstance(await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK), TransferView)


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("who", [OFFICER, CLERK, PRINCIPAL, actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")])
async def test_nobody_but_a_school_s_registrar_applies(world: ComingWorld, who: Any) -> None:
    assert (await world.come(who=who)).kind in ("forbidden", "not_found")
    assert (await world.look_in(who=who)).kind in ("forbidden", "not_found")
    assert await world.sql("SELECT FROM transfers") == []


@pytest.mark.clause("15.3", "20.2", "24.1.1", "24.5.1", "24.6.2")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"number": "G330106201803050098"}, "number.other_document"),
        ({"number": "X1"}, "number.form"),
        ({"child": child(birth_date=date(2021, 3, 5))}, "age.grade_above"),
        ({"school": msgspec.structs.replace(THERE, division="230103")}, "outside.own_province"),
        ({"school": msgspec.structs.replace(THERE, authority=" ")}, "outside.not_named"),
        ({"ground": Ground.HOUSE_PURCHASE}, "ground.not_across"),
        ({"ground": Ground.SPECIAL_SCHOOL}, "ground.not_across"),
        ({"record_moves": False}, "record.must_move"),
        ({"evidence": ()}, "evidence.missing"),
        ({"alone_in_household": True}, "household.alone"),
        ({"ground": Ground.HOUSEHOLD_MOVED}, "ground.household_missing"),
    ],
)
async def test_what_is_wrong_is_said_the_same_beforehand_and_opens_nothing(
    world: ComingWorld, changes: dict[str, Any], found: str
) -> None:
    reply = await world.come(**changes)
    assert isinstance(reply, Refused)
    told = [one for one in reply.findings if one.code == found]
    assert told and told[0].outcome == "refuse" and told[0].cure
    looked = await world.look_in(**changes)
    assert isinstance(looked, TransferPrechecked) and found in [one.code for one in looked.decision.findings]
    assert await world.sql("SELECT FROM transfers") == [] == await world.holds()


@pytest.mark.clause("24.1.3", "24.5.1")
async def test_a_precheck_says_what_comes_and_opens_nothing(world: ComingWorld) -> None:
    looked = await world.look_in(number="")
    assert isinstance(looked, TransferPrechecked) and not looked.decision.refused
    assert "number.none" in [one.code for one in looked.decision.findings]
    assert [one.organisation_name for one in looked.steps][1:] == [THERE.name, THERE.authority]
    assert looked.evidence[0].given
    assert await world.holds() == []


@pytest.mark.clause("15.2", "20.1", "23")
async def test_a_child_that_is_expected_or_registered_is_not_applied_for_again(world: ComingWorld) -> None:
    replies = await asyncio.gather(world.come(), world.come(), world.come())
    assert sorted(isinstance(one, TransferView) for one in replies) == [False, False, True]
    assert {code(one) for one in replies if isinstance(one, Refused)} == {"arrival.expected"}
    (case,) = [one.id for one in replies if isinstance(one, TransferView)]
    withdrawn = await world.do(
        WithdrawTransfer(command_id=world.id(), actor=REGISTRAR, transfer_id=case, reason="不来了", by_guardian=True)
    )
    assert withdrawn.state is TransferState.WITHDRAWN
    await world.carry()
    id_ = await world.approved_in()
    await world.carry()
    await world.register(id_)
    assert code(await world.come()) == "arrival.registered"


@pytest.mark.clause("24.2.2", "24.5.2")
async def test_without_a_place_the_authority_gives_one_more_or_sends_the_child_on(world: ComingWorld) -> None:
    await world.registry.pupils(RECEIVING, 3, 1, 43)
    await world.registry.pupils(SCHOOL, 3, 1, 5)
    opened = await world.come(exception="家长在附近工作")
    assert isinstance(opened, TransferView) and not opened.seat
    assert await world.expected() == [(opened.id, "held", None, True, False)]
    bare = await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert code(bare) == "seat.none"
    sent = await world.do(
        RerouteTransfer(
            command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=SCHOOL.code, reason="就近安排"
        )
    )
    assert isinstance(sent, TransferView) and (sent.to_school, sent.seat) == (SCHOOL.code, True)
    assert await world.expected() == [(opened.id, "held", SCHOOL.code, True, False)]
    two = await world.come(2, exception="家长在附近工作")
    over = await world.decide(two.id, Step.RECEIVING_AUTHORITY, override=True, reason="确有困难")
    assert isinstance(over, TransferView) and (over.seat, over.over) == (True, True)


@pytest.mark.clause("24.5.1")
async def test_a_returned_application_is_corrected_and_the_child_stays_the_same(world: ComingWorld) -> None:
    opened = await world.come()
    back = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="电话有误", asks=("phone",))
    assert back.state is TransferState.RETURNED
    values = await world.asked_in(evidence=(), phone="13857110099", number="")
    command = ResubmitTransfer(
        command_id=world.id(), actor=REGISTRAR, transfer_id=opened.id, application=values["application"],
        version=back.version,
    )  # fmt: skip
    again = await world.do(command)
    assert isinstance(again, TransferView), again
    assert (again.state, again.phone, again.name) == (TransferState.OPEN, "138****0099", "来生1")
    assert (await world.decide(opened.id, Step.RECEIVING_AUTHORITY)).waits_for is Step.RELEASING_SCHOOL


@pytest.mark.clause("24.6.2", "29")
async def test_who_is_promoted_on_the_way_comes_into_the_next_grade(world: ComingWorld) -> None:
    """Applied for in June in grade 3, approved by all in September: the seat was promoted with the class it is in."""
    world.clock.moment = datetime(2027, 6, 10, 9, tzinfo=ZONE)
    opened = await world.come(exception="学期末")
    assert isinstance(opened, TransferView), opened
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    await world.enter(opened.id, Step.RELEASING_SCHOOL)
    world.clock.moment = datetime(2027, 9, 5, 9, tzinfo=ZONE)
    await world.registry.sql("UPDATE classes SET grade = 4 WHERE cohort = 2024")
    last = await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK)
    assert isinstance(last, TransferView) and last.state is TransferState.MOVING, last
    (row,) = await world.registry.sql("SELECT seat_cohort FROM change_holds")
    assert row["seat_cohort"] == 2024
    await world.carry()
    assert await world.expected() == [(opened.id, "held", RECEIVING.code, True, True)]
    found = await world.registry.ask(
        GetChangeFacts(actor=system("transfer"), to_school=RECEIVING.code, grade=4, case_id=None)
    )  # fmt: skip
    assert found.room is not None and (found.room.held, found.room.free) == (1, 42)


@pytest.mark.clause("15.3", "15.4")
async def test_a_number_of_another_kind_is_looked_at_by_the_authority(world: ComingWorld) -> None:
    id_ = await world.approved_in()
    await world.carry()
    registration = await world.register(id_)
    assert registration is not None
    await world.number(registration, NumberKind.L)
    await world.carry()
    found = await world.seen(id_, OFFICER)
    assert (found.state, found.student_id) == (TransferState.NEEDS_ATTENTION, registration)
    assert [one.code for one in found.problem] == ["number.differs"]

    def retry(**more: Any) -> RetryTransfer:
        return RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=id_, **more)

    for wrong in ({}, {"override": True}, {"give_up": True, "reason": "算了"}):
        assert code(await world.do(retry(**wrong))) == "number.look_at_it"
    done = await world.do(retry(override=True, reason="户口簿姓名用字不同，已申请更正"))
    assert done.state is TransferState.COMPLETED


@pytest.mark.clause("15.3")
@pytest.mark.parametrize(("there", "here", "kept"), [
    ("L33010620180305999X", NumberKind.L, "L33010620180305999X"),
    ("J" + document(9), NumberKind.G, ""),
    ("", NumberKind.L, ""),
])  # fmt: skip
async def test_a_temporary_number_there_or_none_says_nothing_of_ours(
    world: ComingWorld, there: str, here: NumberKind, kept: str
) -> None:
    """What has an identity number in it is not kept with the case."""
    id_ = await world.approved_in(number=there)
    await world.carry()
    registration = await world.register(id_)
    assert registration is not None
    await world.number(registration, here)
    await world.carry()
    found = await world.seen(id_)
    assert found.state is TransferState.COMPLETED
    assert found.outside is not None
    assert (found.outside.number_kind, found.outside.former_number) == (there[:1], kept)


@pytest.mark.clause("24.5.1")
async def test_events_that_come_twice_change_nothing(world: ComingWorld) -> None:
    id_ = await world.approved_in()
    for _ in range(2):
        await world.carry_again()
    assert len(await world.events(InwardApproved)) == 1
    registration = await world.register(id_)
    assert registration is not None
    await world.number(registration)
    for _ in range(2):
        await world.carry_again()
    assert (await world.seen(id_)).state is TransferState.COMPLETED
    assert await world.expected() == [(id_, "applied", None, False, True)]


@pytest.mark.clause("24.6.3", "24.6.4")
async def test_the_guardian_follows_it_and_the_report_counts_it(world: ComingWorld) -> None:
    id_ = await world.approved_in()
    view = await world.seen(id_)
    tracked = await world.do(TrackTransfer(command_id=world.id(), actor=ANONYMOUS, number=view.number, digits="0001"))
    assert isinstance(tracked, Tracked) and tracked.transfer is not None
    assert [step.organisation_name for step in tracked.transfer.steps][1:] == [THERE.name, THERE.authority]
    await world.carry()
    registration = await world.register(id_)
    assert registration is not None
    await world.number(registration)
    await world.carry()
    report = await world.ask(
        GetReport(actor=actor(Role.AUTHORITY_OFFICER, CITY, "city.officer"), city=CITY, year=2026, term="autumn")
    )
    assert report.totals == Figures(transfers_in=1, from_outside=1)


@pytest.mark.clause("45.1")
async def test_no_document_number_is_kept_by_the_case(world: ComingWorld) -> None:
    await world.come()
    for table in ("transfers", "outside_parties", "cases", "outbox", "hold_intents"):
        for row in await world.sql(f'SELECT t::text AS line FROM "{table}" t'):
            assert document(1) not in row["line"], table


@pytest.mark.clause("24.6.2")
async def test_a_school_without_the_grade_is_no_place(world: ComingWorld) -> None:
    reply = await world.come(who=actor(Role.REGISTRAR, JUNIOR.code, "junior.registrar"), evidence=())
    assert "grade.not_carried" in [one.code for one in reply.findings]


@pytest.mark.clause("24.4")
async def test_whoever_comes_from_special_education_is_to_be_mainstreamed(world: ComingWorld) -> None:
    """Out of a special-education school into an ordinary one; between ordinary ones nothing is said of it."""
    special = msgspec.structs.replace(THERE, name="杭州市杨绫子学校", special_education=True)
    papers = await world.papers(EvidenceKind.TRANSFER_APPLICATION, organisation=RECEIVING.code)
    given = {"school": special, "ground": Ground.SPECIAL_EDUCATION, "evidence": papers}
    id_ = await world.approved_in(1, **given)
    assert (await world.seen(id_)).placement == "mainstreamed"
    other = await world.approved_in(2)
    events = {one.transfer_id: one.placement for one in await world.events(InwardApproved)}
    assert events == {id_: "mainstreamed", other: ""}
    await world.carry()
    rows = await world.registry.sql("SELECT case_id, placement FROM expected_arrivals")
    assert {row["case_id"]: row["placement"] for row in rows} == events


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
async def test_the_temporary_number_of_another_province_finds_one_child_and_no_second(world: ComingWorld) -> None:
    number = "L330106201803050001"
    assert isinstance(await world.look_in(1, number=number), TransferPrechecked)
    assert world.who.numbers == {}, "looking keeps nothing"
    assert isinstance(await world.come(1, number=number), TransferView)
    assert list(world.who.numbers) == [number]
    looked = await world.look_in(2, number=number)
    assert "arrival.others_number" in {one.code for one in looked.decision.of(Outcome.REFUSE)}
    assert code(await world.come(2, number=number)) == "arrival.others_number"
    assert len(await world.expected()) == 1
    assert isinstance(await world.come(2, number=""), TransferView), "a number that nobody is sure of may be left out"
    assert isinstance(await world.come(3), TransferView)
    assert list(world.who.numbers) == [number], "a formal number is found by its document"
