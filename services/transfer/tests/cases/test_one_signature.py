"""Where one authority supervises both schools (24.5.1): two persons, or one signature for both steps where it says so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.transfer import Step, TransferApproved, TransferState
from transfer_world import OFFICER, RECEIVING, RELEASING, TransferWorld, one_signature_from

pytestmark = pytest.mark.integration


async def signed_by_the_officer(world: TransferWorld) -> Any:
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    opened = await world.open(one)
    return await world.decide(opened.id, Step.RECEIVING_AUTHORITY)


@pytest.mark.clause("24.5.1")
async def test_one_signature_serves_both_steps_and_both_stay(world: TransferWorld) -> None:
    one_signature_from(world, date(2026, 1, 1))
    signed = await signed_by_the_officer(world)
    assert signed.waits_for is Step.RELEASING_SCHOOL  # the other school has its say first
    last = await world.decide(signed.id, Step.RELEASING_SCHOOL)
    assert last.state is TransferState.MOVING
    await world.carry()
    done = await world.seen(signed.id, OFFICER)
    assert done.state is TransferState.COMPLETED
    assert [(step.step, step.decision) for step in done.timeline] == [(step, "approve") for step in Step]
    assert done.timeline[0].account_name == done.timeline[2].account_name != ""
    assert "两个环节均有效" in done.timeline[2].reason
    rows = await world.sql(
        "SELECT account, role, details FROM case_decisions WHERE case_id = $1 ORDER BY seq", signed.id
    )
    assert [(row["account"], row["role"]) for row in rows][2] == (OFFICER.account, Role.AUTHORITY_OFFICER)
    assert rows[2]["details"] == {"signature_of": 1}
    (approved,) = await world.events(TransferApproved)
    assert approved.actor == OFFICER.account


@pytest.mark.clause("24.5.1")
async def test_a_signature_serves_what_it_served_on_the_day_it_was_given(world: TransferWorld) -> None:
    one_signature_from(world, world.clock.today() + timedelta(days=1))
    signed = await signed_by_the_officer(world)
    world.clock.pass_(days=1)
    on = await world.decide(signed.id, Step.RELEASING_SCHOOL)
    assert (on.state, on.waits_for) == (TransferState.OPEN, Step.RELEASING_AUTHORITY)


@pytest.mark.clause("24.5.1")
async def test_otherwise_another_person_of_the_authority_signs(world: TransferWorld) -> None:
    signed = await signed_by_the_officer(world)
    on = await world.decide(signed.id, Step.RELEASING_SCHOOL)
    assert on.waits_for is Step.RELEASING_AUTHORITY
    refused = await world.decide(signed.id, Step.RELEASING_AUTHORITY, who=OFFICER)
    assert isinstance(refused, Refused)
    assert [f.code for f in refused.findings] == ["case.same_person"]
