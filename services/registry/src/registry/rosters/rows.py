"""One row of a roster: the form's check, the rules of registration, and duplicates in the file, put together."""

from __future__ import annotations

from shared_contracts.decisions import Finding, Outcome

from registry.form.entry import Checked, Entry
from registry.registration.policy import decide, waiting
from registry.registration.situation import RegistrationFacts
from registry.rosters.duplicates import Seen
from registry.rosters.frames import CheckedRow, CheckOrder


def facts_of(entry: Entry, order: CheckOrder) -> RegistrationFacts:
    """What the rules of registration ask about this pupil."""
    return RegistrationFacts(
        school=order.school,
        birth_date=entry.birth_date,
        document_kind=entry.document_kind,
        overseas=entry.overseas,
        grade=entry.grade,
        placement=entry.placement,
        disability=entry.disability,
        enrolled_month=entry.enrolled_month,
        today=order.today,
        school_year=order.school_year,
        parameters=order.parameters,
        enrolment=order.enrolment,
    )


def check_row(checked: Checked, row: int, order: CheckOrder, seen: Seen) -> CheckedRow:
    """The row with all that was found but what passed."""
    findings: list[Finding] = list(checked.findings)
    entry = checked.entry
    if entry is not None:
        decision = decide(waiting(facts_of(entry, order), order.awaited))
        findings += [finding for finding in decision.findings if finding.outcome is not Outcome.PASS]
        if decision.refused:
            entry = None
        elif (twice := seen.judge(entry, row)) is not None:
            findings.append(twice)
            if twice.outcome is Outcome.REFUSE:
                entry = None
    return CheckedRow(
        row=row,
        entry=entry,
        name=checked.name,
        masked_document=checked.masked_document,
        findings=tuple(findings),
    )
