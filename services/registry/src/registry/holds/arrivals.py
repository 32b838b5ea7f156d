"""Children of other provinces whom a school expects: who they are, and what becomes of it when they are registered.

The hold of such a case has no student yet (`change_holds.expects`); `expected_arrivals` says who is expected where. It
changes under the lock of its hold. Whoever registers the child takes the place that was held: from then on it is counted in
its class, and the hold has none (`entered`), until the record is there (`arrived`) or the registration came to nothing
(`expect_again`). Locks: organisations, plans, admissions, the grade, holds; registrations before holds where both are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from regulation.mark import clause
from regulation.school_year import Stage, cohort, grade_of_cohort
from service_kit.database import driver
from service_kit.ids import new_id
from shared_contracts.actors import system
from shared_contracts.decisions import Refused
from shared_contracts.holds import ChangeApplied, ComingChild, Seat
from shared_contracts.identity import OTHERS_NUMBER, KnownPerson, KnownPersons, KnowPersons, PersonEntry

from registry.context import RegistryWork
from registry.enrolment import grounds
from registry.holds import store
from registry.holds.policy import ChildStanding
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records import views
from registry.registration.situation import registration_year

LEFT = "transferred_out"


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known here of a child. `student_id`, `record_grade`: of the record of one who has left, as of this year."""

    standing: ChildStanding
    student_id: str | None = None
    record_grade: int | None = None


async def known(work: RegistryWork, child: ComingChild, school: str, *, make: bool) -> KnownPerson | None:
    """Who has this document; with `make`, somebody has it afterwards, without any claim, and is found by the number of the
    other province once there is a record. None: identity takes no such document; with a finding: not with this number.
    Raises BusError where identity is away."""
    if not child.document_number.strip():
        return None
    entry = PersonEntry(
        row=1,
        name=child.name.strip(),
        sex=child.sex,
        birth_date=child.birth_date,
        document_kind=child.document_kind,
        document_number=child.document_number.strip(),
        area=child.area,
        former_number=child.former_number,
    )
    command = KnowPersons(
        command_id=new_id(), actor=system("registry"), organisation=school, rows=(entry,), make=make
    )  # fmt: skip
    reply: KnownPersons | Refused = await work.deps.bus.need(command)
    if isinstance(reply, Refused):
        return None
    (row,) = reply.rows
    return row if {finding.code for finding in row.findings} <= {OTHERS_NUMBER} else None


@clause("12", "15.2", "20.1", "23")
async def seen(
    work: RegistryWork, known: KnownPerson | None, grade: int, school: str, *, case_id: str | None = None
) -> Seen:
    """What is known here of the person; `case_id`: a case that does not count."""
    if known is None:
        return Seen(standing="unknown_document")
    if known.findings:
        return Seen(standing="others_number")
    student_id = record_grade = None
    person_id = known.person_id
    if known.holder is not None:
        row = await views.row_of(work.tx, known.holder.registration_id)
        if row is None or row["state"] != LEFT:
            return Seen(standing="registered")
        student_id, person_id = row["id"], row["person_id"]
        record_grade = grade_of_cohort(row["cohort"], registration_year(work.today))
    if person_id is None:
        return Seen(standing="free")
    facts = (await organisations.schools(work.tx, [school])).get(school)
    stage = facts.stage_of(grade) if facts is not None else None
    person = grounds.Person(person_id=person_id, stage=stage or Stage.PRIMARY, enters=False, division="", address="")
    found = await grounds.standings(work.tx, registration_year(work.today), [person])
    if stage is not None and found.finished_by(person) is not None:
        return Seen(standing="finished")
    there = found.expected.get(person_id)
    if there is not None and there["id"] != case_id:
        return Seen(standing="expected")
    if student_id is None:
        return Seen(standing="free")
    return Seen(standing="left", student_id=student_id, record_grade=record_grade)


async def put(
    work: RegistryWork,
    case_id: str,
    person_id: str,
    school: str,
    grade: int,
    seat: Seat | None,
    returns: str | None = None,
) -> bool:  # fmt: skip
    """The child is expected from now on, its hold is there. False where another case expects it: the index decides. What was
    asked for before under this case was interrupted, and this stands instead. `returns`: the record of one who had left."""
    connection = await driver(work.tx)
    await connection.execute("DELETE FROM expected_arrivals WHERE case_id = $1 AND NOT (open AND approved)", case_id)
    row = await connection.fetchrow(
        """INSERT INTO expected_arrivals (case_id, person_id, school, cohort, over, returns)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (person_id) WHERE open DO NOTHING RETURNING case_id""",
        case_id,
        person_id,
        school,
        cohort(grade, registration_year(work.today)),
        bool(seat and seat.over),
        returns,
    )
    return row is not None


async def of_case(work: RegistryWork, case_id: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = await (await driver(work.tx)).fetchrow(
        "SELECT * FROM expected_arrivals WHERE case_id = $1", case_id
    )
    return found


async def grade_of(work: RegistryWork, case_id: str) -> tuple[int, int] | None:
    """Grade of today and cohort: who is promoted while the case is open keeps the seat (24.6.2)."""
    row = await of_case(work, case_id)
    if row is None:
        return None
    return grade_of_cohort(row["cohort"], registration_year(work.today)), row["cohort"]


async def follow(work: RegistryWork, case_id: str, seat: Seat | None, *, open_: bool) -> None:
    """As the hold is now, which the caller has locked. A case without a seat expects the child where it did."""
    await (await driver(work.tx)).execute(
        """UPDATE expected_arrivals SET school = coalesce($2, school), over = $3, open = $4,
                                        approved = approved AND $4
           WHERE case_id = $1""",
        case_id,
        seat and seat.school,
        bool(seat and seat.over),
        open_,
    )


async def approve(work: RegistryWork, case_id: str, seat: Seat, placement: str) -> None:
    await (await driver(work.tx)).execute(
        "UPDATE expected_arrivals SET approved = true, school = $2, over = $3, placement = $4 WHERE case_id = $1",
        case_id,
        seat.school,
        seat.over,
        placement,
    )


async def close(work: RegistryWork, case_id: str) -> None:
    """Carried out: nobody is expected any more."""
    await (await driver(work.tx)).execute("UPDATE expected_arrivals SET open = false WHERE case_id = $1", case_id)


async def elsewhere(work: RegistryWork, person_id: str) -> bool:
    """Whether a case expects this child at this moment, though none did when the rules looked."""
    found: bool = await (await driver(work.tx)).fetchval(
        "SELECT EXISTS (SELECT FROM expected_arrivals WHERE person_id = $1 AND open)", person_id
    )
    return found


async def registered_otherwise(work: RegistryWork, case_id: str) -> bool:
    """Whether the child is being registered, or has a record, without this case: both began at the same moment."""
    found: bool = await (await driver(work.tx)).fetchval(
        """SELECT EXISTS (
               SELECT FROM expected_arrivals a
               JOIN registrations r ON r.person_id = a.person_id AND NOT r.closed
                                   AND r.id IS DISTINCT FROM a.registration_id
               WHERE a.case_id = $1 AND a.returns IS NULL)""",
        case_id,
    )
    return found


# Both rows: whoever has waited for the hold reads what is expected as it is then.
_LOCKED = """
SELECT h.case_id FROM change_holds h
JOIN unnest($1::text[], $2::text[]) AS n(case_id, registration_id) USING (case_id)
JOIN expected_arrivals a USING (case_id)
WHERE h.state = 'held' AND a.approved AND a.school = $3
  AND (a.registration_id IS NULL OR a.registration_id = n.registration_id)
ORDER BY h.case_id FOR UPDATE OF h, a
"""


@clause("24.6.1")
async def gone(work: RegistryWork, school: SchoolFacts, coming: Mapping[str, str]) -> set[str]:
    """Those of these cases that have ended since they were looked at; the others stay as they are until the transaction
    ends, and nobody counts the places of their grades meanwhile. `coming`: registration by case."""
    if not coming:
        return set()
    connection, year = await driver(work.tx), registration_year(work.today)
    rows = await connection.fetch(
        "SELECT DISTINCT cohort FROM expected_arrivals WHERE case_id = ANY($1::text[]) ORDER BY cohort", list(coming)
    )
    for row in rows:
        grade = grade_of_cohort(row["cohort"], year)
        if school.stage_of(grade) is not None:
            await store.lock_grade(work.tx, school.code, grade, work.today)
    locked = await connection.fetch(_LOCKED, list(coming), list(coming.values()), school.code)
    return set(coming) - {row["case_id"] for row in locked}


async def entered(work: RegistryWork, coming: Mapping[str, str]) -> None:
    """Registrations take the places that were held for their children, whose holds are locked (`gone`)."""
    if not coming:
        return
    connection = await driver(work.tx)
    await connection.execute(
        """UPDATE expected_arrivals a SET registration_id = n.registration_id
           FROM unnest($1::text[], $2::text[]) AS n(case_id, registration_id) WHERE a.case_id = n.case_id""",
        list(coming),
        list(coming.values()),
    )
    await connection.execute(
        """UPDATE change_holds SET seat_school = NULL, seat_cohort = NULL, seat_over = false
           WHERE case_id = ANY($1::text[])""",
        list(coming),
    )


async def _lock(connection: asyncpg.Connection[Any], cases: Sequence[str]) -> None:
    """Several at once in one order: whoever locks some of them too does not wait for us while we wait for him."""
    await connection.fetch(
        "SELECT FROM change_holds WHERE case_id = ANY($1::text[]) ORDER BY case_id FOR UPDATE", list(cases)
    )


async def expect_again(work: RegistryWork, cases: Sequence[str]) -> None:
    """Their registrations have come to nothing: the case holds the place again, unless it has ended meanwhile."""
    if not cases:
        return
    connection = await driver(work.tx)
    await _lock(connection, cases)
    await connection.execute(
        """UPDATE change_holds h SET seat_school = a.school, seat_cohort = a.cohort, seat_over = a.over
           FROM expected_arrivals a
           WHERE h.case_id = ANY($1::text[]) AND a.case_id = h.case_id AND h.state = 'held'""",
        list(cases),
    )
    await connection.execute(
        "UPDATE expected_arrivals SET registration_id = NULL WHERE case_id = ANY($1::text[])", list(cases)
    )


@clause("24.5.1")
async def arrived(work: RegistryWork, rows: Sequence[Any]) -> None:
    """Records are there (`records.store.register`): the cases by which some have come are carried out, those that had ended
    while the registration was on its way, too."""
    coming = {row["arrival"]: row for row in rows if row["arrival"] is not None}
    if not coming:
        return
    connection = await driver(work.tx)
    await _lock(connection, list(coming))
    await connection.execute(
        """UPDATE change_holds h SET state = 'applied', student_id = n.student_id, seat_school = NULL,
                                     seat_cohort = NULL, seat_over = false, went_to = n.school, went_cohort = n.cohort
           FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[]) AS n(case_id, student_id, school, cohort)
           WHERE h.case_id = n.case_id""",
        list(coming),
        [row["id"] for row in coming.values()],
        [row["school"] for row in coming.values()],
        [row["cohort"] for row in coming.values()],
    )
    await connection.execute(
        "UPDATE expected_arrivals SET open = false WHERE case_id = ANY($1::text[])", list(coming)
    )  # fmt: skip
    for case_id, row in coming.items():
        work.emit(
            ChangeApplied(
                case_id=case_id,
                kind="transfer",
                student_id=row["id"],
                school=row["school"],
                grade=row["grade"],
                class_no=row["class_no"],
                applied_on=work.today,
                number_kind=row["number_kind"],
            ),
            case_id,
        )
