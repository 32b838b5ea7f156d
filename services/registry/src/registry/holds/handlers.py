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
    ExpectArrival,
    FindRoom,
    GetChangeFacts,
    GrantHold,
    HoldGranted,
    RoomNearby,
    Seat,
    SettleHold,
)
from shared_contracts.messages import Command, Event, Query, word
from shared_contracts.outside_transfers import InwardApproved, OutwardApproved
from shared_contracts.transfer import TransferApproved, TransferEnded

from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.holds import applying, arrivals, expecting, facts, leaving, policy, seats, store
from registry.organisations import store as organisations
from registry.records import views


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
    take = _take(work, command) if command.student_id is not None else expecting.seat_again(work, command)
    taken = await take
    if isinstance(taken, Finding):
        return refused("refused", f"{taken.message}。{taken.cure}。", taken)
    if command.evidence:
        actor = msgspec.structs.replace(command.actor, organisation=command.organisation)
        attached = await evidence.attach(work, command.evidence, to=f"{command.kind}:{command.case_id}", actor=actor)
        if isinstance(attached, Refused):
            return attached
    return taken


async def _take(work: RegistryWork, command: GrantHold) -> HoldGranted | Finding:
    """What stands against it, after all that would change meanwhile is locked, or what the case has now. The seat is in the
    pupil's own grade."""
    seat = command.seat
    assert command.student_id is not None
    row = await views.row_of(work.tx, command.student_id)
    if row is None or not row["live"]:
        return policy.no_record()
    if seat is not None:
        school = (await organisations.shared(work.tx, [seat.school])).get(seat.school)
        grade = row["grade"]
        if school is None or grade is None or school.stage_of(grade) is None:
            return policy.no_seat(seat.school, grade or 0)
        if found := await seats.against_seat(work, school, grade, seat, command.case_id):
            return found
    before = await store.of_case(work.tx, command.case_id, lock=True)
    if before is not None and before["seq"] >= command.seq:
        # The answer was lost on its way; or a newer word about the case was faster, and this one comes too late.
        return applying.granted(before) if before["state"] == "held" else policy.no_record()
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
    if not taken:
        kind = await store.held_by(work.tx, command.student_id, without=command.case_id)
        return policy.one_change_at_a_time(kind or command.kind)
    # Looked at once more, after the hold stands: whoever ended the record meanwhile has seen no hold to let go of.
    if found := policy.must_be_here(await store.lives(work.tx, command.student_id)):
        return found
    return HoldGranted(case_id=command.case_id, seq=command.seq, seat=seat)


async def settle_hold(work: RegistryWork, command: SettleHold) -> HoldGranted | Refused:
    """The case as it was committed. A seat that it had before, and that the interrupted act had given up, is counted again:
    somebody else may have it now, and then the case is told that it has none."""
    if no := check(command.actor, word(command)):
        return no
    hold = await store.of_case(work.tx, command.case_id)
    of = await _whose(work, hold)
    seat = await _seat_again(work, command, hold, of[0]) if command.keep and hold and of else None
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
        expects=hold["expects"] if hold else False,
        seat=seat,
        cohort_year=of[1] if of else None,
        now=work.now,
    )
    if hold is not None and hold["expects"]:
        await arrivals.follow(work, command.case_id, seat, open_=command.keep)
    return HoldGranted(case_id=command.case_id, seq=command.seq, seat=seat)


async def _whose(work: RegistryWork, hold: asyncpg.Record | None) -> tuple[int | None, int] | None:
    """Grade and cohort of whoever a hold is of; None where nobody is."""
    if hold is None:
        return None
    if hold["expects"]:
        return await arrivals.grade_of(work, hold["case_id"])
    row = await views.row_of(work.tx, hold["student_id"]) if hold["student_id"] else None
    return None if row is None else (row["grade"], row["cohort"])


@clause("24.2.2")
async def _seat_again(work: RegistryWork, command: SettleHold, hold: asyncpg.Record, grade: int | None) -> Seat | None:
    """The seat that the case says it has; None where it is not free any more."""
    seat = command.seat
    if seat is None or hold["seat_school"] == seat.school:
        return seat
    school = (await organisations.schools(work.tx, [seat.school])).get(seat.school)
    if school is None or grade is None or school.stage_of(grade) is None:
        return None
    return None if await seats.against_seat(work, school, grade, seat, command.case_id) else seat


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
        expects=hold["expects"],
        seat=None,
        now=work.now,
    )
    if hold["expects"]:
        await arrivals.follow(work, event.transfer_id, None, open_=False)


COMMANDS: dict[type[Command], CommandHandler] = {
    GrantHold: grant_hold,
    ExpectArrival: expecting.expect_arrival,
    SettleHold: settle_hold,
}
QUERIES: dict[type[Query], QueryHandler] = {GetChangeFacts: change_facts, FindRoom: room_nearby}
EVENTS: dict[type[Event], EventHandler] = {
    TransferApproved: applying.transfer_approved,
    OutwardApproved: leaving.outward_approved,
    InwardApproved: expecting.inward_approved,
    TransferEnded: transfer_ended,
}
