"""What may stand in an archive (clauses 14, 34 to 36, 38, 45.3), in article order. Pure: facts in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_year import school_year
from shared_contracts.archive import SECTION_OF, Entry, Evaluation, Exam, FitnessTest
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from shared_contracts.records import StudentState

_RANKING: Final = re.compile(
    r"排名|名次|排行|排第|第\s*[0-9０-９一二三四五六七八九十百]+\s*名|前\s*[0-9０-９一二三四五六七八九十百]+\s*(?:名|%|％)"
    r"|倒数|\brank",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[0-9０-９]{15,}")
"""A resident number has 18 digits, a student number too; nothing that belongs into these texts has as many."""


class StudentFacts(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The student whom an entry is about. `cohort`: the school year in which the student was in grade 1."""

    birth_date: date
    cohort: int
    state: StudentState


@clause("14")
def may_be_kept(student: StudentFacts, today: date, on: date, entry: Entry, where: str = "") -> tuple[Finding, ...]:
    """All that is wrong with an entry. `where`: the path of the item in a list, before its field's name."""
    found = (
        state_fault(student, where),
        day_fault(student, today, on, where),
        term_fault(student, today, entry, where),
        ranking_fault(entry, where),
        number_fault(entry, where),
    )
    return tuple(finding for finding in found if finding is not None)


@clause("14", "22")
def state_fault(student: StudentFacts, where: str = "") -> Finding | None:
    """A cancelled record is closed; a graduate's is still put right."""
    if student.state is StudentState.TRANSFERRED_OUT:
        cure = "由外省现就读学校记入；转出前的内容有误的，与省教育厅联系"
        return _no("14", "transferred_out", "学籍已转往外省，档案不再补充", cure, where + "student_id")
    if student.state is not StudentState.CANCELLED:
        return None
    return _no(
        "14", "cancelled", "学籍已注销，档案不再补充", "核对学生；学籍注销有误的，先恢复学籍", where + "student_id"
    )


@clause("14")
def day_fault(student: StudentFacts, today: date, on: date, where: str = "") -> Finding | None:
    """The day lies in the student's life, up to today."""
    if student.birth_date <= on <= today:
        return None
    message = f"日期{on}晚于今天" if on > today else f"日期{on}早于学生出生日期"
    return _no("14", "day", message, "填写事项发生的日期", where + "on", on=on.isoformat())


@clause("14", "34.1")
def term_fault(student: StudentFacts, today: date, entry: Entry, where: str = "") -> Finding | None:
    """What is of a term is of a school year in which the student was at school, not of one to come."""
    if not isinstance(entry, Exam | Evaluation | FitnessTest):
        return None
    now = school_year(today)
    if student.cohort <= entry.school_year <= now:
        return None
    message = f"{entry.school_year}学年不在学生就读的学年（{student.cohort}至{now}）之内"
    return _no("34.1", "school_year", message, "填写该学期所在的学年", where + "entry.school_year")


@clause("34.2")
def ranking_fault(entry: Entry, where: str = "") -> Finding | None:
    """不得以任何形式根据考试成绩和综合素质其他方面的评价结果对学生进行排名: a report says how well, never who came first.

    An award for the first place of a competition is no such ranking: section 5 may name it.
    """
    if SECTION_OF[type(entry)] not in (3, 4):
        return None
    for field, text in _texts(entry):
        if found := _RANKING.search(text):
            message = f"“{found[0]}”是对学生的排名，不得记入综合素质评价"
            return _no("34.2", "ranking", message, "删去名次，写明等级或具体表现", f"{where}entry.{field}")
    return None


@clause("45.3")
def number_fault(entry: Entry, where: str = "") -> Finding | None:
    """Document numbers live in identity alone: free text is no place for them."""
    for field, text in _texts(entry):
        if _NUMBER.search(text):
            message = "内容中有身份证件号、学籍号等长号码"
            return _no("45.3", "number", message, "删去号码", f"{where}entry.{field}")
    return None


@clause("14")
def supersede_faults(old_kind: str, new_kind: str, superseded: bool, reason: str) -> tuple[Finding, ...]:
    """An entry is said right once, by one of its own kind, and why."""
    found = []
    if superseded:
        found.append(_no("14", "superseded", "这条记录已经更正过", "更正最新的一条", "entry_id"))
    if old_kind != new_kind:
        found.append(_no("14", "kind", "更正后的内容不是同一类", "按原来的类别填写", "entry.kind"))
    if not 4 <= len(reason.strip()) <= 500:
        found.append(_no("14", "reason", "没有写明更正理由", "写明理由，4至500个字", "reason"))
    return tuple(found)


def _texts(entry: Entry) -> Iterator[tuple[str, str]]:
    for field in entry.__struct_fields__:
        value: Any = getattr(entry, field)
        if isinstance(value, str):
            yield field, value
        elif isinstance(value, dict):
            for key, text in value.items():
                yield field, f"{key} {text}"


def _no(clause_id: str, code: str, message: str, cure: str, field: str, **facts: Any) -> Finding:
    return refuse(clause_id, f"archive.{code}", message, cure=cure, fields=(field,), **facts)


# ---- Article 34, paragraph 1: guardians are told --------------------------------------------------------------------------


@clause("34.1")
def term_report(entry: Entry) -> Exam | Evaluation | None:
    """What is part of a term's report: 学业考试, 综合素质评价. Health and the rest are of a year or of a day."""
    return entry if isinstance(entry, Exam | Evaluation) else None


@clause("34.1")
def is_told(of: int, now: int) -> bool:
    """Reports of this school year and of the last one, whose spring term ends in the summer: older ones are made up for."""
    return now - 1 <= of <= now
