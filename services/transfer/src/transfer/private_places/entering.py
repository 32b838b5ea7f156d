"""How a case comes onto a list, and what a list means for it: what the case's own handlers call."""

from __future__ import annotations

import msgspec
from regulation.drawing import new_code
from regulation.mark import clause
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.holds import ChangeFacts, School

from transfer.context import TransferWork
from transfer.private_places import policy, store
from transfer.rules.case import PRIVATE, Intake


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A case is on a list and has no seat before the result. `code`: for the guardian; `finding`: kept with the case."""

    round_id: str
    number: str
    code: str
    finding: Finding


async def intake_of(work: TransferWork, school: School, grade: int, *, case_id: str | None = None) -> Intake | None:
    """What the rules of 24.5.3 need to know of a private school's grade; None of a public one. `case_id`: its own seat does
    not count against it."""
    if school.ownership != PRIVATE:
        return None
    stage = policy.stage_in(school, grade)
    if stage is None:
        return None
    year = policy.year_of(work.today)
    return await store.intake(work.tx, school.code, stage, grade, year, without=case_id)


@clause("24.5.4")
async def list_of(work: TransferWork, facts: ChangeFacts) -> Finding | None:
    """What a list means for somebody who asks beforehand: until when one may apply, or that there is none. None: nothing is
    to be waited for."""
    school, pupil = facts.to, facts.pupil
    if school is None or school.ownership != PRIVATE or pupil is None or pupil.grade is None:
        return None
    row = (await store.running(work.tx, school.code, pupil.grade)).get(pupil.grade)
    closes_on = row["closes_on"] if row is not None and row["state"] == "open" else None
    return policy.may_join(closes_on, work.today, school.name, pupil.grade)


@clause("24.5.4")
async def enter(work: TransferWork, transfer_id: str, facts: ChangeFacts) -> Waiting | Refused | None:
    """Put a case that is being opened on the open list of its school and grade; in the transaction that opens it.

    None: the school is a public one, nothing is to be waited for. Refused: it is private and no list is open. The case gets
    no seat now, whatever is free: `cases.seating.give_seat` gives it to those who have won. A repeat finds the same place
    on the list.
    """
    school = facts.to
    if school is None or school.ownership != PRIVATE or facts.pupil is None or facts.pupil.grade is None:
        return None
    grade = facts.pupil.grade
    row = await store.open_round(work.tx, school.code, grade)
    found = policy.may_join(row["closes_on"] if row else None, work.today, school.name, grade)
    if row is None or found.outcome is Outcome.REFUSE:
        return refused("refused", f"{found.message}。{found.cure}。", found)
    taken = await store.codes(work.tx, row["id"])
    while True:
        values = {
            "round_id": row["id"],
            "transfer_id": transfer_id,
            "code": new_code(taken),
            "entered_at": work.now,
            "listed": False,
            "problem": "",
        }
        await store.put_application(work.tx, values)
        there = await store.application_of(work.tx, transfer_id)
        if there is not None:  # otherwise somebody else has got that code in this moment
            return Waiting(round_id=there["round_id"], number=there["number"], code=there["code"], finding=found)


@clause("24.3.1", "24.5.4")
async def may_be_seated(work: TransferWork, transfer_id: str, school: str) -> Finding | None:
    """What keeps the authority from giving a case a place in `school` by its own word: the case is on that school's list and
    has not won. None where it is on no list of that school."""
    there = await store.application_of(work.tx, transfer_id)
    if there is None or there["school"] != school:
        return None
    return policy.may_be_seated(there["outcome"], there["number"])
