"""One form by hand: its faults, what the rules say of it, and what they say once the person is known (15.1, 20.1).

The same facts and the same rules as for a roster's row.
"""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.parameters import Parameters
from shared_contracts.decisions import Decision, Finding

from registry.context import RegistryWork
from registry.form.check import check_form
from registry.form.entry import Entry
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from registry.registration import gate
from registry.registration.policy import decide, waiting
from registry.registration.situation import PersonFacts, RegistrationFacts, lapsed, registration_year


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`entry`, `facts`: None where the form cannot be read. `faults`: of the form; they stand before what the rules find."""

    entry: Entry | None
    facts: RegistrationFacts | None
    faults: tuple[Finding, ...]
    decision: Decision


async def judge(
    work: RegistryWork,
    school: SchoolFacts,
    form: dict[str, str],
    *,
    documents_on_file: bool = False,
    applied_on: date | None = None,
) -> Judged:
    """Without what only identity knows: clauses 12, 16 and 19 and the last place of a plan are asked by `with_person`.

    `applied_on`: of a form that was handed in before.
    """
    checked = check_form(form, FormFacts(school=school, today=work.today, documents_on_file=documents_on_file))
    parameters = work.deps.policy.parameters(school.division, work.today)
    if checked.entry is None:
        decision = Decision(findings=checked.findings, policy_version=parameters.version)
        return Judged(entry=None, facts=None, faults=checked.findings, decision=decision)
    year = registration_year(work.today)
    entrance = await gate.of_school(work.tx, school, year)
    facts = _facts(work, school, checked.entry, parameters, year, entrance)
    facts = waiting(msgspec.structs.replace(facts, applied_on=applied_on), entrance.awaited)
    return _judged(checked.entry, facts, checked.findings)


async def with_person(work: RegistryWork, judged: Judged, person_id: str | None, *, seated: bool = False) -> Judged:
    """The same once identity has said who the person is, if it knows anybody. `seated`: has a place of this plan already."""
    assert judged.entry is not None and judged.facts is not None
    facts = judged.facts
    stage = facts.stage
    if stage is None:
        return judged
    asked = gate.asked(facts, gate.Home.of(judged.entry.form), person_id)
    person = (await gate.of_people(work.tx, facts.school, facts.school_year, {0: asked}))[0]
    place = True
    if facts.kind == "new" and person.admission_id is None and not seated:
        place = (await gate.of_school(work.tx, facts.school, facts.school_year)).places[stage] > 0
    return _judged(judged.entry, msgspec.structs.replace(facts, person=person, place=place), judged.faults)


def without_place(judged: Judged) -> Judged:
    """Somebody else was quicker: what the rules say then."""
    assert judged.entry is not None and judged.facts is not None
    person = lapsed(judged.facts.person or PersonFacts())
    return _judged(judged.entry, msgspec.structs.replace(judged.facts, person=person, place=False), judged.faults)


def _judged(entry: Entry, facts: RegistrationFacts, faults: tuple[Finding, ...]) -> Judged:
    decision = decide(facts)
    whole = msgspec.structs.replace(decision, findings=(*faults, *decision.findings))
    return Judged(entry=entry, facts=facts, faults=faults, decision=whole)


def _facts(
    work: RegistryWork, school: SchoolFacts, entry: Entry, parameters: Parameters, year: int, entrance: gate.Gate
) -> RegistrationFacts:
    return RegistrationFacts(
        school=school,
        birth_date=entry.birth_date,
        document_kind=entry.document_kind,
        overseas=entry.overseas,
        grade=entry.grade,
        placement=entry.placement,
        disability=entry.disability,
        enrolled_month=entry.enrolled_month,
        today=work.today,
        school_year=year,
        parameters=parameters,
        enrolment=entrance.enrolment,
    )
