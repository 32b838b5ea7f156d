"""Giving and taking holds and seats; the tables at the end are all that other services ask of it.

These words come from services, never from a person (their rows in the table of acts are empty). Granting is repeated by
whoever did not hear the answer: the same case with the same `seq` gets what it has.
"""

from __future__ import annotations

import asyncpg
import msgspec
from regulation.authorisation import check
from regulation.mark import clause
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.holds import (
    ChangeFacts,
    FindRoom,
    GetChangeFacts,
    GrantHold,
    HoldGranted,
    RoomNearby,
    Seat,
    SettleHold,
)
from shared_contracts.messages import Command, Event, Query, word
from shared_contracts.outside_transfers import OutwardApproved
from shared_contracts.transfer import TransferApproved, TransferEnded
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.holds import applying, facts, leaving, policy, store
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records import views

PRIVATE = "private"


async def change_facts(work: RegistryWork, query: GetChangeFacts) -> ChangeFacts | Refused:
    if no := check(query.actor, word(query)):
        return no
    return await facts.change_facts(work, query)


async def room_nearby(work: RegistryWork, query: FindRoom) -> RoomNearby | Refused:
    if no := check(query.actor, word(query)):
        return no
    return await facts.room_nearby(work, query)


@clause("23", "24.2.2")
async def grant_hold(work: RegistryWork, command: GrantHold) -> HoldGranted | Refused:
    if no := check(command.actor, word(command)):
        return no
    if found := await _take(work, command):
        return refused("refused", f"{found.message}。{found.cure}。", found)
    if command.evidence:
        actor = msgspec.structs.replace(command.actor, organisation=command.organisation)
        attached = await evidence.attach(work, command.evidence, to=f"{command.kind}:{command.case_id}", actor=actor)
        if isinstance(attached, Refused):
            return attached
    hold = await store.of_case(work.tx, command.case_id)
    assert hold is not None
    return HoldGranted(case_id=command.case_id, seq=hold["seq"], seat=applying.seat_of(hold))


async def _take(work: RegistryWork, command: GrantHold) -> Finding | None:
    """What stands against it, after all that would change meanwhile is locked. The seat is in the pupil's own grade."""
    seat = command.seat
    row = await views.row_of(work.tx, command.student_id)
    if row is None or not row["live"]:
        return policy.must_be_here(None)
    if seat is not None:
        school = (await organisations.schools(work.tx, [seat.school])).get(seat.school)
        grade = row["grade"]
        if school is None or grade is None or school.stage_of(grade) is None:
            return policy.seat_left(0, over=False, school=seat.school, grade=grade or 0)
        await organisations.share(work.tx, [school.code])
        if found := await _against_seat(work, school, grade, seat, command.case_id):
            return found
    before = await store.of_case(work.tx, command.case_id, lock=True)
    if before is not None and before["seq"] >= command.seq:
        # The answer was lost on its way; or a newer word about the case was faster, and this one comes too late.
        return None if before["state"] == "held" else policy.must_be_here(None)
    taken = await store.put(
        work.tx,
        command.case_id,
        kind=command.kind,
        seq=command.seq,
        state="held",
        student_id=command.student_id,
        seat=seat,
        cohort_year=row["cohort"],
        now=work.now,
        first=before is None,
    )
    if taken:
        return None
    return policy.one_change_at_a_time(
        await store.held_by(work.tx, command.student_id, without=command.case_id) or command.kind
    )


@clause("11", "24.2.2", "24.5.3")
async def _against_seat(
    work: RegistryWork, school: SchoolFacts, grade: int, seat: Seat, case_id: str
) -> Finding | None:
    """Counted under lock: of the classes of the grade, of a private school before them the plan of its year, which new
    pupils take their places of, too. Whoever is to come by an operation that is under way sits in no class yet."""
    if frozen := await store.frozen(work.tx, [school.code]):
        return policy.is_frozen(frozen)
    if school.ownership == PRIVATE:
        await store.lock_plan(work.tx, school, grade, work.today)
    room = await facts.room_of(work, school, grade, case_id=case_id, lock=True)
    if school.ownership == PRIVATE:
        taken = room.pupils + room.held + room.admitted
        if found := policy.plan_place_left(room.plan_places, taken, school=school.code, grade=grade):
            return found
    return policy.seat_left(room.free, over=seat.over, school=school.code, grade=grade)


async def settle_hold(work: RegistryWork, command: SettleHold) -> HoldGranted | Refused:
    """The case as it was committed. A seat that it had before, and that the interrupted act had given up, is counted again:
    somebody else may have it now, and then the case is told that it has none."""
    if no := check(command.actor, word(command)):
        return no
    hold = await store.of_case(work.tx, command.case_id)
    row = await views.row_of(work.tx, hold["student_id"]) if hold and hold["student_id"] else None
    seat = await _seat_again(work, command, hold, row) if command.keep and hold and row else None
    hold = await store.of_case(work.tx, command.case_id, lock=True)
    if hold is not None and (hold["state"] != "held" or hold["seq"] > command.seq):
        return HoldGranted(case_id=command.case_id, seq=hold["seq"], seat=command.seat)
    await store.put(
        work.tx,
        command.case_id,
        kind=hold["kind"] if hold else "transfer",
        seq=command.seq,
        state="held" if command.keep and hold else "released",
        student_id=hold["student_id"] if hold else None,
        seat=seat,
        cohort_year=row["cohort"] if row else None,
        now=work.now,
    )
    return HoldGranted(case_id=command.case_id, seq=command.seq, seat=seat)


@clause("24.2.2")
async def _seat_again(work: RegistryWork, command: SettleHold, hold: asyncpg.Record, row: RowMapping) -> Seat | None:
    """The seat that the case says it has; None where it is not free any more."""
    seat, grade = command.seat, row["grade"]
    if seat is None or hold["seat_school"] == seat.school:
        return seat
    school = (await organisations.schools(work.tx, [seat.school])).get(seat.school)
    if school is None or grade is None or school.stage_of(grade) is None:
        return None
    return None if await _against_seat(work, school, grade, seat, command.case_id) else seat


async def transfer_ended(work: RegistryWork, event: TransferEnded) -> None:
    hold = await store.of_case(work.tx, event.transfer_id, lock=True)
    if hold is None or hold["state"] != "held":
        return
    await store.put(
        work.tx,
        event.transfer_id,
        kind=hold["kind"],
        seq=event.seq,
        state="released",
        student_id=hold["student_id"],
        seat=None,
        now=work.now,
    )


COMMANDS: dict[type[Command], CommandHandler] = {GrantHold: grant_hold, SettleHold: settle_hold}
QUERIES: dict[type[Query], QueryHandler] = {GetChangeFacts: change_facts, FindRoom: room_nearby}
EVENTS: dict[type[Event], EventHandler] = {
    TransferApproved: applying.transfer_approved,
    OutwardApproved: leaving.outward_approved,
    TransferEnded: transfer_ended,
}
