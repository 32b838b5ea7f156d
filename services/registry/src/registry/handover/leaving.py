"""What a record that leaves a school means for the paper: it has to follow, from wherever it lies (21.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.ids import derived

from registry.context import RegistryWork
from registry.handover import store
from registry.organisations import store as organisations


class Leaving(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`journal_seq`: of the entry by which the record left."""

    student_id: str
    journal_seq: int
    from_school: str
    to_school: str


@clause("21.2", "48")
async def records_left(work: RegistryWork, leaving: Sequence[Leaving], on: date) -> None:
    """One handover for all that went from one school to another on one day; in the transaction that moves them, under the
    students' locks. A constant number of statements.

    Where the paper has not left an earlier school yet it goes from there, and the former handover is nobody's any more; where
    the record comes back to it, nothing has to go anywhere.
    """
    if not leaving:
        return
    ids = [one.student_id for one in leaving]
    # Whoever hands papers over holds the handover alone, not the students: where they lie is looked at again under lock.
    seen = await _holders(work, ids)
    ways = {_id(one, on) for one in leaving} | {
        _id(msgspec.structs.replace(one, from_school=seen[one.student_id][0]), on)
        for one in leaving
        if one.student_id in seen
    }
    touched = sorted(ways | {handover_id for _, handover_id in seen.values()})
    await store.lock(work.tx, touched)
    there = await _holders(work, ids) if seen else {}
    owed = []
    for one in leaving:
        holder = there[one.student_id][0] if one.student_id in there else one.from_school
        if holder != one.to_school:
            owed.append(msgspec.structs.replace(one, from_school=holder))
    due = await _due(work, sorted({one.from_school for one in owed}))
    opened = {}
    for one in owed:
        opened[_id(one, on)] = {
            "id": _id(one, on),
            "from_school": one.from_school,
            "to_school": one.to_school,
            "left_on": on,
            **due[one.from_school],
        }
    passing = [
        {
            "student_id": one.student_id,
            "journal_seq": one.journal_seq,
            "handover_id": _id(one, on),
            "carried_by": "",
            "handed_by": "",
            "handed_account": "",
            "received_by": "",
            "received_account": "",
            "overtaken": False,
        }
        for one in owed
    ]
    if there:
        await store.overtake(work.tx, list(there))
    if owed:
        await store.put(work.tx, list(opened.values()), passing, work.now)
    await store.settle(work.tx, touched)


@clause("21.2", "48")
async def schools_changed(work: RegistryWork, schools: Sequence[str]) -> None:
    """Schools have ended, or are there again: of what they owe it is the new school's turn, or theirs."""
    await store.settle(work.tx, await store.lock_owed_by(work.tx, schools))


async def _holders(work: RegistryWork, students: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The school where a student's paper lies still that should have gone from there, and the handover that says so."""
    return {
        row["student_id"]: (row["from_school"], row["handover_id"])
        for row in await store.still_there(work.tx, students)
    }


def _id(one: Leaving, on: date) -> str:
    return derived("archive-handover", one.from_school, one.to_school, on.isoformat())


async def _due(work: RegistryWork, schools: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The clock of the receipt and its last day, by the parameters of the school that owes it."""
    found = await organisations.schools(work.tx, schools)
    clocks = {}
    for code in schools:
        division = found[code].division if code in found else PROVINCE
        days = work.deps.policy.parameters(division, work.today).archive_receipt_working_days
        last = work.deps.calendar.add_working_days(work.today, days).date
        clocks[code] = {"due_on": last, "clock_from": work.today, "clock_days": days}
    return clocks
