"""Who sits in a class against whose record is there (就读核对, clauses 24.6.1, 48.4). Words of the registry."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.identity import Sex
from shared_contracts.messages import Command, Message, Moment, Query

MOST_SEATED = 200
"""Pupils of one list: a class, and many more than a class may have."""


class Standing(StrEnum):
    """How somebody in a class, or of its list, stands to the school's records."""

    HERE = "here"  # 在本班有学籍
    OTHER_CLASS = "other_class"  # 学籍在本校的其他班级
    STUDIES_HERE = "studies_here"  # 学籍不转，按第二十四条在本校就读
    UNDER_WAY = "under_way"  # 正在本校建籍
    ELSEWHERE = "elsewhere"  # 学籍在其他学校: a finding
    UNKNOWN = "unknown"  # 没有学籍
    UNCLEAR = "unclear"  # 姓名或证件号有误，不能核对
    ABSENT = "absent"  # 学籍在本班，名单中没有


class Seated(Message, frozen=True, kw_only=True, gc=False):
    """Somebody who sits in the class. `document_kind`: code of SFZJLX_FORM. `sex`, `birth_date`: asked for where the
    document does not say them."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    document_number: Annotated[str, Meta(min_length=1, max_length=40)]
    document_kind: Annotated[str, Meta(max_length=1)] = "1"
    sex: Sex | None = None
    birth_date: date | None = None


class AttendanceRow(Message, frozen=True, kw_only=True, gc=False):
    """One line. `row`: of the list from 1 on; 0 for who is missing from it. `student_id`, `grade`, `class_no`: of the
    school's own records alone; of a record elsewhere nothing is shown but that there is one."""

    row: int
    name: str
    masked_document: str
    standing: Standing
    student_id: str | None = None
    grade: int | None = None
    class_no: int | None = None
    findings: tuple[Finding, ...] = ()


class AttendanceCheck(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.attendance_check"):
    """A class as it sat on a day. `counts`: lines by standing. `kept`: false for a dry run. `superseded`: a later check of
    the class counts. `rows`: empty in lists."""

    id: str
    school: str
    school_name: str
    class_id: str
    grade: int
    class_no: int
    on: date
    made_at: Moment
    made_by: str
    organisation: str
    counts: dict[str, int]
    kept: bool
    superseded: bool = False
    rows: tuple[AttendanceRow, ...] = ()


class AttendanceCheckPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.attendance_check_page"
):
    """Newest first."""

    items: tuple[AttendanceCheck, ...]
    next_cursor: str | None = None


class CheckAttendance(Command, frozen=True, kw_only=True, gc=False, tag="registry.check_attendance"):
    """Compare who sits in a class today with the records. Reply: AttendanceCheck.

    With `dry_run` nothing is kept; otherwise the check replaces the class's last one, and pupils whose record is elsewhere
    become a finding against the school.
    """

    check_id: str
    school: str
    grade: int
    class_no: int
    rows: Annotated[tuple[Seated, ...], Meta(min_length=1, max_length=MOST_SEATED)]
    dry_run: bool = False


class SeatedRow(Message, frozen=True, kw_only=True, gc=False):
    """A row of an uploaded list. `row`: in the sheet. `seated`: None where something of it is refused."""

    row: int
    name: str
    seated: Seated | None = None
    findings: tuple[Finding, ...] = ()


class AttendanceRead(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.attendance_read"):
    """What stands in an uploaded list, back to whoever uploaded it; nothing of it is kept. `refused`: rows."""

    rows: tuple[SeatedRow, ...]
    refused: int


class ReadAttendance(Query, frozen=True, kw_only=True, gc=False, tag="registry.read_attendance"):
    """Read a workbook of who sits in a class of a school; what was read is then compared (`CheckAttendance`).

    Reply: AttendanceRead.
    """

    school: str
    file: FileRef


class GetAttendanceTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.attendance_template"):
    """The sheet to fill in for a class of a school. Reply: Template."""

    school: str


class GetAttendanceCheck(Query, frozen=True, kw_only=True, gc=False, tag="registry.one_attendance_check"):
    """Reply: AttendanceCheck, with its rows."""

    check_id: str


class ListAttendanceChecks(Query, frozen=True, kw_only=True, gc=False, tag="registry.attendance_checks"):
    """Of a school, or of all within reach. Reply: AttendanceCheckPage."""

    school: str | None = None
    cursor: str | None = None
    limit: int = 50


Commands = CheckAttendance
Queries = ReadAttendance | GetAttendanceTemplate | GetAttendanceCheck | ListAttendanceChecks

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CheckAttendance: AttendanceCheck,
    ReadAttendance: AttendanceRead,
    GetAttendanceTemplate: Template,
    GetAttendanceCheck: AttendanceCheck,
    ListAttendanceChecks: AttendanceCheckPage,
}
"""Part of the registry's (`registry.REPLIES`)."""
