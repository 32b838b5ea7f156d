"""Carrying an approved change out: the record goes, a copy stays, the seat becomes a place in a class (21.2, 24.5.1).

All in the transaction of the event that asks for it, or nothing. What stands in the way is told to the case, which shows it
to somebody: never a silent half, never an error that comes back for ever.
"""

from __future__ import annotations

from typing import Any

import asyncpg
from regulation.mark import clause
from regulation.school_year import cohort, grade_of_cohort
from shared_contracts.decisions import Finding
from shared_contracts.holds import ChangeApplied, ChangeFailed, ChangeKind, HoldGranted, Seat
from shared_contracts.records import CustodyPassed
from shared_contracts.transfer import TransferApproved
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.holds import policy, store
from registry.moving import rooms
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records import custody, kinds, views, writing
from registry.records.store import class_key
from registry.registration.policy import registration_year
from registry.study_places import store as study_places

TRANSFERRED = "transferred"
STUDY_ELSEWHERE = "study_elsewhere"


@clause("21.2", "24.5.1")
async def transfer_approved(work: RegistryWork, event: TransferApproved) -> None:
    schools = await organisations.shared(work.tx, {event.from_school, event.to_school})
    target = schools.get(event.to_school)
    grade = await _grade(work, event)
    if target is not None:
        await store.lock_grade(work.tx, target.code, grade, work.today)
    hold = await store.of_case(work.tx, event.transfer_id, lock=True)
    if hold is not None and hold["state"] == "applied":
        return None  # told already
    row = await views.row_of(work.tx, event.student_id, lock=True)
    found = _against(event, hold, row, target, grade, await store.frozen(work.tx, [event.from_school, event.to_school]))
    if found or target is None or row is None:
        return fail(work, event.transfer_id, found)
    if not event.record_moves:
        return await _study_elsewhere(work, event, target, grade)
    class_no = await class_with_room(work, target, grade, over=event.over)
    if class_no is None:
        standard = work.deps.policy.parameters(target.division, work.today).class_size(_stage(target, grade))
        return fail(work, event.transfer_id, (policy.no_class_left(standard),))
    return await _move(work, event, row, target, grade, class_no)


async def _grade(work: RegistryWork, event: TransferApproved) -> int:
    """The pupil's grade today: who was promoted since the case was opened goes on in the next one (24.6.2)."""
    hold = await store.of_case(work.tx, event.transfer_id)
    if hold is None or hold["seat_cohort"] is None:
        row = await views.row_of(work.tx, event.student_id)
        return int(row["grade"]) if row is not None and row["grade"] else event.grade
    return grade_of_cohort(hold["seat_cohort"], registration_year(work.today))


def _against(
    event: TransferApproved,
    hold: asyncpg.Record | None,
    row: RowMapping | None,
    target: SchoolFacts | None,
    grade: int,
    frozen: list[str],
) -> tuple[Finding, ...]:
    if hold is None or row is None:
        return (policy.no_record(),)
    return policy.cannot_apply(
        held=hold["state"] == "held",
        live=row["live"],
        at=row["school"],
        expected=event.from_school,
        target_open=target is not None,
        has_grade=target is not None and target.stage_of(grade) is not None,
        frozen=frozen,
    )


@clause("11", "24.2.2")
async def class_with_room(work: RegistryWork, school: SchoolFacts, grade: int, *, over: bool) -> int | None:
    """The smallest class of the grade; above the standard size only where the authority has allowed it."""
    stage = _stage(school, grade)
    standard = work.deps.policy.parameters(school.division, work.today).class_size(stage)
    sizes = await rooms.sizes(work.tx, school.code, stage, cohort(grade, registration_year(work.today)))
    if not sizes:
        return None
    smallest = min(sizes, key=lambda number: (sizes[number], number))
    return smallest if over or sizes[smallest] < standard else None


@clause("21.2", "24.4")
async def _move(
    work: RegistryWork, event: TransferApproved, row: RowMapping, target: SchoolFacts, grade: int, class_no: int
) -> None:
    """The placement goes along as the case says (24.4); whoever studied elsewhere until now studies where the record is."""
    stage = _stage(target, grade)
    placement = event.placement or row["placement"]
    content = {
        "transfer": event.transfer_id,
        "number": event.number,
        "overridden": list(event.overridden),
        "from_school": row["school"],
        "to_school": target.code,
        **kinds.changed(
            {name: row[name] for name in ("school", "stage", "grade", "class_no", "placement")},
            {
                "school": target.code,
                "stage": str(stage),
                "grade": grade,
                "class_no": class_no,
                "placement": placement,
            },
        ),
    }
    passing = custody.Passing(
        student_id=event.student_id,
        school=target.code,
        stage=stage,
        class_id=class_key(target.code, stage, cohort(grade, registration_year(work.today)), class_no),
        placement=placement,
        content=content,
    )
    await study_places.end_with_the_record(work.tx, event.student_id, work.today)
    await custody.pass_records(work, [passing], kind=TRANSFERRED, clause_id="24.5.1", on=work.today, actor=event.actor)
    work.emit(
        CustodyPassed(
            registration_id=event.student_id,
            person_id=row["person_id"],
            from_school=row["school"],
            to_school=target.code,
        ),
        event.student_id,
    )
    await _done(work, event, target.code, grade, class_no, went=(target.code, row["cohort"]))


@clause("24.4")
async def _study_elsewhere(work: RegistryWork, event: TransferApproved, target: SchoolFacts, grade: int) -> None:
    """学籍保留在原学校: only the place of study changes, and the journal says so."""
    content: dict[str, Any] = {"transfer": event.transfer_id, "number": event.number, "school_of_study": target.code}
    change = writing.Change(
        student_id=event.student_id,
        kind=STUDY_ELSEWHERE,
        clause="24.4",
        legal_date=work.today,
        content=content,
        actor=event.actor,
    )
    await writing.record(work, [change])
    await study_places.begin(work.tx, event.student_id, target.code, event.transfer_id, work.today)
    await _done(work, event, target.code, grade, None)


async def _done(
    work: RegistryWork,
    event: TransferApproved,
    school: str,
    grade: int,
    class_no: int | None,
    went: tuple[str, int] | None = None,
) -> None:
    await done(
        work, event.transfer_id, event.seq, event.student_id, school=school, grade=grade, class_no=class_no, went=went
    )


async def done(
    work: RegistryWork,
    case_id: str,
    seq: int,
    student_id: str,
    *,
    school: str,
    grade: int,
    class_no: int | None = None,
    went: tuple[str, int] | None = None,
    number_kind: str = "",
) -> None:
    """The hold is carried out, and the case is told. `went`: school and cohort that the record has gone to; `number_kind`: of
    one who comes back from another province."""
    await store.applied(work.tx, case_id, seq, went)
    work.emit(
        ChangeApplied(
            case_id=case_id,
            kind="transfer",
            student_id=student_id,
            school=school,
            grade=grade,
            class_no=class_no,
            applied_on=work.today,
            number_kind=number_kind,
        ),
        case_id,
    )


@clause("22", "23", "24.2.2")
async def let_go(work: RegistryWork, student_id: str) -> None:
    """The student's record has ended, under its lock: no open change holds it or has a seat any more, and its case is told.

    The caller has locked the hold before the student (the order of locks); one that was granted between the two is seen here,
    since whoever grants looks at the record under lock (`store.lives`)."""
    hold = await store.of_student_held(work.tx, student_id)
    if hold is None:
        return
    await store.released(work.tx, hold["case_id"])
    fail(work, hold["case_id"], (policy.record_ended(),), hold["kind"])


def fail(work: RegistryWork, case_id: str, findings: tuple[Finding, ...], kind: ChangeKind = "transfer") -> None:
    work.emit(ChangeFailed(case_id=case_id, kind=kind, findings=findings), case_id)


def _stage(school: SchoolFacts, grade: int) -> Any:
    stage = school.stage_of(grade)
    assert stage is not None
    return stage


def granted(hold: asyncpg.Record) -> HoldGranted:
    """What a case has, as it stands."""
    return HoldGranted(case_id=hold["case_id"], seq=hold["seq"], seat=seat_of(hold))


def seat_of(hold: asyncpg.Record) -> Seat | None:
    """The seat that a hold has."""
    if hold["seat_school"] is None:
        return None
    return Seat(school=hold["seat_school"], over=hold["seat_over"])
