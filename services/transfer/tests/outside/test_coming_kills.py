"""SIGKILL at the lines between the application for a child of another province and its record: one place, one child, one
record, or nothing of it (15.2, 23, 24.2.2, 24.5.1)."""

from __future__ import annotations

import pytest
from coming_world import ComingWorld
from kit_deadly import named
from outside_world import SECOND_CLERK, THIRD_CLERK
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.transfer import Step, TransferState, TransferView
from transfer_world import OFFICER, RECEIVING

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("a_class"),
    pytest.mark.clause("15.2"),
    pytest.mark.clause("23"),
    pytest.mark.clause("24.2.2"),
    pytest.mark.clause("24.5.1"),
]
ENTERING = [
    ("transfer.cases.holding:expect", "before"),
    ("registry.holds.store:put", "after"),
    ("registry.holds.arrivals:put", "after"),
    ("transfer.cases.holding:expect", "after"),
    ("transfer.outside.store:put", "after"),
    ("transfer.cases.telling:stands", "after"),
]
DECIDING = [
    ("transfer.cases.holding:grant", "after"),
    ("transfer.cases.acting:decide_cases", "before"),
    ("transfer.cases.acting:decide_cases", "after"),
    ("transfer.cases.telling:stands", "after"),
]
APPROVING = [("registry.holds.arrivals:approve", "before"), ("registry.holds.arrivals:approve", "after")]
REGISTERING = [
    ("registry.holds.arrivals:gone", "after"),
    ("registry.holds.arrivals:entered", "before"),
    ("registry.holds.arrivals:entered", "after"),
]
NUMBERING = [("registry.holds.arrivals:arrived", "before"), ("registry.holds.arrivals:arrived", "after")]
TOLD = [("transfer.outside.coming:registered", "before"), ("transfer.outside.coming:registered", "after")]


async def places(world: ComingWorld) -> int:
    """Of the grade that are taken: in its class, on the way into it, held."""
    (row,) = await world.registry.sql(
        """SELECT (SELECT count(*) FROM class_memberships WHERE left_on IS NULL)
                  + (SELECT count(*) FROM registrations WHERE NOT closed AND registered_at IS NULL)
                  + (SELECT count(*) FROM change_holds WHERE state = 'held' AND seat_school IS NOT NULL) AS n"""
    )
    return int(row["n"]) - 2


@pytest.mark.parametrize("place", ENTERING, ids=named)
async def test_killed_while_the_application_is_entered(world: ComingWorld, place: tuple[str, str]) -> None:
    given = await world.killed("come", "1", place, await world.papers(EvidenceKind.RESIDENCE))
    await world.settle_intents()
    assert {state for _, state, _ in await world.holds()} <= {"released"}
    assert await places(world) == 0
    assert await world.sql("SELECT FROM transfers") == [] == await world.sql("SELECT FROM outside_parties")
    papers = tuple(EvidenceGiven(evidence_id=one, kind=EvidenceKind.RESIDENCE) for one in given)
    # The same again: nothing is in its way.
    again = await world.come(1, transfer_id="t-1", command_id="c-1", evidence=papers)
    assert isinstance(again, TransferView), again
    assert await places(world) == 1


@pytest.mark.parametrize("place", DECIDING, ids=named)
async def test_killed_while_a_paper_is_entered(world: ComingWorld, place: tuple[str, str]) -> None:
    opened = await world.come()
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY, who=OFFICER)
    given = await world.killed("enter_release", opened.id, place)
    await world.settle_intents()
    assert await world.expected() == [(opened.id, "held", RECEIVING.code, True, False)]
    assert (await world.seen(opened.id)).waits_for is Step.RELEASING_SCHOOL
    again = await world.enter(opened.id, Step.RELEASING_SCHOOL, who=SECOND_CLERK, evidence=world.given(given))
    assert again.waits_for is Step.RELEASING_AUTHORITY
    assert isinstance(await world.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK), TransferView)


@pytest.mark.parametrize("place", APPROVING, ids=named)
async def test_killed_while_the_school_is_told(world: ComingWorld, place: tuple[str, str]) -> None:
    id_ = await world.approved_in()
    await world.killed("carry", id_, place)
    assert await world.expected() == [(id_, "held", RECEIVING.code, True, False)]
    await world.carry()
    assert await world.expected() == [(id_, "held", RECEIVING.code, True, True)]


@pytest.mark.parametrize("place", REGISTERING, ids=named)
async def test_killed_while_the_child_is_registered(world: ComingWorld, place: tuple[str, str]) -> None:
    id_ = await world.approved_in()
    await world.carry()
    await world.killed("register", id_, place)
    assert await places(world) == 1
    assert await world.expected() == [(id_, "held", RECEIVING.code, True, True)]
    assert await world.register(id_) is not None
    assert await places(world) == 1
    assert await world.expected() == [(id_, "held", None, True, True)]


@pytest.mark.parametrize("place", [*NUMBERING, *TOLD], ids=named)
async def test_killed_while_the_record_is_made_or_the_case_told(world: ComingWorld, place: tuple[str, str]) -> None:
    id_ = await world.approved_in()
    await world.carry()
    registration = await world.register(id_)
    assert registration is not None
    await world.agree_to(registration)
    if place in NUMBERING:
        await world.killed("issue", registration, place)
        assert await world.registry.sql("SELECT FROM students WHERE id = $1", registration) == []
        assert await world.expected() == [(id_, "held", None, True, True)]
        await world.issue(registration)
    else:
        await world.issue(registration)
        await world.killed("carry", id_, place)
        assert (await world.seen(id_)).state is TransferState.MOVING
    await world.carry()
    done = await world.seen(id_)
    assert (done.state, done.student_id) == (TransferState.COMPLETED, registration)
    assert await world.expected() == [(id_, "applied", None, False, True)]
    assert await places(world) == 1
