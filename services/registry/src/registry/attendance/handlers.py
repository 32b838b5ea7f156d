"""Checking who sits in a class, and looking at what was found (clauses 24.6.1, 48.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

import asyncpg
from regulation.authorisation import Target, check
from regulation.documents import mask_document, normalise, read_resident
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.bus import Unavailable, Unknown
from service_kit.ids import new_id
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role, system
from shared_contracts.attendance import (
    AttendanceCheck,
    AttendanceCheckPage,
    AttendanceRow,
    CheckAttendance,
    GetAttendanceCheck,
    ListAttendanceChecks,
    Seated,
    Standing,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.identity import KnownPerson, KnownPersons, KnowPersons, PersonEntry
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping

from registry.attendance import policy, store, workbook
from registry.attendance.policy import Known
from registry.context import RegistryWork
from registry.inspection import watching
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.reach import of_schools

MISSING = "没有这所学校、这个班级或这次核对，或者不属于您管理的范围。"


@clause("24.6.1", "24.4", "48")
async def check_attendance(work: RegistryWork, command: CheckAttendance) -> AttendanceCheck | Refused:
    """Identity says who they are; one look at the records says where each belongs. Numbers are kept nowhere here."""
    school = await organisations.school(work.tx, command.school)
    target = Target() if school is None else Target(school=school.code, authority=school.authority)
    if no := check(command.actor, word(command), target, missing=MISSING):
        return no
    class_id = await store.class_of(work.tx, command.school, command.grade, command.class_no)
    if school is None or class_id is None:
        return refused("not_found", "本校没有这个班级。请核对年级和班号。")
    faults = policy.row_faults(command.rows, work.today)
    known = await _known(work, school, command.rows, faults)
    if isinstance(known, Refused):
        return known
    rows, people = await _rows(work, school, class_id, command.rows, known, faults)
    there = [person for person in people.values() if person is not None]
    absent = await store.missing(work.tx, class_id, there)
    rows += [
        AttendanceRow(
            row=0,
            name=row["name"],
            masked_document=row["masked_document"],
            standing=Standing.ABSENT,
            student_id=row["id"],
            grade=row["grade"],
            class_no=row["class_no"],
            findings=(policy.missing(),),
        )
        for row in absent
    ]
    found = AttendanceCheck(
        id=command.check_id,
        school=school.code,
        school_name=school.name,
        class_id=class_id,
        grade=command.grade,
        class_no=command.class_no,
        on=work.today,
        made_at=work.now,
        made_by=command.actor.name,
        organisation=command.actor.organisation,
        counts=dict(Counter(row.standing.value for row in rows)),
        kept=not command.dry_run,
        rows=tuple(rows),
    )
    if command.dry_run:
        return found
    if not await store.put(work.tx, found, command.actor.account, people, [row["person_id"] for row in absent]):
        return refused("conflict", "这个核对编号已被使用。请换一个编号。")
    await watching.look_at(work, watching.SEATED_ELSEWHERE, school.code)
    if absent:
        work.emit(_absent(found, len(absent)), found.id)
    return found


async def _known(
    work: RegistryWork, school: SchoolFacts, rows: tuple[Seated, ...], faults: Mapping[int, object]
) -> dict[int, KnownPerson] | Refused:
    """Whom identity knows by the documents of the rows that are in order; nobody is made."""
    entries = tuple(_entry(number, row, school) for number, row in enumerate(rows, start=1) if number not in faults)
    if not entries:
        return {}
    ask = KnowPersons(command_id=new_id(), actor=system("registry"), organisation=school.code, rows=entries)
    try:
        reply: KnownPersons | Refused = await work.deps.bus.ask(ask)
    except (Unavailable, Unknown):
        return refused("unavailable", "身份服务暂时没有应答。请稍后重试。")
    return reply if isinstance(reply, Refused) else {one.row: one for one in reply.rows}


def _entry(number: int, row: Seated, school: SchoolFacts) -> PersonEntry:
    written = normalise(row.document_number)
    said = read_resident(written)
    birth_date, sex = (said.birth_date, said.sex) if said else (row.birth_date, row.sex)
    assert birth_date is not None and sex is not None  # `policy.row_faults`
    return PersonEntry(
        row=number,
        name=row.name.strip(),
        sex=sex,  # type: ignore[arg-type]
        birth_date=birth_date,
        document_kind=row.document_kind,
        document_number=written,
        area=said.area if said else school.division,
    )


async def _rows(
    work: RegistryWork,
    school: SchoolFacts,
    class_id: str,
    given: tuple[Seated, ...],
    known: Mapping[int, KnownPerson],
    faults: Mapping[int, tuple[Finding, ...]],
) -> tuple[list[AttendanceRow], dict[int, str | None]]:
    """The lines of the list, and the person behind each."""
    records = await store.records(work.tx, [one.person_id for one in known.values() if one.person_id])
    rows, people = [], {}
    for number, seated in enumerate(given, start=1):
        one = known.get(number)
        found = faults.get(number) or (one.findings if one is not None else ())
        masked = mask_document(seated.document_kind, normalise(seated.document_number))
        name = seated.name.strip()
        if one is None or found:
            rows.append(
                AttendanceRow(
                    row=number, name=name, masked_document=masked, standing=Standing.UNCLEAR, findings=tuple(found)
                )
            )
            continue
        people[number] = one.person_id
        record = records.get(one.person_id or "")
        facts = Known()
        if record is not None:
            facts = Known(
                school=record["school"],
                recorded=True,
                class_id=record["class_id"],
                studies_at=record["studies_at"],
            )
        elif one.holder is not None:
            facts = Known(school=one.holder.school)
        standing = policy.standing(facts, school.code, class_id)
        own = record if record is not None and record["school"] == school.code else None
        rows.append(
            AttendanceRow(
                row=number,
                name=name,
                masked_document=masked,
                standing=standing,
                student_id=None if own is None else own["id"],
                grade=None if own is None else own["grade"],
                class_no=None if own is None else own["class_no"],
                findings=_said(standing, own),
            )
        )
    return rows, people


def _said(standing: Standing, own: asyncpg.Record | None) -> tuple[Finding, ...]:
    if standing is Standing.ELSEWHERE:
        return (policy.of_another_school(),)
    if standing is Standing.UNKNOWN:
        return (policy.without_record(),)
    if standing is Standing.OTHER_CLASS and own is not None:
        return (policy.in_another_class(own["grade"], own["class_no"]),)
    return ()


def _absent(found: AttendanceCheck, count: int) -> WorkWaiting:
    return WorkWaiting(
        organisation=found.school,
        role=Role.PRINCIPAL,
        kind="attendance_absent",
        title="就读核对：有{count}名在籍学生不在班",
        count=count,
        detail="请核实去向；无故未到校的，按控辍保学的规定处理。",
        link=f"/v1/attendance-checks/{found.id}",
    )


@clause("24.6.1")
async def get_check(work: RegistryWork, query: GetAttendanceCheck) -> AttendanceCheck | Refused:
    row = await store.one(work.tx, query.check_id)
    target = Target() if row is None else Target(school=row["school"], authority=row["supervisor"])
    if no := check(query.actor, word(query), target, missing=MISSING):
        return no
    if row is None:
        return refused("not_found", MISSING)
    return _view(row, await store.rows_of(work.tx, query.check_id))


@clause("24.6.1", "3.1")
async def list_checks(work: RegistryWork, query: ListAttendanceChecks) -> AttendanceCheckPage | Refused:
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    visible = of_schools(asked.reach, school=store.SCHOOL, authority=store.AUTHORITY)
    rows = await store.page(work.tx, visible, query.school, asked.after, asked.rows)
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["made_at"].isoformat(), row["id"]))
    return AttendanceCheckPage(items=tuple(_view(row) for row in kept), next_cursor=cursor)


def _view(row: RowMapping, rows: tuple[AttendanceRow, ...] = ()) -> AttendanceCheck:
    on: date = row["made_on"]
    return AttendanceCheck(
        id=row["id"],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        class_id=row["class_id"],
        grade=row["grade"],
        class_no=row["class_no"],
        on=on,
        made_at=row["made_at"],
        made_by=row["made_by"],
        organisation=row["organisation"],
        counts=row["counts"],
        kept=True,
        superseded=not row["latest"],
        rows=rows,
    )


COMMANDS: dict[type[Command], CommandHandler] = {CheckAttendance: check_attendance}
QUERIES: dict[type[Query], QueryHandler] = {
    GetAttendanceCheck: get_check,
    ListAttendanceChecks: list_checks,
    **workbook.QUERIES,
}
