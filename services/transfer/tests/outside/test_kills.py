"""SIGKILL at the lines between another province's paper and the record's end: no pupil in two schools or in none (24.5.1)."""

from __future__ import annotations

import pytest
from kit_deadly import named
from outside_world import CLERK, SECOND_CLERK, OutsideWorld
from shared_contracts.transfer import Step, TransferState, TransferView
from transfer_world import RELEASING

pytestmark = [
    pytest.mark.integration,
    pytest.mark.clause("21.2"),
    pytest.mark.clause("23"),
    pytest.mark.clause("24.5.1"),
]

ENTERING = [
    ("transfer.cases.holding:grant", "before"),
    ("registry.holds.store:put", "after"),
    ("transfer.cases.holding:grant", "after"),
    ("transfer.outside.store:put", "after"),
    ("transfer.cases.telling:stands", "after"),
]
DECIDING = [
    ("transfer.cases.holding:grant", "after"),
    ("transfer.cases.acting:decide_cases", "before"),
    ("transfer.cases.acting:decide_cases", "after"),
    ("transfer.cases.telling:stands", "after"),
]
CARRYING = [
    ("registry.records.custody:pass_records", "before"),
    ("registry.records.custody:_leave_copies", "after"),
    ("registry.records.custody:pass_records", "after"),
    ("registry.holds.store:gone_outside", "before"),
    ("registry.holds.store:gone_outside", "after"),
    ("registry.holds.applying:done", "after"),
]


async def stands(world: OutsideWorld, student: str) -> tuple[bool, int]:
    """Whether the record is live in its school, and whether the pupil is written down as being elsewhere."""
    row = await world.student(student)
    places = await world.registry.sql("SELECT FROM outside_places WHERE student_id = $1", student)
    (seats,) = await world.registry.sql(
        "SELECT count(*) AS n FROM class_memberships WHERE student_id = $1 AND left_on IS NULL", student
    )
    here = row["live"] and row["school"] == RELEASING.code
    assert bool(here) == (seats["n"] == 1) == (len(places) == 0), "in two schools, or in none"
    return here, len(places)


@pytest.mark.parametrize("place", ENTERING, ids=named)
async def test_killed_while_the_application_is_entered(world: OutsideWorld, place: tuple[str, str]) -> None:
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    given = await world.killed("leave", one, place)
    await world.settle_intents()
    assert await stands(world, one) == (True, 0)
    assert {state for _, state, _ in await world.holds()} <= {"released"}
    assert await world.sql("SELECT FROM transfers") == [] == await world.sql("SELECT FROM outside_parties")
    # The same again: nothing is in its way.
    again = await world.leave(one, transfer_id="t-1", command_id="c-1", evidence=world.given(given))
    assert isinstance(again, TransferView), again
    assert await world.holds() == [("t-1", "held", None)]


@pytest.mark.parametrize("place", DECIDING, ids=named)
async def test_killed_while_a_decision_is_entered(world: OutsideWorld, place: tuple[str, str]) -> None:
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    opened = await world.leave(one)
    given = await world.killed("enter", opened.id, place)
    await world.settle_intents()
    assert await world.holds() == [(opened.id, "held", None)]
    seen = await world.seen(opened.id, SECOND_CLERK)
    assert (seen.waits_for, seen.timeline) == (Step.RECEIVING_AUTHORITY, ())
    again = await world.enter(
        opened.id, Step.RECEIVING_AUTHORITY, command_id="c-2", evidence=world.given(given)
    )  # fmt: skip
    assert (again.waits_for, len(again.timeline)) == (Step.RELEASING_SCHOOL, 1)


@pytest.mark.parametrize("place", CARRYING, ids=named)
async def test_killed_while_the_record_leaves(world: OutsideWorld, place: tuple[str, str]) -> None:
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    id_ = await world.gone(one)
    await world.killed("carry", id_, place)
    assert await stands(world, one) == (True, 0), "all of it, or nothing"
    assert await world.holds() == [(id_, "held", None)]
    await world.carry()
    assert await stands(world, one) == (False, 1)
    done = await world.seen(id_, CLERK)
    assert done.state is TransferState.COMPLETED
    rows = await world.registry.sql("SELECT FROM journal WHERE student_id = $1 AND kind = 'transferred_out'", one)
    copies = await world.registry.sql("SELECT FROM student_copies WHERE student_id = $1", one)
    assert (len(rows), len(copies)) == (1, 1)
    await world.registry.whole()


async def test_an_approval_that_comes_twice_changes_nothing(world: OutsideWorld) -> None:
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    await world.gone(one)
    await world.carry()
    await world.carry_again()
    assert await stands(world, one) == (False, 1)
    rows = await world.registry.sql("SELECT FROM journal WHERE student_id = $1 AND kind = 'transferred_out'", one)
    assert len(rows) == 1
