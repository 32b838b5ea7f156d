"""Admission: claimed persons with an accepted form become registrations, set-based, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from casework.state import opened
from casework.store import NewCase, open_cases
from regulation.mark import clause
from service_kit.database import driver, insert_rows
from shared_contracts.actors import Role
from shared_contracts.decisions import Decision
from shared_contracts.registry import RegistrationState, Step, StepReached

from registry.clearing.duplicates import store as duplicates
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records.store import Klass, class_id, make_classes
from registry.registration import completion, store, tables
from registry.registration.chain import chain
from registry.registration.policy import Kind, Placement, registration_year


class Admission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted pupil whose person this registration has claimed (identity.ClaimPersons).

    `masked_members`: (slot, masked document number). `form_blob`: the form without document numbers, JSON
    sealed by the field cipher with `form_context(registration_id)`; None where the caller writes it.
    `entered_by`: the registrar's account.
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


def form_context(registration_id: str) -> bytes:
    """What a sealed form is bound to; the student record keeps the registration's id and blob."""
    return f"form:{registration_id}".encode()


@clause("13.1", "15.1")
async def admit(
    work: RegistryWork, school: SchoolFacts, admissions: Sequence[Admission], on: date | None = None
) -> int:
    """Registrations, cases and missing classes for claimed persons; a repeat makes nothing twice.

    Returns how many are new. Nine statements, whatever their number. `on`: the day of the decisions, today where not
    given. The caller says with `announce` whom to tell. Raises SchoolChanged where the school is not any more what
    `school` says: the caller begins anew.
    """
    if not admissions:
        return 0
    await organisations.hold(work.tx, school)
    year = registration_year(on or work.today)
    classes = {klass: class_id(school, klass, year) for klass in set(map(_class, admissions))}
    await make_classes(work.tx, school, list(classes), year)
    decisions = await store.put_decisions(work.tx, [admission.decision for admission in admissions])
    rows = [
        _row(admission, school, year, classes[_class(admission)], decision_id)
        for admission, decision_id in zip(admissions, decisions, strict=True)
    ]
    made = await insert_rows(work.tx, tables.registrations, rows, returning=("id",), on_conflict="(id) DO NOTHING")
    new_ids = {record["id"] for record in made}
    new = [admission for admission in admissions if admission.registration_id in new_ids]
    if not new:
        return 0
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
    await duplicates.arrive(work.tx, [admission.registration_id for admission in new], work.now)
    await completion.set_out(work.tx, Counter(a.roster_id for a in new if a.roster_id is not None))
    return len(new)


def announce(work: RegistryWork, school: SchoolFacts, roster_id: str | None, count: int, key: str) -> None:
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
    }
