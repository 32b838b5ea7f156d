"""A record is cancelled while a transfer of the same pupil is on its way: one of the two is carried out, the other case says
why it was not, and no hold and no seat is left (21.1, 22, 23, 24.2.2, 24.5.1).

Both are the registry's own handlers on two connections of a real database. Whoever comes first stands before its commit until
the other one waits for a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kit_waiting import waits_for_a_lock
from moving_world import MovingWorld
from registry.app import SERVICE as REGISTRY
from registry_world import AUTHORITY, SCHOOL, actor
from shared_contracts.actors import Role, system
from shared_contracts.clearing import CancellationView, DecideCancellation, Ground, ProposeCancellation
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import ChangeFailed, GrantHold, HoldGranted, Seat
from shared_contracts.transfer import (
    RetryTransfer,
    Step,
    TransferApproved,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer.app import SERVICE as TRANSFER
from transfer_world import OFFICER, RECEIVING, REGISTRAR, RELEASING, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("21.1", "22", "24.5.1")]

PROPOSER = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "cancel.officer")
LEADER = actor(Role.LEADER, AUTHORITY, "cancel.leader")


class Race:
    """A pupil whose transfer waits for its last approval, and whose cancellation waits for its leader."""

    def __init__(self, world: TransferWorld) -> None:
        self.world, self.registry = world, world.registry
        self.student = self.case = self.cancellation = ""

    async def begin(self, approvals: int = 2) -> None:
        self.student, *_ = await self.registry.pupils(RELEASING, 3, 1, 2)
        await self.registry.pupils(RECEIVING, 3, 1, 2)
        self.case = done(await self.world.open(self.student)).id
        for step in list(Step)[:approvals]:
            done(await self.world.decide(self.case, step))
        await self.propose()

    async def propose(self) -> None:
        papers = await self.world.papers(EvidenceKind.OTHER, organisation=AUTHORITY)
        self.cancellation = self.registry.id("cancellation")
        reply = await self.registry.do(
            ProposeCancellation(
                command_id=self.registry.id(), actor=PROPOSER, cancellation_id=self.cancellation, student_id=self.student,
                ground=Ground.FRAUD, reason="经查，入学材料系伪造", evidence=papers,
            )
        )  # fmt: skip
        assert isinstance(reply, CancellationView), reply

    def cancelling(self) -> DecideCancellation:
        return DecideCancellation(
            command_id=self.registry.id(), actor=LEADER, cancellation_id=self.cancellation, decision="approve"
        )

    async def approved(self) -> TransferApproved:
        """The last approval; what the registry is told by it."""
        assert done(await self.world.decide(self.case, Step.RELEASING_AUTHORITY)).state is TransferState.MOVING
        *_, event = await self.world.events(TransferApproved)
        found: TransferApproved = event
        return found

    async def seen(self) -> TransferView:
        return await self.world.seen(self.case, OFFICER)

    async def record(self) -> tuple[str, bool, str]:
        (row,) = await self.registry.sql("SELECT state, live, school FROM students WHERE id = $1", self.student)
        return tuple(row)

    async def nothing_is_left(self) -> None:
        """Nobody is held, and no place is taken but by pupils; journals and classes add up."""
        held = await self.registry.sql(
            "SELECT case_id FROM change_holds WHERE state = 'held' OR seat_school IS NOT NULL"
        )
        assert held == []
        await self.registry.whole()


@pytest.fixture
def race(world: TransferWorld) -> Race:
    return Race(world)


@asynccontextmanager
async def not_yet_committed(registry: MovingWorld, message: Any) -> AsyncIterator[Any]:
    """A handler has done its work and holds its locks; the commit comes at the end of the block."""
    async with registry.db.unit(registry.deps) as work:
        handlers: dict[Any, Any] = {**REGISTRY.commands, **REGISTRY.events}
        yield await handlers[type(message)](work, message)


async def meanwhile(world: TransferWorld, act: Awaitable[Any], sql: Any = None) -> asyncio.Task[Any]:
    """The act, which has come as far as a lock that somebody else has. `sql`: of its database, if not the registry's."""
    task = asyncio.ensure_future(act)
    await waits_for_a_lock(sql or world.registry.sql, task)
    return task


async def test_the_cancellation_comes_first(race: Race) -> None:
    await race.begin()
    event = await race.approved()
    async with not_yet_committed(race.registry, race.cancelling()) as cancelled:
        assert isinstance(cancelled, CancellationView) and cancelled.state == "cancelled"
        telling = await meanwhile(race.world, race.registry.tell(event))
    await telling
    assert await race.record() == ("cancelled", False, RELEASING.code)
    await race.nothing_is_left()
    await race.world.carry()
    seen = await race.seen()
    assert (seen.state, seen.class_no) == (TransferState.NEEDS_ATTENTION, None)
    (problem,) = seen.problem
    assert (problem.code, problem.clause) == ("change.record_ended", "21.1") and problem.cure
    again = done(await race.world.do(RetryTransfer(command_id=race.world.id(), actor=OFFICER, transfer_id=race.case)))
    assert again.state is TransferState.MOVING
    await race.world.carry()
    assert (await race.seen()).state is TransferState.NEEDS_ATTENTION, "and nobody moves it by trying again"
    await race.nothing_is_left()
    ended = RetryTransfer(
        command_id=race.world.id(), actor=OFFICER, transfer_id=race.case, give_up=True, reason="已注销"
    )
    assert done(await race.world.do(ended)).state is TransferState.WITHDRAWN
    await race.world.carry()
    await race.nothing_is_left()


async def test_the_transfer_comes_first(race: Race) -> None:
    await race.begin()
    event = await race.approved()
    async with not_yet_committed(race.registry, event):
        cancelling = await meanwhile(race.world, race.registry.do(race.cancelling()))
    refused = await cancelling
    assert isinstance(refused, Refused), refused
    (found,) = (one for one in refused.findings if one.outcome is Outcome.REFUSE)
    assert (found.code, found.clause) == ("cancel.moved_meanwhile", "22") and found.cure
    assert RECEIVING.name in found.message
    assert await race.record() == ("in_school", True, RECEIVING.code)
    await race.nothing_is_left()
    await race.world.carry()  # what the registry was told is told again, and changes nothing
    assert (await race.seen()).state is TransferState.COMPLETED
    (row,) = await race.registry.sql("SELECT status FROM cases WHERE id = $1", race.cancellation)
    assert row["status"] == "open", "it waits to be taken back, and to be proposed anew where the pupil is"


async def test_a_record_that_ends_before_the_last_approval_lets_the_seat_go(race: Race) -> None:
    """The case is told in whatever state it is: the next approval is refused, and whoever looks sees why."""
    await race.begin()
    cancelled = await race.registry.do(race.cancelling())
    assert cancelled.state == "cancelled"
    await race.nothing_is_left()
    await race.world.carry()
    seen = await race.seen()
    assert (seen.state, seen.seat, seen.waits_for) == (TransferState.OPEN, False, Step.RELEASING_AUTHORITY)
    assert [one.code for one in seen.problem] == ["change.record_ended"]
    refused = await race.world.decide(race.case, Step.RELEASING_AUTHORITY)
    assert isinstance(refused, Refused)
    assert [(one.code, one.clause) for one in refused.findings] == [("pupil.record_ended", "21.1")]
    assert refused.findings[0].cure
    back = WithdrawTransfer(command_id=race.world.id(), actor=REGISTRAR, transfer_id=race.case, reason="学籍已注销")
    assert done(await race.world.do(back)).state is TransferState.WITHDRAWN
    await race.world.carry()
    await race.nothing_is_left()


@pytest.mark.clause("23", "24.2.2")
async def test_the_last_approval_waits_for_what_it_is_told(race: Race) -> None:
    """The news of the record's end comes to the case between two of its acts, whichever is first."""
    await race.begin()
    assert (await race.registry.do(race.cancelling())).state == "cancelled"
    (failed,) = await race.registry.events(ChangeFailed)
    async with race.world.db.unit(race.world.deps) as work:
        await TRANSFER.events[ChangeFailed](work, failed)
        deciding = await meanwhile(race.world, race.world.decide(race.case, Step.RELEASING_AUTHORITY), race.world.sql)
    refused = await deciding
    assert isinstance(refused, Refused) and refused.findings[0].code == "pupil.record_ended"


@pytest.mark.clause("23", "24.2.2")
@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_nobody_is_held_whose_record_ends_at_that_moment(race: Race, cancelled_first: bool) -> None:
    """Neither sees the other's rows: whoever grants looks at the record, whoever ends it looks for a hold, after the lock."""
    registry = race.registry
    race.student, *_ = await registry.pupils(SCHOOL, 3, 1, 2)
    await registry.pupils(RECEIVING, 3, 1, 2)
    await race.propose()
    grant = GrantHold(
        command_id=registry.id(), actor=system("transfer"), case_id="t-1", kind="transfer", seq=1,
        student_id=race.student, organisation=RECEIVING.code, seat=Seat(school=RECEIVING.code),
    )  # fmt: skip
    if cancelled_first:
        async with not_yet_committed(registry, race.cancelling()):
            asking = await meanwhile(race.world, registry.do(grant))
        refused = await asking
        assert isinstance(refused, Refused)
        assert [(one.code, one.clause) for one in refused.findings] == [("change.no_record", "21.1")]
    else:
        async with not_yet_committed(registry, grant) as granted:
            assert isinstance(granted, HoldGranted)
            cancelling = await meanwhile(race.world, registry.do(race.cancelling()))
        assert (await cancelling).state == "cancelled"
        (told,) = await registry.events(ChangeFailed)
        assert (told.case_id, told.kind) == ("t-1", "transfer")
    assert (await race.record())[:2] == ("cancelled", False)
    await race.nothing_is_left()


def done(reply: Any) -> TransferView:
    assert isinstance(reply, TransferView), reply
    return reply
