"""How somebody in a class stands to the school's records, in article order (clauses 13.1, 17, 24.6.1, 46.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from regulation.documents import check_document, normalise, read_resident
from regulation.findings import note, refuse
from regulation.mark import clause
from regulation.school_year import grade_name
from shared_contracts.attendance import Seated, Standing
from shared_contracts.decisions import Finding, Outcome


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of whom a document names. `school`: of the record, or of the registration that is under way
    (`recorded` false), None where there is neither. `studies_at`: where the record says he studies while it stays."""

    school: str | None = None
    recorded: bool = False
    class_id: str | None = None
    studies_at: str | None = None


@clause("24.6.1", "24.4")
def standing(known: Known, school: str, class_id: str) -> Standing:
    """A pupil learns where his record is, or where clause 24.4 lets him learn."""
    if known.school is None:
        return Standing.UNKNOWN
    if known.school != school:
        return Standing.STUDIES_HERE if known.studies_at == school else Standing.ELSEWHERE
    if not known.recorded:
        return Standing.UNDER_WAY
    return Standing.HERE if known.class_id == class_id else Standing.OTHER_CLASS


@clause("13.1")
def without_record() -> Finding:
    cure = "新生、补录学生在一个月内办理建籍；外省转入的学生办理转学"
    return note("13.1", "attendance.unknown", "没有学籍", cure=cure)


@clause("17")
def in_another_class(grade: int | None, class_no: int | None) -> Finding:
    where = "本校，没有编班" if grade is None or class_no is None else f"本校{grade_name(grade)}{class_no}班"
    return note("17", "attendance.other_class", f"学籍在{where}", cure="办理调班，或请学生回所在班级就读")


@clause("24.6.1", "48")
def of_another_school() -> Finding:
    """Nothing of the other school is said."""
    cure = "由本校发起转学；不转学的，请学生回学籍所在学校就读"
    message = "学籍在其他学校，没有办理转学手续，不得在本校就读"
    return refuse("24.6.1", "attendance.elsewhere", message, cure=cure)


@clause("46.1")
def missing() -> Finding:
    cure = "核实去向；连续超过7日无故未到校且联系不上监护人的，按疑似辍学处理"
    return note("46.1", "attendance.absent", "学籍在本班，名单中没有", cure=cure)


@clause("3.5")
def row_faults(rows: Sequence[Seated], today: date) -> dict[int, tuple[Finding, ...]]:
    """By the rows' numbers, from 1 on: numbers that are none, people named twice, what a document does not say."""
    found: dict[int, tuple[Finding, ...]] = {}
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        written = normalise(row.document_number)
        where = f"rows[{number - 1}].document_number"
        faults = [
            fault
            for fault in check_document(
                row.document_kind, written, birth_date=row.birth_date, sex=row.sex, today=today, field=where
            )
            if fault.outcome is Outcome.REFUSE
        ]
        if (before := first.setdefault(written, number)) != number:
            message, cure = f"与第{before}行是同一证件号", "同一学生只列一次"
            faults.append(refuse("3.5", "attendance.twice", message, cure=cure, fields=(where,)))
        if not faults and read_resident(written) is None and (row.sex is None or row.birth_date is None):
            cure = "该类证件不含性别和出生日期，请一并填写"
            fields = (f"rows[{number - 1}].birth_date",)
            faults.append(refuse("3.5", "attendance.birth_date", "没有性别和出生日期", cure=cure, fields=fields))
        if faults:
            found[number] = tuple(faults)
    return found
