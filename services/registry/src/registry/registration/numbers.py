"""What identity says of numbers, applied to registrations and students (clauses 15.3, 15.4).

A batch of 500 costs the same few statements as one. Everything is checked under lock, so that the same news twice, or
two pieces of news at once, change nothing twice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from regulation.mark import clause
from shared_contracts.identity import (
    Issued,
    NumberKind,
    NumbersIssued,
    NumbersUpgraded,
    Verification,
    VerificationChanged,
)
from shared_contracts.records import StudentRegistered, StudentsRegistered
from shared_contracts.registry import CorrectionsNeeded

from registry.context import RegistryWork
from registry.holds import arrivals
from registry.records import journal, kinds
from registry.records import store as records
from registry.records.store import Changed, NewStudent
from registry.registration import completion, store

log = logging.getLogger(__name__)

ACTOR = "system:identity"
"""Who the journal names for what a number's coming changes."""

CORRECTIONS = {
    Verification.NAME_MISMATCH: "姓名与公安人口信息不一致。请按户口簿核对姓名；确有差错的，撤回本条并重新录入",
    Verification.SEX_MISMATCH: "性别与公安人口信息不一致。请按户口簿核对性别；确有差错的，撤回本条并重新录入",
    Verification.BIRTH_DATE_MISMATCH: "出生日期与公安人口信息不一致。请以户籍和出生证明为准核对（第四十条）",
}


class NotYet(Exception):
    """News of a student who is not there yet: the news before it is still on its way. Tried again later."""


@clause("15.1", "15.3")
async def numbers_issued(work: RegistryWork, event: NumbersIssued) -> None:
    """The authority has approved, the number is there: the record begins."""
    numbers = {issued.registration_id: issued for issued in event.numbers}
    locked = await store.lock_approved(work.tx, list(numbers))
    fresh = [row for row in locked if row["student_number"] is None and row["status"] == "approved"]
    astray = len(numbers) - sum(row["status"] == "approved" for row in locked)
    if astray:
        log.error("numbers for %d registrations that are not approved here: left alone", astray)
    if not fresh:
        return
    students = [_new_student(numbers[row["id"]]) for row in fresh]
    rows = await records.register(work.tx, students, work.now, work.today)
    await records.append(work.tx, [_first_entry(work, row) for row in rows])
    verifications = {row["id"]: (row["school"], numbers[row["id"]].verification) for row in rows}
    await _note_corrections(work, {key: said for key, said in verifications.items() if said[1].correctable})
    by_school: defaultdict[str, list[StudentRegistered]] = defaultdict(list)
    for row in rows:
        by_school[row["school"]].append(
            StudentRegistered(
                student_id=row["id"],
                person_id=row["person_id"],
                registration_id=row["id"],
                number_kind=NumberKind(row["number_kind"]),
            )
        )
    for school, registered in by_school.items():
        work.emit(StudentsRegistered(school=school, students=tuple(registered)), school)
    await arrivals.arrived(work, rows)
    await completion.arrive(work, [row["roster_id"] for row in rows])


@clause("15.4")
async def numbers_upgraded(work: RegistryWork, event: NumbersUpgraded) -> None:
    """L became G: the record shows the G, the L stays as a former number, the journal says when."""
    numbers = {issued.registration_id: issued for issued in event.numbers}
    locked = await _students(work, numbers)
    changed = [row for row in locked if numbers[row["id"]].masked != row["student_number"]]
    await records.change_numbers(
        work.tx, [_change(numbers[row["id"]], row["student_number"]) for row in changed], work.now
    )
    entries = [
        journal.entry(
            row["id"],
            (row["journal_seq"], row["journal_hash"]),
            kind=kinds.NUMBER_UPGRADED,
            clause="15.4",
            legal_date=work.today,
            recorded_at=work.now,
            actor=ACTOR,
            content=kinds.changed(
                {name: row[name] for name in ("student_number", "number_kind", "verification")},
                {
                    "student_number": numbers[row["id"]].masked,
                    "number_kind": str(numbers[row["id"]].kind),
                    "verification": str(numbers[row["id"]].verification),
                },
                former_number=row["student_number"],
            ),
        )
        for row in changed
    ]
    await records.append(work.tx, entries)
    await _note_corrections(work, {row["id"]: (row["school"], numbers[row["id"]].verification) for row in changed})


@clause("15.3")
async def verification_changed(work: RegistryWork, event: VerificationChanged) -> None:
    """Another answer without another number: a mismatch is for the school to clear up, its end clears it."""
    numbers = {issued.registration_id: issued for issued in event.numbers}
    locked = await _students(work, numbers)
    changed = [row for row in locked if numbers[row["id"]].verification != row["verification"]]
    await records.change_numbers(work.tx, [_change(numbers[row["id"]], None) for row in changed], work.now)
    entries = [
        journal.entry(
            row["id"],
            (row["journal_seq"], row["journal_hash"]),
            kind=kinds.VERIFICATION_CHANGED,
            clause="15.3",
            legal_date=work.today,
            recorded_at=work.now,
            actor=ACTOR,
            content=kinds.changed(
                {"verification": row["verification"]}, {"verification": str(numbers[row["id"]].verification)}
            ),
        )
        for row in changed
    ]
    await records.append(work.tx, entries)
    await _note_corrections(work, {row["id"]: (row["school"], numbers[row["id"]].verification) for row in changed})


async def _students(work: RegistryWork, numbers: dict[str, Issued]) -> Sequence[Any]:
    locked = await records.lock_students(work.tx, list(numbers))
    if len(locked) < len(numbers):
        raise NotYet(f"{len(numbers) - len(locked)} of {len(numbers)} students are not registered yet")
    return locked


async def _note_corrections(work: RegistryWork, verifications: dict[str, tuple[str, Verification]]) -> None:
    """`verifications`: school and outcome by registration."""
    texts = {key: CORRECTIONS.get(verification) for key, (_, verification) in verifications.items()}
    if not texts:
        return
    await store.set_corrections(work.tx, texts)
    needed: defaultdict[str, list[tuple[str, Verification]]] = defaultdict(list)
    for key, (school, verification) in verifications.items():
        if verification.correctable:
            needed[school].append((key, verification))
    for school, registrations in needed.items():
        work.emit(CorrectionsNeeded(school=school, registrations=tuple(registrations)), school)


def _new_student(issued: Issued) -> NewStudent:
    return NewStudent(
        registration_id=issued.registration_id,
        kind=issued.kind,
        masked=issued.masked,
        verification=issued.verification,
    )


def _change(issued: Issued, former: str | None) -> Changed:
    return Changed(
        student_id=issued.registration_id,
        kind=issued.kind,
        masked=issued.masked,
        verification=issued.verification,
        former=former,
    )


def _first_entry(work: RegistryWork, row: Any) -> journal.Entry:
    content = {
        name: row[name]
        for name in (
            "school", "stage", "school_year", "grade", "class_no", "class_id", "placement", "kind", "enrolled_month",
            "decision_id", "roster_id", "student_number", "number_kind", "verification",
        )
    }  # fmt: skip
    if row["arrival"] is not None:
        content["transfer"] = row["arrival"]
    return journal.entry(
        row["id"],
        (0, journal.GENESIS),
        kind=kinds.REGISTERED,
        clause="15.1",
        legal_date=work.today,
        recorded_at=work.now,
        actor=ACTOR,
        content=content,
    )
