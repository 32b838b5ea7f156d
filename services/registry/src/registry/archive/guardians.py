"""Guardians are told that a term's reports are there: once a student and term, without what they say (34.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from regulation.authorisation import check
from regulation.mark import clause
from regulation.school_year import SCHOOL_YEAR_START, school_year
from service_kit.database import driver, insert_rows
from service_kit.work import QueryHandler
from shared_contracts.archive import ArchiveItem, Term
from shared_contracts.decisions import Refused, refused
from shared_contracts.guardians import FindGuardianPhones, GuardianPhone, GuardianPhones, TermReportsEntered
from shared_contracts.messages import Query, word
from sqlalchemy.engine import RowMapping

from registry.archive import policy
from registry.archive.tables import term_reports_told
from registry.context import RegistryWork
from registry.enrolment.admission import missed
from registry.enrolment.admission.missed import MOBILE
from registry.registration.intake import form_context

MOST = 500
_MEMBERS = (1, 2)


@clause("34.1")
async def reports_entered(work: RegistryWork, items: Sequence[ArchiveItem], students: Mapping[str, RowMapping]) -> None:
    """In the transaction that keeps the entries; the students are locked. Says nothing a second time."""
    year = school_year(work.today, SCHOOL_YEAR_START)
    terms = {
        (item.student_id, entry.school_year, str(entry.term))
        for item in items
        if (entry := policy.term_report(item.entry)) is not None and policy.is_told(entry.school_year, year)
    }
    rows = [
        {"student_id": student, "school_year": of, "term": term, "told_at": work.now}
        for student, of, term in sorted(terms)
    ]
    if not rows:
        return
    new = await insert_rows(
        work.tx, term_reports_told, rows, on_conflict="DO NOTHING", returning=("student_id", "school_year", "term")
    )
    groups: defaultdict[tuple[str, str, int, str], list[str]] = defaultdict(list)
    for row in new:
        student = students[row["student_id"]]
        groups[student["school"], student["school_name"], row["school_year"], row["term"]].append(row["student_id"])
    for (school, name, of, term), ids in sorted(groups.items()):
        event = TermReportsEntered(
            school=school, school_name=name, school_year=of, term=Term(term), student_ids=tuple(sorted(ids))
        )
        work.emit(event, school)


# One look by key each: students and profiles of at most 500.
_FORMS = """
SELECT s.id, p.form FROM students s JOIN profiles p ON p.id = s.id
WHERE s.id = ANY($1::text[]) AND s.live
"""


@clause("10.2", "34.1", "42")
async def find_guardian_phones(work: RegistryWork, query: FindGuardianPhones) -> GuardianPhones | Refused:
    """By the form as it is now. Of a record that has ended nobody is told anything any more."""
    if no := check(query.actor, word(query)):
        return no
    if len(query.student_ids) + len(query.admission_ids) > MOST:
        return refused("too_large", f"一次最多查询{MOST}名学生。")
    found = [*await missed.phones(work, query.admission_ids)]
    for row in await (await driver(work.tx)).fetch(_FORMS, list(query.student_ids)):
        if row["form"] is None:
            continue
        form = msgspec.json.decode(
            work.deps.cipher.open_bytes(row["form"], form_context(row["id"])), type=dict[str, str]
        )
        if phone := guardian_phone(form):
            found.append(GuardianPhone(of=row["id"], phone=phone))
    return GuardianPhones(items=tuple(found))


@clause("34.1")
def guardian_phone(form: Mapping[str, str]) -> str | None:
    """The mobile number of the first family member who is marked as guardian; None: there is no such contact."""
    for n in _MEMBERS:
        phone = form.get(f"member{n}_phone", "").strip()
        if form.get(f"member{n}_guardian") == "1" and MOBILE.fullmatch(phone):
            return phone
    return None


QUERIES: dict[type[Query], QueryHandler] = {FindGuardianPhones: find_guardian_phones}
