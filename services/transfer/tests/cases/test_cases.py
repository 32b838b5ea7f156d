"""A transfer from the application to the class in the new school, and every way on which it ends before (24.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from kit_waiting import waits_for_a_lock
from moving_world import FIVE_FOUR, NEIGHBOUR
from registry_world import actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.transfer import (
    GetTransfer,
    ListTransfers,
    PrecheckTransfer,
    RerouteTransfer,
    RetryTransfer,
    Step,
    TransferPage,
    TransferPrechecked,
    TransfersStand,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer.cases import store
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, REGISTRAR, RELEASING, STRANGER, TransferWorld

pytestmark = pytest.mark.integration


async def pupils(world: TransferWorld, there: int = 10, here: int = 3) -> list[str]:
    """Pupils of grade 3 who may go; so many are in the other school's only class of grade 3."""
    if there:
        await world.registry.pupils(RECEIVING, 3, 1, there)
    return await world.registry.pupils(RELEASING, 3, 1, here)


@pytest.mark.clause("24.5.1")
async def test_four_approvals_and_the_record_moves_by_itself(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    assert isinstance(opened, TransferView), opened
    assert (opened.state, opened.waits_for, opened.seat) == (TransferState.OPEN, Step.RECEIVING_AUTHORITY, True)
    last = await world.through(opened.id)
    assert isinstance(last, TransferView), last
    assert last.state is TransferState.MOVING
    await world.carry()
    done = await world.seen(opened.id)
    assert (done.state, done.class_no, [step.decision for step in done.timeline]) == (
        TransferState.COMPLETED, 1, ["approve"] * 3,
    )  # fmt: skip
    (row,) = await world.registry.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == RECEIVING.code
    assert await world.holds() == [(opened.id, "applied", None)]
    await world.registry.whole()


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", list(Step))
async def test_a_rejection_at_any_step_ends_it_and_gives_the_seat_back(world: TransferWorld, step: Step) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    for earlier in Step:
        if earlier is step:
            break
        await world.decide(opened.id, earlier)
    ended = await world.decide(opened.id, step, "reject", reason="材料不实")
    assert ended.state is TransferState.REJECTED
    await world.carry()
    assert await world.holds() == [(opened.id, "released", None)]
    assert isinstance(await world.open(one), TransferView)


@pytest.mark.clause("24.5.1")
async def test_withdrawn_by_the_school_and_then_nobody_can_decide(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    command = WithdrawTransfer(
        command_id=world.id(), actor=REGISTRAR, transfer_id=opened.id, reason="不转了", by_guardian=True
    )
    ended = await world.do(command)
    assert (ended.state, ended.timeline[0].reason) == (TransferState.WITHDRAWN, "监护人要求撤回：不转了")
    late = await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert isinstance(late, Refused) and late.findings[0].code == "case.ended"


@pytest.mark.clause("23")
async def test_of_two_schools_that_ask_for_one_pupil_one_wins(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    replies = await asyncio.gather(*(world.open(one) for _ in range(3)))
    opened = [reply for reply in replies if isinstance(reply, TransferView)]
    refused = [reply for reply in replies if isinstance(reply, Refused)]
    assert len(opened) == 1 and len(refused) == 2
    assert {reply.findings[0].clause for reply in refused} == {"23"}


@pytest.mark.clause("24.2.2")
async def test_without_a_seat_it_takes_a_reason_and_the_authority_s_word(world: TransferWorld) -> None:
    one, *_ = await pupils(world, there=45)
    refused = await world.open(one)
    assert isinstance(refused, Refused)
    assert "24.2.2" in {finding.clause for finding in refused.findings}
    opened = await world.open(one, exception="全家迁居，附近没有其他学校")
    assert (opened.state, opened.seat) == (TransferState.OPEN, False)
    plain = await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert isinstance(plain, Refused) and plain.findings[0].code == "seat.none"
    word = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, override=True, reason="确无其他学校，同意突破")
    assert (word.seat, word.over) == (True, True)
    await world.decide(opened.id, Step.RELEASING_SCHOOL)
    await world.decide(opened.id, Step.RELEASING_AUTHORITY)
    await world.carry()
    done = await world.seen(opened.id, OFFICER)
    assert done.state is TransferState.COMPLETED
    assert [step.override for step in done.timeline] == [True, False, False]


@pytest.mark.clause("24.5.2")
async def test_the_authority_sends_it_to_another_public_school_with_room(world: TransferWorld) -> None:
    one, *_ = await pupils(world, there=45)
    await world.registry.pupils(FIVE_FOUR, 3, 1, 20)
    opened = await world.open(one, exception="全家迁居")
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=FIVE_FOUR.code, reason="该校已满"
    )
    moved = await world.do(command)
    assert isinstance(moved, TransferView), moved
    assert (moved.to_school, moved.seat, moved.waits_for) == (FIVE_FOUR.code, True, Step.RECEIVING_AUTHORITY)
    assert moved.timeline[0].to_school == FIVE_FOUR.code
    assert await world.holds() == [(opened.id, "held", FIVE_FOUR.code)]
    last = await world.through(opened.id)
    assert isinstance(last, TransferView), last
    await world.carry()
    (row,) = await world.registry.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == FIVE_FOUR.code


@pytest.mark.clause("24.2.2", "24.5.2")
async def test_a_case_that_is_sent_on_says_what_was_found_about_the_school_it_goes_to(world: TransferWorld) -> None:
    """What was found about the other one stays with the act, under that school's name."""
    one, *_ = await pupils(world, there=45)
    await world.registry.pupils(FIVE_FOUR, 3, 1, 20)
    opened = await world.open(one, exception="全家迁居")
    assert isinstance(opened, TransferView), opened
    before = (await world.seen(opened.id, OFFICER)).findings
    assert [one.clause for one in before if one.outcome is Outcome.NEEDS_OVERRIDE] == ["24.2.2"]
    assert [one for one in before if RECEIVING.name in one.message]
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=FIVE_FOUR.code, reason="该校已满"
    )
    moved = await world.do(command)
    assert isinstance(moved, TransferView), moved
    assert not [one for one in moved.findings if one.outcome is Outcome.NEEDS_OVERRIDE or RECEIVING.name in one.message]
    assert [one for one in moved.findings if FIVE_FOUR.name in one.message]
    (act,) = moved.timeline
    assert (act.from_school, act.from_school_name, act.to_school) == (RECEIVING.code, RECEIVING.name, FIVE_FOUR.code)
    assert act.findings == before
    school = await world.ask(GetTransfer(actor=actor(Role.REGISTRAR, FIVE_FOUR.code), transfer_id=opened.id))
    assert not [one for one in school.timeline[0].findings if one.code.startswith("choice.")], (
        "not what is the authority's"
    )
    releasing = await world.seen(opened.id, PRINCIPAL)
    assert releasing.findings == () and releasing.timeline[0].findings == ()
    plain = await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert isinstance(plain, TransferView), "nothing is left of which an exception is made"


@pytest.mark.clause("24.5.2")
async def test_not_to_a_school_that_is_full_or_not_its_own(world: TransferWorld) -> None:
    one, *_ = await pupils(world, there=45)
    opened = await world.open(one, exception="全家迁居")
    for school in (NEIGHBOUR.code, RELEASING.code, RECEIVING.code, "2199999999"):
        command = RerouteTransfer(
            command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=school, reason="该校已满"
        )
        assert isinstance(await world.do(command), Refused), school
    assert await world.holds() == [(opened.id, "held", None)]


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("step", "who", "code"),
    [
        (Step.RELEASING_SCHOOL, PRINCIPAL, "case.step_too_early"),
        (Step.RECEIVING_AUTHORITY, PRINCIPAL, None),
        (Step.RECEIVING_AUTHORITY, REGISTRAR, None),
        (Step.RECEIVING_AUTHORITY, STRANGER, None),
    ],
)
async def test_nobody_acts_out_of_turn_or_in_another_s_place(
    world: TransferWorld, step: Step, who: Any, code: str | None
) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    reply = await world.decide(opened.id, step, who=who)
    assert isinstance(reply, Refused)
    assert code is None or reply.findings[0].code == code


@pytest.mark.clause("24.5.1")
async def test_one_person_never_decides_two_steps(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    await world.decide(opened.id, Step.RELEASING_SCHOOL)
    again = await world.decide(opened.id, Step.RELEASING_AUTHORITY, who=OFFICER)
    assert isinstance(again, Refused) and again.findings[0].code == "case.same_person"


@pytest.mark.clause("24.1.3")
async def test_a_return_asks_for_what_the_list_names_and_stops_the_clock(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    more = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="请补充", asks=("medical",))
    assert isinstance(more, Refused) and more.findings[0].code == "return.asks_more"
    returned = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="地址不全", asks=("residence",))
    assert (returned.state, returned.due_on) == (TransferState.RETURNED, None)
    (last,) = (await world.events(TransfersStand))[-1].cases
    assert (last.status, last.organisation, last.roles) == ("returned", RECEIVING.code, ("registrar",))


@pytest.mark.clause("3.1")
async def test_a_school_that_is_no_party_sees_nothing(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    assert isinstance(await world.ask(GetTransfer(actor=STRANGER, transfer_id=opened.id)), Refused)
    listed = await world.ask(ListTransfers(actor=STRANGER))
    assert isinstance(listed, TransferPage) and listed.items == ()
    theirs = await world.ask(ListTransfers(actor=PRINCIPAL, side="out"))
    assert [item.id for item in theirs.items] == [opened.id]
    assert theirs.items[0].findings == () and theirs.items[0].residence is None


@pytest.mark.clause("24.1.3")
async def test_a_precheck_says_all_and_opens_nothing(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    application = world.application(one)
    found = await world.ask(PrecheckTransfer(actor=REGISTRAR, application=application))
    assert isinstance(found, TransferPrechecked)
    assert [asked.given for asked in found.evidence] == [False]
    assert [step.step for step in found.steps] == list(Step)
    assert RELEASING.name not in str(msgspec.to_builtins(found))
    assert await world.holds() == []
    nobody = await world.ask(PrecheckTransfer(actor=REGISTRAR, application=world.application(one, name="别的名字")))
    assert [finding.code for finding in nobody.decision.findings] == ["pupil.not_found"]


@pytest.mark.clause("24.5.1")
async def test_whoever_waits_for_a_case_acts_on_what_the_other_has_left(world: TransferWorld) -> None:
    """Given up by one officer while another tries to carry it out once more: it stays given up."""
    one, *_ = await pupils(world)
    opened = await world.open(one)
    await world.through(opened.id)
    await world.sql("UPDATE transfers SET outcome = 'attention' WHERE id = $1", opened.id)
    again = RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=opened.id)
    async with world.db.transaction() as tx:
        await store.get(tx, opened.id, lock=True)
        waits = asyncio.create_task(world.do(again))
        await waits_for_a_lock(world.sql, waits)
        await store.change(tx, opened.id, world.clock.now(), outcome="given_up", seat=False)
    reply = await waits
    assert isinstance(reply, Refused) and reply.kind == "conflict", reply
    seen = await world.seen(opened.id, OFFICER)
    assert (seen.state, seen.seat) == (TransferState.WITHDRAWN, False)
