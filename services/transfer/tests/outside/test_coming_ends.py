"""A child from another province does not come after all: refused, expired, given up, broken off; everything is given back."""

from __future__ import annotations

from typing import Any

import pytest
from coming_world import ComingWorld, code
from outside_world import CLERK, SECOND_CLERK, THIRD_CLERK
from shared_contracts.holds import ExpectArrival
from shared_contracts.transfer import (
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
)
from transfer.cases import expiring
from transfer_world import SECOND_OFFICER, Broken

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("a_class")]


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", list(Step))
async def test_a_rejection_at_any_step_gives_the_place_and_the_child_back(world: ComingWorld, step: Step) -> None:
    opened = await world.come()
    for at in Step:
        decision = "reject" if at is step else "approve"
        more: dict[str, Any] = {"reason": "不同意"} if at is step else {}
        if at is Step.RECEIVING_AUTHORITY:
            reply = await world.decide(opened.id, at, decision, **more)
        else:
            who = SECOND_CLERK if at is Step.RELEASING_SCHOOL else THIRD_CLERK
            reply = await world.enter(opened.id, at, decision, who=who, **more)
        if at is step:
            break
    assert reply.state is TransferState.REJECTED
    await world.carry()
    assert await world.expected() == [(opened.id, "released", None, False, False)]
    assert isinstance(await world.come(), TransferView)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("approved", [False, True])
async def test_what_nobody_goes_on_with_expires_and_gives_all_back(world: ComingWorld, approved: bool) -> None:
    id_ = await world.approved_in() if approved else (await world.come()).id
    await world.carry()
    days = world.deps.policy.parameters("230000", world.clock.today()).transfer_stale_days
    world.clock.pass_(days=days - 1)
    assert await expiring.expire(world.kit, world.deps) == 0
    world.clock.pass_(days=1)
    assert await expiring.expire(world.kit, world.deps) == 1
    assert await expiring.expire(world.kit, world.deps) == 0
    await world.carry()
    assert (await world.seen(id_)).state is TransferState.EXPIRED
    assert await world.expected() == [(id_, "released", None, False, False)]
    assert await world.register(id_) is None
    assert (await world.last_stand()).organisation is None


@pytest.mark.clause("24.6.1")
async def test_what_expires_while_the_registration_is_on_its_way_is_done_all_the_same(world: ComingWorld) -> None:
    id_ = await world.approved_in()
    await world.carry()
    registration = await world.register(id_)
    assert registration is not None
    world.clock.pass_(days=world.deps.policy.parameters("230000", world.clock.today()).transfer_stale_days)
    assert await expiring.expire(world.kit, world.deps) == 1
    await world.carry()
    await world.number(registration)
    await world.carry()
    done = await world.seen(id_)
    assert (done.state, done.student_id) == (TransferState.COMPLETED, registration)


@pytest.mark.clause("24.2.2", "24.5.1")
@pytest.mark.parametrize("on_its_way", [False, True])
async def test_who_does_not_come_after_all_gives_the_place_back(world: ComingWorld, on_its_way: bool) -> None:
    """A registration that is on its way meanwhile is the school's to withdraw; its record completes the case."""
    id_ = await world.approved_in()
    await world.carry()
    registration = await world.register(id_) if on_its_way else None
    assert (await world.seen(id_, SECOND_OFFICER)).may == ("give_up",)
    assert (await world.seen(id_)).may == () == (await world.seen(id_, CLERK)).may

    def give_up(**more: Any) -> RetryTransfer:
        return RetryTransfer(command_id=world.id(), actor=SECOND_OFFICER, transfer_id=id_, **more)

    assert code(await world.do(give_up(override=True, reason="催办"))) == "conflict"
    assert code(await world.do(give_up(give_up=True))) == "case.reason_required"
    ended = await world.do(give_up(give_up=True, reason="监护人来电：不来了"))
    assert (ended.state, ended.may) == (TransferState.WITHDRAWN, ())
    await world.carry()
    if registration is None:
        assert await world.expected() == [(id_, "released", None, False, False)]
        assert isinstance(await world.come(), TransferView)
    else:
        await world.number(registration)
        await world.carry()
        assert (await world.seen(id_)).state is TransferState.COMPLETED


@pytest.mark.clause("23", "24.2.2")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_while_the_application_is_entered_leaves_nothing_held(world: ComingWorld, when: str) -> None:
    getattr(world.between, when)[ExpectArrival] = Broken()
    with pytest.raises(Broken):
        await world.come(transfer_id="t-1")
    await world.settle_intents()
    assert {state for _, state, _ in await world.holds()} <= {"released"}
    assert await world.sql("SELECT FROM transfers") == []
    assert isinstance(await world.come(), TransferView)
