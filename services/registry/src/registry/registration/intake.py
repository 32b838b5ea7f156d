"""Admission: claimed persons with an accepted form become registrations, set-based, a chunk at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from casework.state import opened
from casework.store import NewCase, open_cases
from regulation.mark import clause
from regulation.school_year import Stage, cohort
from service_kit.database import driver, insert_rows
from shared_contracts.actors import Role
from shared_contracts.decisions import Decision, Finding
from shared_contracts.discreet import Discreet
from shared_contracts.registry import RegistrationState, Step, StepReached

from registry.classes import store as rooms
from registry.clearing.duplicates import store as duplicates
from registry.context import RegistryWork
from registry.enrolment.plans import store as plans
from registry.holds import arrivals
from registry.moving import rooms as moving
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records.store import Klass, class_id
from registry.registration import completion, entering, store, tables
from registry.registration.chain import chain
from registry.registration.policy import Kind, Placement, registration_year
from registry.worklist.changes import registrations_changed

# The locks in their order: registrations before counters.
_ADMITTED = f"""
    , counted AS ({completion.SET_OUT}), arrived AS ({duplicates.ARRIVE}) SELECT id FROM made
"""  # noqa: S608 - constants


class Admission(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted pupil whose person this registration has claimed (identity.ClaimPersons).

    `masked_members`: (slot, masked document number). `form_blob`: the form without document numbers, JSON
    sealed by the field cipher with `form_context(registration_id)`; None where the caller writes it.
    `entered_by`: the registrar's account. `admission_id`: the admission that stands behind it and has a place already.
    `arrival`: the transfer from another province that does so.
    """

    registration_id: str
    roster_id: str | None
    row: int | None
    person_id: str
    masked_document: str
    masked_members: tuple[tuple[int, str], ...]
    name: str
    sex: str
    birth_date: date
    document_kind: str
    overseas: str
    disability: str
    grade: int
    class_no: int
    placement: Placement
    enrolled_month: str
    kind: Kind
    form_blob: bytes | None
    decision: Decision
    entered_by: str
    admission_id: str | None = None
    arrival: str | None = None

    @property
    def takes_place(self) -> bool:
        """A new pupil whom no admission has given a place before."""
        return self.kind == "new" and self.admission_id is None


def form_context(registration_id: str) -> bytes:
    """What a sealed form is bound to; the student record keeps the registration's id and blob."""
    return f"form:{registration_id}".encode()


@clause("4.3")
async def seat(
    work: RegistryWork, school: SchoolFacts, admissions: Sequence[Admission], on: date | None = None
) -> tuple[list[Admission], list[Admission]]:
    """Those that have a place, in the order given, and those for whom there is none left. Never one over.

    The plans stay locked until the end of the transaction, which admits the former. An admission that has ended meanwhile
    gives no place: whoever came with it needs one as everybody else. Nor does a transfer from another province that has
    ended: its child has no ground any more. Raises SchoolChanged.
    """
    if not admissions:
        return [], []
    await organisations.hold(work.tx, school)
    new = [admission for admission in admissions if admission.kind == "new"]
    year = registration_year(on or work.today)
    left: dict[Stage, int] = {}
    for stage in sorted({stage for grade in {a.grade for a in new} if (stage := school.stage_of(grade))}):
        plan = await plans.hold(work.tx, school.code, year, stage)
        left[stage] = 0 if plan is None else await plans.free(work.tx, plan)
    gone = await arrivals.gone(
        work, school, {a.arrival: a.registration_id for a in admissions if a.arrival is not None}
    )
    if not new and not gone:
        return list(admissions), []
    given = [admission.admission_id for admission in new if admission.admission_id is not None]
    still = await store.lock_admissions(work.tx, given, school.code)
    fitting, beyond = [], []
    for admission in admissions:
        if admission.arrival in gone:
            beyond.append(admission)
            continue
        if admission.admission_id is not None and admission.admission_id not in still:
            admission = msgspec.structs.replace(admission, admission_id=None)  # noqa: PLW2901
        if admission.takes_place:
            stage_left = school.stage_of(admission.grade)
            if stage_left is None or left[stage_left] <= 0:
                beyond.append(admission)
                continue
            left[stage_left] -= 1
        fitting.append(admission)
    return fitting, beyond


@clause("11", "13.1", "15.1")
async def admit(
    work: RegistryWork,
    school: SchoolFacts,
    admissions: Sequence[Admission],
    on: date | None = None,
    *,
    held: bool = False,
) -> int:
    """Registrations, cases and missing classes for claimed persons; a repeat makes nothing twice.

    Returns how many are new. Seven statements at most, whatever their number, and one a grade where open transfers hold
    seats; places are counted before (`seat`). `on`: the day of the decisions, today where not given. The caller says with
    `announce` whom to tell. Raises SchoolChanged where the school is not any more what `school` says: the caller begins
    anew. `held`: `seat` has locked the school in this transaction already.
    """
    if not admissions:
        return 0
    if not held:
        await organisations.hold(work.tx, school)
    year = registration_year(on or work.today)
    classes = {klass: class_id(school, klass, year) for klass in set(map(_class, admissions))}
    sizes, kept_seats = await rooms.made(work.tx, school, list(classes), year)
    before = {klass: sizes.get(key, 0) for klass, key in classes.items()}
    kept = await _kept(work, school, Counter(map(_class, admissions)), kept_seats, on or work.today)
    noted = _with_sizes(work, school, admissions, before, kept, on or work.today)
    decisions = await store.put_decisions(work.tx, noted)
    rows = [
        _row(admission, school, year, classes[_class(admission)], decision_id)
        for admission, decision_id in zip(admissions, decisions, strict=True)
    ]
    made = await insert_rows(
        work.tx,
        tables.registrations,
        rows,
        returning=("id", "roster_id"),
        on_conflict="(id) DO NOTHING",
        then=_ADMITTED,
        more=[work.now],
    )
    new_ids = {record["id"] for record in made}
    new = [admission for admission in admissions if admission.registration_id in new_ids]
    if not new:
        return 0
    await arrivals.entered(work, {a.arrival: a.registration_id for a in new if a.arrival is not None})
    profiles = [{"id": a.registration_id, "form": a.form_blob} for a in new if a.form_blob is not None]
    await insert_rows(work.tx, tables.profiles, profiles)
    kind = chain(work.deps.policy.parameters(school.division, work.today).approval_working_days)
    parties = {"school": school.code, "authority": school.authority}
    await open_cases(
        await driver(work.tx),
        kind,
        [
            NewCase(
                id=admission.registration_id,
                subject_id=admission.person_id,
                parties=parties,
                entered_by=admission.entered_by,
            )
            for admission in new
        ],
        standing=opened(kind, work.today, work.deps.calendar),
        at=work.now,
    )
    return len(new)


@clause("11")
async def foreseen(
    work: RegistryWork, school: SchoolFacts, coming: Mapping[Klass, int], on: date
) -> tuple[tuple[Klass, ...], tuple[Finding, ...]]:
    """Before anybody is admitted: the classes that would be new, and what admission would note of each that would be too
    large, or that takes seats which open transfers hold. `coming`: how many pupils, by class."""
    year, parameters = registration_year(on), work.deps.policy.parameters(school.division, on)
    order = sorted(coming, key=lambda klass: (klass.grade, klass.class_no))
    ids = {klass: class_id(school, klass, year) for klass in order if school.stage_of(klass.grade) is not None}
    counted = await rooms.counted(work.tx, list(ids.values()))
    there = {key: row["boys"] + row["girls"] + row["on_the_way"] for key, row in counted.items()}
    seats = rooms.kept_of(counted.values())
    found = []
    for klass, key in ids.items():
        stage = school.stage_of(klass.grade)
        assert stage is not None
        pupils, standard = there.get(key, 0) + coming[klass], parameters.class_size(stage)
        found.append(entering.class_above_standard(klass.grade, klass.class_no, stage, pupils, standard))
    found += (await _kept(work, school, {klass: coming[klass] for klass in ids}, seats, on)).values()
    new = tuple(klass for klass, key in ids.items() if key not in there)
    return new, tuple(one for one in found if one is not None)


@clause("11", "24.2.2")
async def _kept(
    work: RegistryWork,
    school: SchoolFacts,
    coming: Mapping[Klass, int],
    kept_seats: Mapping[int, int],
    on: date,
) -> dict[int, Finding]:
    """By grade: what is to be said of the seats that open transfers hold in it, where these pupils leave too few.
    `kept_seats`: by cohort."""
    year, parameters = registration_year(on), work.deps.policy.parameters(school.division, on)
    cohorts = {cohort(klass.grade, year): klass.grade for klass in coming if school.stage_of(klass.grade) is not None}
    found = {}
    for of_cohort, kept in kept_seats.items():
        grade = cohorts[of_cohort]
        stage = school.stage_of(grade)
        assert stage is not None
        sizes = Counter(await moving.sizes(work.tx, school.code, stage, of_cohort))
        sizes.update({klass.class_no: count for klass, count in coming.items() if klass.grade == grade})
        left = sum(max(0, parameters.class_size(stage) - size) for size in sizes.values())
        said = entering.seats_kept_in_the_grade(grade, left, kept)
        if said is not None:
            found[grade] = said
    return found


def _with_sizes(
    work: RegistryWork,
    school: SchoolFacts,
    admissions: Sequence[Admission],
    before: Mapping[Klass, int],
    kept: Mapping[int, Finding],
    on: date,
) -> list[Decision]:
    """The decisions, with a note on whoever makes a class larger than the standard, or takes seats that are kept for others;
    equal ones stay one object.

    `before`: pupils of each class; `kept`: by grade (`_kept`).
    """
    parameters = work.deps.policy.parameters(school.division, on)
    coming = Counter(map(_class, admissions))
    place: dict[Klass, int] = defaultdict(int)
    noted: dict[tuple[Klass, int, bool], Decision] = {}
    decisions = []
    for admission in admissions:
        klass, stage = _class(admission), school.stage_of(admission.grade)
        place[klass] += 1
        there, decision = before[klass], admission.decision
        above = stage is not None and there + place[klass] > parameters.class_size(stage)
        if stage is not None and (above or klass.grade in kept):
            key = klass, id(decision), above
            if key not in noted:
                pupils, standard = there + coming[klass], parameters.class_size(stage)
                found = entering.class_above_standard(klass.grade, klass.class_no, stage, pupils, standard)
                more = [one for one in (found if above else None, kept.get(klass.grade)) if one is not None]
                noted[key] = msgspec.structs.replace(decision, findings=(*decision.findings, *more))
            decision = noted[key]
        decisions.append(decision)
    return decisions


async def announce(work: RegistryWork, school: SchoolFacts, roster_id: str | None, count: int, key: str) -> None:
    """Tell the class teachers that registrations wait for them. `key`: roster or registration."""
    work.emit(
        StepReached(
            school=school.code,
            school_name=school.name,
            authority=school.authority,
            roster_id=roster_id,
            state=RegistrationState.ENTERED,
            waits_for=Step.CLASS_TEACHER,
            role=Role.CLASS_TEACHER,
            count=count,
        ),
        key,
    )
    await registrations_changed(work, [key])


def _class(admission: Admission) -> Klass:
    return Klass(admission.grade, admission.class_no)


def _row(admission: Admission, school: SchoolFacts, year: int, class_id: str, decision_id: str) -> dict[str, Any]:
    return {
        "id": admission.registration_id,
        "roster_id": admission.roster_id,
        "row": admission.row,
        "person_id": admission.person_id,
        "school": school.code,
        "authority": school.authority,
        "name": admission.name,
        "sex": admission.sex,
        "birth_date": admission.birth_date,
        "document_kind": admission.document_kind,
        "masked_document": admission.masked_document,
        "masked_members": admission.masked_members,
        "overseas": admission.overseas,
        "disability": admission.disability,
        "placement": admission.placement,
        "kind": admission.kind,
        "school_year": year,
        "grade": admission.grade,
        "class_no": admission.class_no,
        "class_id": class_id,
        "enrolled_month": admission.enrolled_month,
        "decision_id": decision_id,
        "admission_id": admission.admission_id,
    }
