"""A school goes to another authority: its open transfers go along, what was approved stays approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from moving_world import CITY
from registry_world import AUTHORITY, actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.organisations import ChangeSupervision, OrganisationsChanged
from shared_contracts.transfer import Step, TransfersStand, TransferState
from transfer.cases import following
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, RELEASING, SECOND_OFFICER, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.5.1"), pytest.mark.clause("44")]
THERE = actor(Role.AUTHORITY_OFFICER, CITY, "city.new.officer")
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")


async def opened(world: TransferWorld) -> Any:
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    return await world.open(one)


async def goes(world: TransferWorld, school: str, authority: str = CITY) -> None:
    reply = await world.registry.do(
        ChangeSupervision(
            command_id=world.id("command"), actor=CITY_OFFICER, code=school, authority=authority,
            reason="道里发〔2026〕1号", effective_from=world.clock.today(),
        )
    )  # fmt: skip
    assert not isinstance(reply, Refused), reply
    await world.carry()


async def test_who_had_to_decide_has_to_no_more_and_the_new_authority_has_days_of_its_own(world: TransferWorld) -> None:
    view = await opened(world)
    world.clock.pass_(days=5)
    await goes(world, RECEIVING.code)
    assert isinstance(await world.decide(view.id, Step.RECEIVING_AUTHORITY), Refused)
    there = await world.seen(view.id, THERE)
    assert (there.waits_for, there.to_authority) == (Step.RECEIVING_AUTHORITY, CITY)
    assert there.due_on > view.due_on
    assert (there.timeline[-1].decision, there.timeline[-1].reason) == ("reroute", following.REASON)
    (told,) = (await world.events(TransfersStand))[-1].cases
    assert (told.case_id, told.organisation, told.due_on) == (view.id, CITY, there.due_on)
    on = await world.decide(view.id, Step.RECEIVING_AUTHORITY, who=THERE)
    assert on.waits_for is Step.RELEASING_SCHOOL


async def test_what_the_former_authority_has_approved_stays_approved(world: TransferWorld) -> None:
    view = await opened(world)
    on = await world.decide(view.id, Step.RECEIVING_AUTHORITY)
    await goes(world, RECEIVING.code)
    there = await world.seen(view.id, THERE)
    assert (there.waits_for, there.due_on, there.to_authority) == (Step.RELEASING_SCHOOL, on.due_on, CITY)
    assert [step.decision for step in there.timeline] == ["approve"]
    await world.decide(view.id, Step.RELEASING_SCHOOL)
    done = await world.decide(view.id, Step.RELEASING_AUTHORITY)
    assert done.state is TransferState.MOVING
    await world.carry()
    assert (await world.seen(view.id, THERE)).state is TransferState.COMPLETED


async def test_both_schools_go_and_only_what_waits_is_asked_anew(world: TransferWorld) -> None:
    view = await opened(world)
    await world.decide(view.id, Step.RECEIVING_AUTHORITY)
    await world.decide(view.id, Step.RELEASING_SCHOOL)
    await goes(world, RECEIVING.code)
    await goes(world, RELEASING.code)
    assert isinstance(await world.decide(view.id, Step.RELEASING_AUTHORITY, who=SECOND_OFFICER), Refused)
    there = await world.seen(view.id, THERE)
    assert (there.waits_for, there.to_authority, there.from_authority) == (Step.RELEASING_AUTHORITY, CITY, CITY)
    done = await world.decide(view.id, Step.RELEASING_AUTHORITY, who=THERE)
    assert done.state is TransferState.MOVING


async def test_what_was_returned_goes_to_the_new_authority_when_it_is_sent_again(world: TransferWorld) -> None:
    view = await opened(world)
    await world.decide(view.id, Step.RECEIVING_AUTHORITY, "return", asks=("phone",), reason="电话打不通")
    await goes(world, RECEIVING.code)
    there = await world.seen(view.id, THERE)
    assert (there.state, there.to_authority, there.due_on) == (TransferState.RETURNED, CITY, None)


async def test_what_cannot_be_carried_out_is_the_new_authority_s_to_settle(world: TransferWorld) -> None:
    view = await opened(world)
    await world.through(view.id)
    await world.sql("UPDATE transfers SET outcome = 'attention' WHERE id = $1", view.id)
    world._carried["transfer"] = (await world.sql("SELECT max(seq) FROM outbox"))[0][
        0
    ]  # the registry never hears of it
    (before,) = (await world.events(TransfersStand))[-1].cases
    await goes(world, RECEIVING.code)
    (told,) = (await world.events(TransfersStand))[-1].cases
    assert (told.organisation, told.version) == (CITY, before.version + 1), "newer than what was told before"


async def test_what_has_ended_stays_with_who_had_it(world: TransferWorld) -> None:
    view = await opened(world)
    await world.decide(view.id, Step.RECEIVING_AUTHORITY, "reject", reason="材料不实")
    await goes(world, RECEIVING.code)
    (row,) = await world.sql("SELECT to_authority FROM transfers")
    assert row["to_authority"] == AUTHORITY


async def test_a_step_that_was_late_was_late_with_who_had_it(world: TransferWorld) -> None:
    view = await opened(world)
    world.clock.pass_(days=30)
    await goes(world, RECEIVING.code)
    (row,) = await world.sql("SELECT case_id, organisation FROM late_steps")
    assert tuple(row) == (view.id, AUTHORITY)


async def test_told_twice_or_too_late_it_goes_once(world: TransferWorld) -> None:
    view = await opened(world)
    await goes(world, RECEIVING.code)
    after = await world.seen(view.id, THERE)
    rows = await world.registry.sql("SELECT payload FROM outbox ORDER BY seq")
    told = [bytes(row["payload"]) for row in rows if b"organisations_changed" in bytes(row["payload"])]
    for payload in told:
        await world.tell(msgspec.json.decode(payload, type=OrganisationsChanged))
    assert await world.seen(view.id, THERE) == after
    assert await following.catch_up(world.kit, world.deps) == 0


async def test_a_case_that_was_being_opened_meanwhile_is_caught_up_with(world: TransferWorld) -> None:
    view = await opened(world)
    await world.sql("UPDATE organisation_replica SET authority = $2 WHERE code = $1", RECEIVING.code, CITY)
    assert await following.catch_up(world.kit, world.deps) == 0, "the news may still be on its way"
    world.clock.moment += following.SETTLED + timedelta(seconds=1)
    assert await following.catch_up(world.kit, world.deps) == 1
    assert await following.catch_up(world.kit, world.deps) == 0
    assert (await world.seen(view.id, THERE)).to_authority == CITY
    assert isinstance(await world.decide(view.id, Step.RECEIVING_AUTHORITY, who=OFFICER), Refused)
    assert (await world.seen(view.id, PRINCIPAL)).waits_for is Step.RECEIVING_AUTHORITY
