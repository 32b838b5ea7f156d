"""A transfer from the application to the class in the new school, and every way on which it ends before (24.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from shared_contracts.decisions import Refused
from shared_contracts.transfer import (
    GetTransfer,
    ListTransfers,
    PrecheckTransfer,
    RerouteTransfer,
    Step,
    TransferPage,
    TransferPrechecked,
    TransfersStand,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
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
    done = await world.ask(GetTransfer(actor=REGISTRAR, transfer_id=opened.id))
    assert (done.state, done.class_no, [step.decision for step in done.timeline]) == (
        TransferState.COMPLETED, 1, ["approve"] * 3,
    )  # fmt: skip
    (row,) = await world.registry.sql("SELECT school FROM students WHERE id = $1", one)
    assert row["school"] == RECEIVING.code
    assert await world.holds() == [(opened.id, "applied", None)]
    await world.registry.whole()
