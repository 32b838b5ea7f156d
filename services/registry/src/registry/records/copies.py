"""What a school keeps of a student who has moved: the record as of that day, read-only, and no later (clause 21.2).

Copies are the school's own file: its registrar and principal see them, and the authorities above it. Class teachers do
not: their classes are of today.
"""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.authorisation import Target, may
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.actors import Actor
from shared_contracts.records import StudentView
from shared_contracts.registry import RegistrationView

from registry.context import RegistryWork
from registry.organisations import store as organisations


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed. `registration`: how the student was registered there; None for who came from another school."""

    student: StudentView
    registration: RegistrationView | None


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """`journal_seq`: the entry by which the student left, the last that this school sees."""

    school: str
    journal_seq: int
    as_of: date
    kept: Kept


def context(student_id: str, school: str, journal_seq: int) -> bytes:
    """What a sealed copy is bound to."""
    return f"copy:{student_id}:{school}:{journal_seq}".encode()


@clause("3.1", "21.2")
async def seen(work: RegistryWork, actor: Actor, act: str, student_id: str) -> Copy | None:
    """The newest copy that the actor may see."""
    for copy in await _of(work, student_id):
        record = await organisations.record(work.tx, copy.school)
        authority = None if record is None else record.organisation.authority
        if may(actor, act, Target(school=copy.school, authority=authority)):
            return copy
    return None


@clause("21.2")
async def left(work: RegistryWork, student_id: str, school: str) -> Copy | None:
    """The copy of a school that the student has left and not come back to."""
    now = await (await driver(work.tx)).fetchval("SELECT school FROM students WHERE id = $1", student_id)
    if now is None or now == school:
        return None
    return next((copy for copy in await _of(work, student_id) if copy.school == school), None)


async def _of(work: RegistryWork, student_id: str) -> list[Copy]:
    rows = await (await driver(work.tx)).fetch(
        """SELECT school, journal_seq, as_of, sealed FROM student_copies
           WHERE student_id = $1 ORDER BY journal_seq DESC""",
        student_id,
    )
    return [
        Copy(
            school=row["school"],
            journal_seq=row["journal_seq"],
            as_of=row["as_of"],
            kept=msgspec.json.decode(
                work.deps.cipher.open_bytes(row["sealed"], context(student_id, row["school"], row["journal_seq"])),
                type=Kept,
            ),
        )
        for row in rows
    ]
