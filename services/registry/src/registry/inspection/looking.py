"""The quality of records and schools, for those whose they are (clause 3.5)."""

from __future__ import annotations

import sqlalchemy as sa
from regulation.authorisation import Target, check, reach
from regulation.mark import clause
from service_kit import paging
from service_kit.ids import derived
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.inspection import (
    CheckSchool,
    GetRecordQuality,
    IssueCount,
    ListQuality,
    ListSchoolQuality,
    QualityPage,
    QualityRow,
    RecordQuality,
    SchoolQuality,
    SchoolQualityPage,
)
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.inspection import asking, checking, quality, store
from registry.inspection.tables import record_quality
from registry.organisations import store as organisations
from registry.organisations.tables import organisations as known
from registry.reach import of_schools, within
from registry.records import views
from registry.records.tables import classes

_o, _q = known.c, record_quality.c
NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"


@clause("3.5")
async def check_school(work: RegistryWork, command: CheckSchool) -> SchoolQuality | Refused:
    """Asked for twice it is done once; a worker does it, `checking` says so until then."""
    if no := await asking.against_school(work, command.actor, word(command), command.school):
        return no
    ids = {command.school: derived("school-check", command.command_id)}
    await store.ask_checks(work.tx, ids, round_id=None, by=command.actor.account, at=work.now)
    (row,) = await store.schools(work.tx, _o.code == command.school, None, 1)
    return _school(row)


@clause("3.5")
async def list_school_quality(work: RegistryWork, query: ListSchoolQuality) -> SchoolQualityPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    condition = of_schools(reached, school=_o.code, authority=_o.authority)
    if query.school is not None:
        condition = sa.and_(condition, _o.code == query.school)
    limit = paging.size(query.limit)
    rows = await store.schools(work.tx, condition, str(after[0]) if after else None, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["code"],))
    return SchoolQualityPage(items=tuple(map(_school, kept)), next_cursor=cursor)


@clause("3.5")
async def list_quality(work: RegistryWork, query: ListQuality) -> QualityPage | Refused:
    """A class teacher sees those of the own classes."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    if query.code is not None and query.code not in quality.CATALOGUE:
        return refused("invalid", "没有这种问题。请从学校的问题汇总中选择。")
    after = paging.decode(query.cursor, int, str)
    if isinstance(after, Refused):
        return after
    seen = within(reached, school=_q.school, authority=_o.authority, grade=classes.c.grade, class_no=classes.c.class_no)
    limit = paging.size(query.limit)
    place = (int(after[0]), str(after[1])) if after else None
    rows = await store.quality(work.tx, sa.and_(seen, _q.school == query.school), query.code, place, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["score"], row["student_id"]))
    return QualityPage(items=tuple(_row(work, row) for row in kept), next_cursor=cursor)


@clause("3.5")
async def record_quality_of(work: RegistryWork, query: GetRecordQuality) -> RecordQuality | Refused:
    """One record as it is now, whenever its school was checked last."""
    row = await views.row_of(work.tx, query.student_id)
    if row is None:
        return refused("not_found", NO_STUDENT)
    target = Target(school=row["school"], authority=row["authority"], grade=row["grade"], class_no=row["class_no"])
    if no := check(query.actor, word(query), target, missing=NO_STUDENT):
        return no
    facts = await store.record(work.tx, query.student_id)
    school = await organisations.school(work.tx, row["school"])
    if facts is None or school is None:
        return refused("conflict", "学籍已注销或学校已撤销，不再检查。")
    issues = checking.examined(work, facts, work.deps.policy.parameters(school.division, work.today))
    return RecordQuality(student_id=query.student_id, score=quality.score(issues), issues=issues, checked_on=work.today)


def _school(row: RowMapping) -> SchoolQuality:
    counts = [
        IssueCount(issue=quality.CATALOGUE[code], records=records)
        for code, records in (row["counts"] or {}).items()
        if code in quality.CATALOGUE
    ]
    own = [
        IssueCount(issue=quality.CATALOGUE[code], records=0, of_school=True)
        for code in row["own_issues"] or ()
        if code in quality.CATALOGUE
    ]
    return SchoolQuality(
        school=row["code"],
        school_name=row["name"],
        authority=row["authority"],
        records=row["records"] or 0,
        perfect=row["perfect"] or 0,
        score=row["score"],
        issues=(*own, *sorted(counts, key=lambda one: (-one.records, one.issue.code))),
        checked_on=row["done_on"],
        checking=row["checking"],
    )


def _row(work: RegistryWork, row: RowMapping) -> QualityRow:
    issues = tuple(quality.CATALOGUE[code] for code in row["codes"] if code in quality.CATALOGUE)
    return QualityRow(
        student_id=row["student_id"],
        name=row["name"],
        grade=row["grade"],
        class_no=row["class_no"],
        score=row["score"],
        issues=issues,
        checked_on=row["done_on"] or work.today,
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    CheckSchool: check_school,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRecordQuality: record_quality_of,
    ListQuality: list_quality,
    ListSchoolQuality: list_school_quality,
}
