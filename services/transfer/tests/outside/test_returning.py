"""A pupil who had left for another province comes back: to the record that there is, and nobody is registered anew."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from coming_world import ComingWorld, child, code
from kit_deadly import named
from outside_world import THIRD_CLERK
from registry_world import PROVINCE
from shared_contracts.holds import ComingChild
from shared_contracts.transfer import (
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
)
from transfer_world import OFFICER, RECEIVING, RELEASING

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("a_class")]
RETURNING = [
    ("registry.records.custody:pass_records", "before"),
    ("registry.records.custody:pass_records", "after"),
    ("registry.holds.store:whose", "after"),
    ("registry.holds.returning:come_back", "after"),
]


async def pupil(world: ComingWorld) -> tuple[str, ComingChild]:
    """One of ours, and the same as another province will one day send it back."""
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    return one, child(document_number=f"no:{one}", birth_date=date(2018, 5, 5))


@pytest.mark.clause("15.2", "15.4", "21.2")
async def test_who_had_left_comes_back_to_the_record_that_there_is(world: ComingWorld) -> None:
    one, who = await pupil(world)
    assert code(await world.come(child=who, number="")) == "arrival.registered"
    await world.gone(one)
    await world.carry()
    assert (await world.student(one))["state"] == "transferred_out"
    other = await world.come(child=msgspec.structs.replace(who, birth_date=date(2017, 5, 5)), number="", grade=4)
    assert "arrival.other_grade" in [found.code for found in other.findings]
    opened = await world.come(child=who, number="")
    assert isinstance(opened, TransferView) and "arrival.returns" in [found.code for found in opened.findings]
    assert code(await world.come(child=who, number="")) == "arrival.expected"
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    await world.enter(opened.id, Step.RELEASING_SCHOOL)
    await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK)
    assert (await world.student(one))["state"] == "transferred_out"
    for _ in range(2):
        await world.carry_again()
    row = await world.student(one)
    assert (row["state"], row["live"], row["school"], row["keeper"]) == ("in_school", True, RECEIVING.code, None)
    done = await world.seen(opened.id)
    assert (done.state, done.student_id, done.class_no) == (TransferState.COMPLETED, one, 1)
    assert await world.expected() == [(opened.id, "applied", None, False, False)]
    entries = await world.registry.sql("SELECT kind, clause FROM journal WHERE student_id = $1 ORDER BY seq", one)
    assert [entry["kind"] for entry in entries] == ["registered", "transferred_out", "returned"]
    assert await world.registry.sql("SELECT FROM registrations") == [], "nobody is registered anew"
    await world.registry.whole()


@pytest.mark.clause("15.2", "24.5.1")
async def test_a_return_that_comes_to_nothing_leaves_the_record_where_it_was(world: ComingWorld) -> None:
    one, who = await pupil(world)
    await world.gone(one)
    await world.carry()
    opened = await world.come(child=who, number="")
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "reject", reason="材料不实")
    await world.carry()
    assert (await world.student(one))["school"] == PROVINCE
    id_ = await world.approved_in(child=who, number="")
    await world.registry.pupils(RECEIVING, 3, 1, 43)  # whatever was held is taken by others meanwhile
    await world.carry()
    found = await world.seen(id_, OFFICER)
    assert (found.state, found.problem[0].code) == (TransferState.NEEDS_ATTENTION, "change.classes_full")
    again = RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=id_, override=True, reason="确有困难")
    assert (await world.do(again)).state is TransferState.MOVING
    await world.carry()
    assert (await world.seen(id_)).state is TransferState.COMPLETED
    await world.registry.whole()


@pytest.mark.clause("15.2", "23", "24.2.2", "24.5.1")
@pytest.mark.parametrize("place", RETURNING, ids=named)
async def test_killed_while_an_old_record_is_opened_again(world: ComingWorld, place: tuple[str, str]) -> None:
    one, who = await pupil(world)
    await world.gone(one)
    await world.carry()
    id_ = await world.approved_in(child=who, number="")
    await world.killed("carry", id_, place)
    row = await world.student(one)
    assert (row["live"], row["state"]) == (False, "transferred_out"), "all of it, or nothing"
    assert await world.expected() == [(id_, "held", RECEIVING.code, True, False)]
    await world.carry()
    row = await world.student(one)
    assert (row["live"], row["school"]) == (True, RECEIVING.code)
    assert (await world.seen(id_)).state is TransferState.COMPLETED
    rows = await world.registry.sql("SELECT FROM journal WHERE student_id = $1 AND kind = 'returned'", one)
    assert len(rows) == 1
    await world.registry.whole()
