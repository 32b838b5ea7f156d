"""Expecting a child of another province for a case: the hold with its seat, and the word that the school may register it."""

from __future__ import annotations

import msgspec
from regulation.authorisation import check
from regulation.mark import clause
from regulation.school_year import cohort
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.holds import ExpectArrival, GrantHold, HoldGranted, Seat
from shared_contracts.messages import word
from shared_contracts.outside_transfers import InwardApproved

from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.holds import applying, arrivals, policy, returning, seats, store
from registry.organisations import store as organisations
from registry.registration.policy import registration_year


@clause("15.2", "20.1", "23", "24.2.2")
async def expect_arrival(work: RegistryWork, command: ExpectArrival) -> HoldGranted | Refused:
    if no := check(command.actor, word(command)):
        return no
    there, hold = await arrivals.of_case(work, command.case_id), await store.of_case(work.tx, command.case_id)
    # Asked for again under a newer word, before anybody has approved: what was interrupted may have been another child's.
    older = hold is not None and hold["seq"] < command.seq
    if there is None or not there["open"] or (older and not there["approved"]):
        found = await _expect(work, command)
        if isinstance(found, Finding):
            return refused("refused", f"{found.message}。{found.cure}。", found)
        if command.evidence:
            actor = msgspec.structs.replace(command.actor, organisation=command.organisation)
            attached = await evidence.attach(work, command.evidence, to=f"transfer:{command.case_id}", actor=actor)
            if isinstance(attached, Refused):
                return attached
        there = await arrivals.of_case(work, command.case_id)
    hold = await store.of_case(work.tx, command.case_id)
    if hold is None or there is None or hold["state"] != "held":  # let go by a newer word about the case
        ended = policy.no_record()
        return refused("refused", f"{ended.message}。{ended.cure}。", ended)
    return HoldGranted(
        case_id=command.case_id, seq=hold["seq"], seat=applying.seat_of(hold), person_id=there["person_id"]
    )


async def _expect(work: RegistryWork, command: ExpectArrival) -> Finding | None:
    """What stands against it; None: the child is expected."""
    known = await arrivals.known(work, command.child, command.organisation, make=True)
    seen = await arrivals.seen(work, known, command.grade, command.organisation, case_id=command.case_id)
    said = policy.may_be_expected(seen.standing, record_grade=seen.record_grade, grade=command.grade)
    if said is not None and said.outcome is Outcome.REFUSE:
        return said
    assert known is not None
    person_id = known.person_id or (known.holder.person_id if known.holder else None)
    assert person_id is not None
    school = (await organisations.shared(work.tx, [command.organisation])).get(command.organisation)
    if school is None or school.stage_of(command.grade) is None:
        return policy.no_seat(command.organisation, command.grade)
    if frozen := await store.frozen(work.tx, [school.code]):
        return policy.is_frozen(frozen)
    seat = command.seat
    if seat is not None and (found := await seats.against_seat(work, school, command.grade, seat, command.case_id)):
        return found
    before = await store.of_case(work.tx, command.case_id, lock=True)
    if before is not None and before["seq"] >= command.seq:  # a newer word about the case was faster
        return None if before["state"] == "held" else policy.no_record()
    await store.put(
        work.tx,
        command.case_id,
        kind="transfer",
        seq=command.seq,
        state="held",
        student_id=None,
        expects=True,
        seat=seat,
        cohort_year=cohort(command.grade, registration_year(work.today)),
        now=work.now,
        first=before is None,
    )
    if await arrivals.put(
        work, command.case_id, person_id, school.code, command.grade, seat, returns=seen.student_id
    ):  # fmt: skip
        return None
    return policy.may_be_expected("expected")


@clause("24.2.2", "24.5.2")
async def seat_again(work: RegistryWork, command: GrantHold) -> HoldGranted | Finding:
    """A case that expects a child already: another seat, or more papers. What stands against it, or what it has."""
    seat, of = command.seat, await arrivals.grade_of(work, command.case_id)
    if of is None:
        return policy.no_record()
    grade, cohort_year = of
    if seat is not None:
        school = (await organisations.shared(work.tx, [seat.school])).get(seat.school)
        if school is None or school.stage_of(grade) is None:
            return policy.no_seat(seat.school, grade)
        if found := await seats.against_seat(work, school, grade, seat, command.case_id):
            return found
    before = await store.of_case(work.tx, command.case_id, lock=True)
    if before is None or before["state"] != "held":
        return policy.no_record()
    if before["seq"] >= command.seq:
        return applying.granted(before)
    await store.put(
        work.tx,
        command.case_id,
        kind=command.kind,
        seq=command.seq,
        state="held",
        student_id=None,
        expects=True,
        seat=seat,
        cohort_year=cohort_year,
        now=work.now,
    )
    await arrivals.follow(work, command.case_id, seat, open_=True)
    return HoldGranted(case_id=command.case_id, seq=command.seq, seat=seat)


@clause("19", "20.1", "24.5.1", "24.6.1")
async def inward_approved(work: RegistryWork, event: InwardApproved) -> None:
    """The school may register the child; who had left has a record, which goes there."""
    school = (await organisations.shared(work.tx, [event.to_school])).get(event.to_school)
    if (lock := await arrivals.grade_of(work, event.transfer_id)) is not None:
        await store.lock_grade(work.tx, event.to_school, lock[0], work.today)
    hold = await store.of_case(work.tx, event.transfer_id, lock=True)
    row = await arrivals.of_case(work, event.transfer_id)
    if hold is not None and hold["state"] == "applied":
        return  # told already
    found: tuple[Finding, ...] = ()
    of = await arrivals.grade_of(work, event.transfer_id)
    if hold is None or hold["state"] != "held" or row is None or of is None:
        found = (policy.no_record(),)
    elif await arrivals.registered_otherwise(work, event.transfer_id):
        found = tuple(filter(None, (policy.may_be_expected("registered"),)))
    else:
        found = policy.cannot_apply(
            held=True,
            live=True,
            at="",
            expected="",
            target_open=school is not None,
            has_grade=school is not None and school.stage_of(of[0]) is not None,
            frozen=await store.frozen(work.tx, [event.to_school]),
        )
    if found or row is None or of is None or school is None:
        applying.fail(work, event.transfer_id, found)
        return
    if row["returns"] is not None:
        await returning.come_back(work, event, row["returns"], school, of[0])
        return
    await arrivals.approve(work, event.transfer_id, Seat(school=event.to_school, over=event.over), event.placement)
