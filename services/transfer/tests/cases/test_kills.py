"""Killed at any line between application and commit: no pupil held by nothing, no seat that nobody has (23, 24.5.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from moving_world import FIVE_FOUR
from service_kit.database import driver
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import ChangeApplied, ChangeFailed, GrantHold, SettleHold
from shared_contracts.transfer import (
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TransferApproved,
    TransfersStand,
    TransferState,
    TransferView,
)
from transfer.cases import expiring
from transfer_world import OFFICER, RECEIVING, REGISTRAR, RELEASING, Broken, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("23", "24.5.1")]


async def pupils(world: TransferWorld, there: int = 10) -> list[str]:
    await world.registry.pupils(RECEIVING, 3, 1, there)
    return await world.registry.pupils(RELEASING, 3, 1, 3)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_while_the_registry_is_asked_for_the_hold(world: TransferWorld, when: str) -> None:
    one, *_ = await pupils(world)
    getattr(world.between, when)[GrantHold] = Broken()
    with pytest.raises(Broken):
        await world.open(one, command_id="c-1", transfer_id="t-1")
    assert await world.settle_intents() == 1
    assert await world.holds() == [("t-1", "released", None)]
    assert await world.settle_intents() == 0
    # The client sends the same again, and another one may ask for the same pupil: both find nothing in their way.
    again = await world.open(one, command_id="c-1", transfer_id="t-1")
    assert isinstance(again, TransferView), again
    assert await world.holds() == [("t-1", "held", RECEIVING.code)]
    assert await world.settle_intents() == 0


async def test_killed_after_the_hold_before_the_commit(world: TransferWorld, monkeypatch: Any) -> None:
    one, *_ = await pupils(world)

    async def broken(*_: Any, **__: Any) -> None:
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr("transfer.cases.telling.stands", broken)
        with pytest.raises(Broken):
            await world.open(one, transfer_id="t-1")
    assert await world.holds() == [("t-1", "held", RECEIVING.code)]
    assert await world.sql("SELECT id FROM transfers") == []
    await world.settle_intents()
    assert await world.holds() == [("t-1", "released", None)]


async def test_killed_while_settling_it_is_told_again(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    world.between.after[GrantHold] = Broken()
    with pytest.raises(Broken):
        await world.open(one, transfer_id="t-1")
    world.between.after[SettleHold] = Broken()
    with pytest.raises(Broken):
        await world.settle_intents()
    assert await world.settle_intents() == 1
    assert await world.holds() == [("t-1", "released", None)]


async def test_killed_in_a_rerouting_the_seat_goes_back(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    await world.registry.pupils(FIVE_FOUR, 3, 1, 20)
    opened = await world.open(one)
    world.between.after[GrantHold] = Broken()
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=FIVE_FOUR.code, reason="统筹安排"
    )
    with pytest.raises(Broken):
        await world.do(command)
    assert await world.holds() == [(opened.id, "held", FIVE_FOUR.code)]
    await world.settle_intents()
    assert await world.holds() == [(opened.id, "held", RECEIVING.code)]
    moved = await world.do(command)
    assert isinstance(moved, TransferView), moved
    assert await world.holds() == [(opened.id, "held", FIVE_FOUR.code)]


async def test_what_is_still_under_way_is_not_settled(world: TransferWorld) -> None:
    await pupils(world)
    async with world.db.transaction() as tx:
        connection = await driver(tx)
        await connection.execute("INSERT INTO hold_intents VALUES ('t-1', $1)", world.clock.now() - timedelta(hours=1))
    async with world.db.transaction() as tx:
        await (await driver(tx)).execute("SELECT FROM hold_intents FOR UPDATE")
        assert await world.settle_intents() == 0
    assert await world.settle_intents() == 1


async def test_the_registry_is_away_and_nothing_is_left(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    world.between.away = True
    reply = await world.open(one)
    assert isinstance(reply, Refused) and reply.kind == "unavailable"
    world.between.away = False
    assert isinstance(await world.open(one), TransferView)


async def test_events_that_come_twice_change_nothing(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    await world.through(opened.id)
    (approved,) = await world.events(TransferApproved)
    await world.registry.tell(approved)
    await world.registry.tell(approved)
    await world.carry()
    applied = await world.registry.events(ChangeApplied)
    assert len(applied) == 1
    await world.tell(applied[0])
    done = await world.seen(opened.id)
    assert done.state is TransferState.COMPLETED


async def stuck(world: TransferWorld) -> str:
    """Approved by all; the last class was filled by others between the last approval and the move."""
    one, *_ = await pupils(world, there=44)
    opened = await world.open(one)
    await world.through(opened.id)
    await world.registry.pupils(RECEIVING, 3, 1, 1)
    await world.carry()
    return str(opened.id)


async def test_what_could_not_be_carried_out_asks_for_somebody_and_goes_on(world: TransferWorld) -> None:
    case = await stuck(world)
    seen = await world.seen(case, OFFICER)
    assert seen.state is TransferState.NEEDS_ATTENTION
    assert seen.problem[0].code == "change.classes_full" and "retry" in seen.may
    (waiting,) = (await world.events(TransfersStand))[-1].cases
    assert (waiting.step, waiting.organisation) == ("attention", OFFICER.organisation)
    assert len(await world.registry.events(ChangeFailed)) == 1
    bare = await world.do(RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=case, override=True))
    assert isinstance(bare, Refused)
    retry = RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=case, override=True, reason="同意突破班额")
    again = await world.do(retry)
    assert again.state is TransferState.MOVING
    await world.carry()
    done = await world.seen(case, OFFICER)
    assert done.state is TransferState.COMPLETED
    await world.registry.whole()


@pytest.mark.clause("24.5.1")
async def test_each_word_of_what_becomes_of_it_is_newer_than_the_one_before(world: TransferWorld) -> None:
    """Tried again in vain and then beyond the standard size: while the record moves, it waits for nobody."""
    case = await stuck(world)
    retry = RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=case)
    await world.do(retry)
    await world.carry()
    await world.do(msgspec.structs.replace(retry, command_id=world.id(), override=True, reason="同意突破班额"))
    await world.carry()
    told = [one for event in await world.events(TransfersStand) for one in event.cases]
    assert [one.step for one in told[-5:]] == ["attention", None, "attention", None, None]
    versions = [one.version for one in told]
    assert versions == sorted(set(versions)), "whoever hears them in another order knows which holds"


async def test_given_up_the_pupil_stays_and_is_free_again(world: TransferWorld) -> None:
    case = await stuck(world)
    command = RetryTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=case, give_up=True, reason="家长同意留在原校"
    )
    ended = await world.do(command)
    assert ended.state is TransferState.WITHDRAWN
    await world.carry()
    assert await world.holds() == [(case, "released", None)]


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(("days", "ends"), [(-1, False), (0, True)])
async def test_a_case_that_nobody_goes_on_with_expires(world: TransferWorld, days: int, ends: bool) -> None:
    one, *_ = await pupils(world)
    opened = await world.open(one)
    stale = world.deps.policy.parameters("230000", world.clock.today()).transfer_stale_days
    world.clock.pass_(days=stale + days)
    assert await expiring.expire(world.kit, world.deps) == int(ends)
    await world.carry()
    seen = await world.seen(opened.id)
    assert seen.state is (TransferState.EXPIRED if ends else TransferState.OPEN)
    assert [state for _, state, _ in await world.holds()] == ["released" if ends else "held"]


async def test_corrected_and_sent_on_its_way_again(world: TransferWorld) -> None:
    one, two, _ = await pupils(world)
    opened = await world.open(one)
    returned = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="地址不全", asks=("residence",))
    papers = await world.papers(EvidenceKind.RESIDENCE)
    other = ResubmitTransfer(
        command_id=world.id(), actor=REGISTRAR, transfer_id=opened.id, version=returned.version,
        application=world.application(two, evidence=papers),
    )  # fmt: skip
    assert isinstance(await world.do(other), Refused)
    right = ResubmitTransfer(
        command_id=world.id(), actor=REGISTRAR, transfer_id=opened.id, version=returned.version,
        application=world.application(one, evidence=await world.papers(EvidenceKind.RESIDENCE)),
    )  # fmt: skip
    again = await world.do(right)
    assert isinstance(again, TransferView), again
    assert again.state is TransferState.OPEN and again.waits_for is Step.RECEIVING_AUTHORITY
    assert again.due_on is not None


@pytest.mark.clause("24.2.2")
async def test_killed_in_a_rerouting_and_the_old_seat_is_somebody_else_s(world: TransferWorld) -> None:
    """The last seat of the school; the re-routing gives it up, is killed, and another pupil takes it before it is settled."""
    one, two, _ = await pupils(world, there=44)
    await world.registry.pupils(FIVE_FOUR, 3, 1, 20)
    opened = await world.open(one)
    world.between.after[GrantHold] = Broken()
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=FIVE_FOUR.code, reason="统筹安排"
    )
    with pytest.raises(Broken):
        await world.do(command)
    other = await world.open(two)
    assert other.seat
    await world.settle_intents()
    seen = await world.seen(opened.id, OFFICER)
    assert (seen.seat, seen.waits_for) == (False, Step.RECEIVING_AUTHORITY)
    assert sorted((case, school) for case, _, school in await world.holds() if school) == [(other.id, RECEIVING.code)]
    plain = await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    assert isinstance(plain, Refused) and plain.findings[0].code == "seat.none"
    assert isinstance(await world.do(command), TransferView), "and it is sent elsewhere, as was meant"
