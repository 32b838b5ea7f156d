"""A pupil goes to a school of another province: from the application to the closed record, and every way on which it ends."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from typing import Any

import msgspec
import openpyxl
import pytest
from moving_world import JUNIOR
from outside_world import ASKED, CLERK, LEADER, SECOND_CLERK, THERE, THIRD_CLERK, OutsideWorld
from registry_world import CITY, PROVINCE, actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.outside_transfers import ResubmitOutward, WithdrawOutward
from shared_contracts.transfer import (
    DecideTransfer,
    GetTransfer,
    ListRooms,
    ListTransfers,
    RerouteTransfer,
    RetryTransfer,
    Step,
    Tracked,
    TrackTransfer,
    TransferPage,
    TransferPrechecked,
    TransfersStand,
    TransferState,
    TransferView,
)
from shared_contracts.transfer_reports import Figures, GetReport, GetReportWorkbook
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, REGISTRAR, RELEASING, SECOND_OFFICER

pytestmark = pytest.mark.integration


async def pupils(world: OutsideWorld, count: int = 2) -> list[str]:
    return await world.registry.pupils(RELEASING, 3, 1, count)


@pytest.mark.clause("21.2", "24.5.1")
async def test_four_steps_and_the_record_leaves_by_itself(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    assert isinstance(opened, TransferView), opened
    assert (opened.state, opened.waits_for, opened.seat) == (TransferState.OPEN, Step.RECEIVING_AUTHORITY, False)
    assert opened.to_school_name == "杭州市西湖区文一街小学（浙江）"
    assert opened.outside is not None and opened.outside.document == ASKED
    assert (await world.enter(opened.id, Step.RECEIVING_AUTHORITY)).waits_for is Step.RELEASING_SCHOOL
    await world.decide(opened.id, Step.RELEASING_SCHOOL)
    last = await world.decide(opened.id, Step.RELEASING_AUTHORITY)
    assert last.state is TransferState.MOVING
    await world.carry()
    done = await world.seen(opened.id, CLERK)
    assert (done.state, done.state_title, done.class_no) == (TransferState.COMPLETED, "已转往外省", None)
    first = done.timeline[0]
    assert (first.entered_for, first.document.number) == ("杭州市西湖区教育局", "西教转〔2026〕19号")
    assert [step.entered_for for step in done.timeline[1:]] == ["", ""]

    row = await world.student(one)
    assert (row["state"], row["live"], row["school"], row["keeper"]) == ("transferred_out", False, PROVINCE, PROVINCE)
    assert row["student_number"].startswith("G"), "the number stays the pupil's"
    assert await world.holds() == [(opened.id, "applied", None)]
    (member,) = await world.registry.sql("SELECT left_on FROM class_memberships WHERE student_id = $1", one)
    assert member["left_on"] == world.clock.today()
    (entry,) = await world.registry.sql(
        "SELECT clause, actor, content FROM journal WHERE student_id = $1 AND kind = 'transferred_out'", one
    )
    content = entry["content"]
    assert content["outside"] == {"division": "330106", "school": THERE.name}
    assert (content["after"]["state"], entry["clause"]) == ("transferred_out", "24.5.1")
    (place,) = await world.registry.sql(
        "SELECT division, school, case_id FROM outside_places WHERE student_id = $1", one
    )
    assert tuple(place) == ("330106", THERE.name, opened.id)
    (copy,) = await world.registry.sql("SELECT school FROM student_copies WHERE student_id = $1", one)
    assert copy["school"] == RELEASING.code
    await world.registry.whole()


@pytest.mark.clause("24.5.1")
async def test_whoever_entered_the_application_does_not_enter_the_decision(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    same = await world.enter(opened.id, Step.RECEIVING_AUTHORITY, who=CLERK)
    assert isinstance(same, Refused) and same.findings[0].code == "case.same_person"
    assert (await world.seen(opened.id, CLERK)).may == ("withdraw_outward",)
    assert "decide_outside" in (await world.seen(opened.id, SECOND_CLERK)).may
    assert isinstance(await world.enter(opened.id, Step.RECEIVING_AUTHORITY, who=LEADER), TransferView)


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("who", [OFFICER, REGISTRAR, PRINCIPAL, actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")])
async def test_nobody_but_the_province_office_acts_for_another_province(world: OutsideWorld, who: Any) -> None:
    one, *_ = await pupils(world)
    assert (await world.leave(one, who=who)).kind in ("forbidden", "not_found")
    opened = await world.leave(one)
    assert (await world.enter(opened.id, Step.RECEIVING_AUTHORITY, who=who)).kind in ("forbidden", "not_found")


@pytest.mark.clause("21.1", "24.5.1")
@pytest.mark.parametrize("step", list(Step))
async def test_of_a_record_that_has_ended_meanwhile_whoever_approves_is_told(world: OutsideWorld, step: Step) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    for before in list(Step)[: list(Step).index(step)]:
        reply = await (world.enter if before is Step.RECEIVING_AUTHORITY else world.decide)(opened.id, before)
        assert isinstance(reply, TransferView), reply
    await world.registry.sql("UPDATE students SET state = 'graduated', live = false WHERE id = $1", one)
    refused = await (world.enter if step is Step.RECEIVING_AUTHORITY else world.decide)(opened.id, step)
    assert isinstance(refused, Refused)
    assert [(found.code, found.clause) for found in refused.findings] == [("pupil.record_ended", "21.1")]
    assert refused.findings[0].cure
    seen = await world.seen(opened.id, CLERK)
    assert (seen.state, seen.waits_for) == ("open", step)


@pytest.mark.clause("24.5.1")
async def test_our_own_steps_are_not_entered_and_the_others_are_not_decided_without_a_paper(
    world: OutsideWorld,
) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    ours = await world.enter(opened.id, Step.RELEASING_SCHOOL)
    assert isinstance(ours, Refused) and ours.findings[0].code == "outside.not_outside"
    command = DecideTransfer(
        command_id=world.id(),
        actor=SECOND_CLERK,
        transfer_id=opened.id,
        step=Step.RECEIVING_AUTHORITY,
        decision="approve",
    )
    bare = await world.do(command)
    assert isinstance(bare, Refused) and bare.findings[0].code == "outside.by_paper"
    for wrong, code in (
        ({"evidence": ()}, "outside.paper_missing"),
        ({"document": msgspec.structs.replace(ASKED, number=" ")}, "outside.document"),
        ({"document": msgspec.structs.replace(ASKED, issued_on=date(2026, 12, 31))}, "outside.document_day"),
    ):
        reply = await world.enter(opened.id, Step.RECEIVING_AUTHORITY, **wrong)
        assert isinstance(reply, Refused) and reply.findings[0].code == code
    assert len(await world.sql("SELECT FROM case_decisions WHERE case_id = $1", opened.id)) == 0


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", list(Step))
async def test_a_rejection_at_any_step_leaves_the_record_where_it_is(world: OutsideWorld, step: Step) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    if step is Step.RECEIVING_AUTHORITY:
        ended = await world.enter(opened.id, step, "reject", reason="没有学位")
    else:
        await world.enter(opened.id, Step.RECEIVING_AUTHORITY)
        if step is Step.RELEASING_AUTHORITY:
            await world.decide(opened.id, Step.RELEASING_SCHOOL)
        ended = await world.decide(opened.id, step, "reject", reason="材料不实")
    assert ended.state is TransferState.REJECTED
    await world.carry()
    assert await world.holds() == [(opened.id, "released", None)]
    row = await world.student(one)
    assert (row["live"], row["school"]) == (True, RELEASING.code)
    assert isinstance(await world.leave(one), TransferView)


@pytest.mark.clause("23")
async def test_of_two_that_ask_for_one_pupil_one_wins(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    await world.registry.pupils(JUNIOR, 7, 1, 1)
    replies = await asyncio.gather(world.leave(one), world.open(one), world.leave(one, who=SECOND_CLERK))
    assert sum(isinstance(reply, TransferView) for reply in replies) == 1
    assert all(reply.findings[0].clause == "23" for reply in replies if isinstance(reply, Refused))


@pytest.mark.clause("24.5.1")
async def test_returned_corrected_and_taken_back(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    await world.enter(opened.id, Step.RECEIVING_AUTHORITY)
    returned = await world.decide(
        opened.id, Step.RELEASING_SCHOOL, "return", reason="监护人电话不对", asks=("phone",)
    )  # fmt: skip
    assert returned.state is TransferState.RETURNED
    values = await world.asked(one, phone="13904510002")
    command = ResubmitOutward(
        command_id=world.id(), actor=CLERK, transfer_id=opened.id, application=values["application"],
        document=msgspec.structs.replace(ASKED, number="西教转〔2026〕20号"), version=returned.version,
    )  # fmt: skip
    again = await world.do(command)
    assert isinstance(again, TransferView), again
    assert (again.state, again.waits_for, again.phone) == (TransferState.OPEN, Step.RELEASING_SCHOOL, "139****0002")
    assert again.outside.document.number == "西教转〔2026〕20号"
    changed = msgspec.structs.replace(
        command, command_id=world.id(), version=again.version,
    )  # fmt: skip
    assert (await world.do(changed)).findings[0].code == "case.not_returned"
    ended = await world.do(
        WithdrawOutward(command_id=world.id(), actor=CLERK, transfer_id=opened.id, reason="不转了", by_guardian=True)
    )
    assert ended.state is TransferState.WITHDRAWN
    there, school = THERE.authority, THERE.name
    assert [(step.decision, step.entered_for) for step in ended.timeline] == [
        ("approve", there), ("return", ""), ("resubmit", school), ("withdraw", school),
    ]  # fmt: skip
    await world.carry()
    assert await world.holds() == [(opened.id, "released", None)]


async def corrected(world: OutsideWorld, student: str, case: TransferView, **changes: Any) -> Any:
    values = await world.asked(student, evidence=changes.pop("evidence", ()))
    return await world.do(
        ResubmitOutward(
            command_id=world.id(), actor=CLERK, transfer_id=case.id, application=values["application"],
            document=ASKED, version=case.version, **changes,
        )
    )  # fmt: skip


async def papers_of(world: OutsideWorld, case: TransferView) -> list[str]:
    return [one.evidence_id for one in (await world.seen(case.id, CLERK)).evidence]


@pytest.mark.clause("24.1.3", "24.5.1")
async def test_a_correction_adds_papers_and_takes_off_those_it_names(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    (first,) = await papers_of(world, opened)
    returned = await world.enter(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="请补充", asks=("phone",))
    (more,) = await world.paper()
    assert isinstance(await corrected(world, one, returned, evidence=(more,)), TransferView)
    assert await papers_of(world, opened) == [first, more.evidence_id], "what was given stays"

    again = await world.enter(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="请更换", asks=("phone",))
    for taken_off, code in ((("nobody-s",), "correction.no_such_paper"), ((first, more.evidence_id), "outside.paper")):
        refused = await corrected(world, one, again, taken_off=taken_off)
        assert isinstance(refused, Refused) and refused.findings[0].code.startswith(code), refused
    assert await papers_of(world, opened) == [first, more.evidence_id]
    assert isinstance(await corrected(world, one, again, taken_off=(first,)), TransferView)
    assert await papers_of(world, opened) == [more.evidence_id]
    rows = await world.sql(
        "SELECT details FROM case_decisions WHERE case_id = $1 AND decision = 'resubmit' ORDER BY seq", opened.id
    )
    assert [{name: ids for name, ids in row["details"].items() if name != "document"} for row in rows] == [
        {"added": [more.evidence_id]}, {"taken_off": [first]},
    ]  # fmt: skip


@pytest.mark.clause("24.5.1")
async def test_behind_an_approval_papers_are_added_and_none_is_taken_away(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    (first,) = await papers_of(world, opened)
    await world.enter(opened.id, Step.RECEIVING_AUTHORITY)
    returned = await world.decide(opened.id, Step.RELEASING_SCHOOL, "return", reason="请补充", asks=("phone",))
    refused = await corrected(world, one, returned, taken_off=(first,))
    assert isinstance(refused, Refused) and refused.findings[0].code == "correction.already_judged"
    (more,) = await world.paper()
    assert isinstance(await corrected(world, one, returned, evidence=(more,)), TransferView)
    assert await papers_of(world, opened) == [first, more.evidence_id]


@pytest.mark.clause("24.1.3", "24.5.1")
@pytest.mark.parametrize("entered", [True, False])
async def test_a_return_asks_for_the_paper_of_the_other_province_and_for_no_other(
    world: OutsideWorld, entered: bool
) -> None:
    """Entered for the other province, or decided by our school."""
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    step, do = (Step.RECEIVING_AUTHORITY, world.enter) if entered else (Step.RELEASING_SCHOOL, world.decide)
    if not entered:
        await world.enter(opened.id, Step.RECEIVING_AUTHORITY)
    for asks, code in ((("evidence.residence",), "return.asks_more"), ((), "return.nothing_asked")):
        no = await do(opened.id, step, "return", reason="请补充", asks=asks)
        assert isinstance(no, Refused) and no.findings[0].code == code
    returned = await do(opened.id, step, "return", reason="请补充", asks=("evidence.official_document",))
    assert isinstance(returned, TransferView) and returned.state is TransferState.RETURNED, returned


@pytest.mark.clause("24.6.2")
async def test_what_cannot_be_is_said_before_anything_is_opened(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    looked = await world.look(one)
    assert isinstance(looked, TransferPrechecked) and not looked.decision.refused, looked
    assert [step.organisation_name for step in looked.steps] == [
        THERE.authority,
        RELEASING.name,
        "道里区教育局",
    ]
    assert looked.evidence[0].given
    for changes, code in (
        ({"grade": 4}, "grade.other"),
        ({"school": msgspec.structs.replace(THERE, division="230103")}, "outside.own_province"),
        ({"school": msgspec.structs.replace(THERE, name=" ")}, "outside.not_named"),
        ({"evidence": ()}, "outside.paper_missing"),
        ({"record_moves": False}, "record.must_move"),
    ):
        refused = await world.leave(one, **changes)
        assert isinstance(refused, Refused), changes
        assert code in {finding.code for finding in refused.findings}
    nobody = await world.leave(one, name="查无此人")
    assert isinstance(nobody, Refused) and nobody.findings[0].code == "pupil.not_found"
    assert await world.holds() == []


@pytest.mark.clause("24.6.2")
async def test_a_pupil_who_has_gone_cannot_go_again(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    await world.gone(one)
    await world.carry()
    for reply in (await world.leave(one), await world.open(one)):
        assert isinstance(reply, Refused) and reply.findings[0].code == "pupil.not_found"


@pytest.mark.clause("24.5.1")
async def test_a_school_that_is_being_merged_holds_it_up_until_somebody_tries_again(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    id_ = await world.gone(one)
    await world.registry.sql(
        "INSERT INTO frozen_schools (school, operation_id, since) VALUES ($1, 'op-1', now())", RELEASING.code
    )
    await world.carry()
    stuck = await world.seen(id_, CLERK)
    assert (stuck.state, stuck.problem[0].code) == (TransferState.NEEDS_ATTENTION, "change.frozen")
    assert stuck.may == (), "whoever entered the application has had a part in it"
    assert (await world.seen(id_, THIRD_CLERK)).may == ("retry",)
    mine = await world.do(RetryTransfer(command_id=world.id(), actor=CLERK, transfer_id=id_))
    assert mine.findings[0].code == "case.same_person"
    over = RetryTransfer(command_id=world.id(), actor=THIRD_CLERK, transfer_id=id_, override=True, reason="突破")
    assert (await world.do(over)).findings[0].code == "transfer.nothing_to_override"
    await world.registry.sql("DELETE FROM frozen_schools")
    assert isinstance(
        await world.do(RetryTransfer(command_id=world.id(), actor=THIRD_CLERK, transfer_id=id_)), TransferView
    )
    await world.carry()
    assert (await world.student(one))["state"] == "transferred_out"


@pytest.mark.clause("24.6.5")
async def test_it_stands_in_the_city_s_report_in_a_line_of_its_own(world: OutsideWorld) -> None:
    one, two = await pupils(world)
    await world.gone(one)
    await world.registry.pupils(RECEIVING, 3, 1, 3)
    inside = await world.open(two)
    await world.through(inside.id)
    await world.carry()
    city = actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")
    report = await world.ask(GetReport(actor=city, city=CITY, year=2026, term="autumn"))
    assert report.totals == Figures(transfers_in=1, transfers_out=2, within=1, to_outside=1)
    lines = {(line.school, line.outside): line.figures for line in report.lines}
    assert lines == {
        (RECEIVING.code, False): Figures(transfers_in=1, within=1),
        (RELEASING.code, False): Figures(transfers_out=1),
        (RELEASING.code, True): Figures(transfers_out=1, to_outside=1),
    }
    book = await world.ask(GetReportWorkbook(actor=city, city=CITY, year=2026, term="autumn"))
    (_, sheet) = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    assert rows[0][4:10] == ["范围", "转入人数", "转出人数", "其中市内互转", "其中外省转入", "其中转往外省"]
    assert [row[4:10] for row in rows[1:] if row[4] == "省外"] == [["省外", 0, 1, 0, 0, 1]]


@pytest.mark.clause("24.5.2")
async def test_there_is_nothing_to_reroute(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    assert (await world.ask(ListRooms(actor=SECOND_CLERK, transfer_id=opened.id))).items == ()
    command = RerouteTransfer(
        command_id=world.id(), actor=SECOND_CLERK, transfer_id=opened.id, school=REGISTRAR.organisation, reason="改派"
    )
    assert isinstance(await world.do(command), Refused)


@pytest.mark.clause("24.5.1", "24.6.4")
async def test_who_is_asked_and_who_sees_it(world: OutsideWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.leave(one)
    (stands,) = (await world.events(TransfersStand))[-1].cases
    assert (stands.organisation, stands.not_accounts, stands.subject) == (
        PROVINCE,
        (CLERK.account,),
        "三年级学生转往外省",
    )
    assert "录入浙江的决定" in stands.step_title and stands.due_on is not None
    await world.enter(opened.id, Step.RECEIVING_AUTHORITY)
    (stands,) = (await world.events(TransfersStand))[-1].cases
    assert (stands.organisation, stands.roles) == (RELEASING.code, (Role.PRINCIPAL,))
    page = await world.ask(ListTransfers(actor=PRINCIPAL, side="out"))
    assert isinstance(page, TransferPage) and [one.id for one in page.items] == [opened.id]
    assert isinstance(await world.seen(opened.id, SECOND_OFFICER), TransferView)
    assert isinstance(await world.ask(GetTransfer(actor=REGISTRAR, transfer_id=opened.id)), Refused)
    anybody = msgspec.structs.replace(CLERK, account="", roles=())
    answer = await world.do(
        TrackTransfer(command_id=world.id(), actor=anybody, number=opened.number, digits="0001")
    )  # fmt: skip
    assert isinstance(answer, Tracked) and answer.transfer is not None
    tracked = answer.transfer
    assert (tracked.to_school_name, tracked.steps[0].organisation_name) == (
        "杭州市西湖区文一街小学（浙江）", THERE.authority,
    )  # fmt: skip
