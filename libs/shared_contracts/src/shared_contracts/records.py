"""Student records (学籍) and their journals, as they are read and announced. Words of the registry."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from shared_contracts.identity import NumberKind, Verification
from shared_contracts.messages import Command, Event, Message, Moment, Query


class StudentState(StrEnum):
    """How a student stands to the school. The records of the first three are live ones: who is suspended or whose record is
    retained has a record at the school and is in no class (18, 25)."""

    IN_SCHOOL = "in_school"  # 在读
    SUSPENDED = "suspended"  # 休学
    RETAINED = "retained"  # 保留学籍
    GRADUATED = "graduated"  # 毕业
    COMPLETED = "completed"  # 结业
    CANCELLED = "cancelled"  # 注销
    TRANSFERRED_OUT = "transferred_out"  # 转往外省


STATE_TITLES: dict[StudentState, str] = {
    StudentState.IN_SCHOOL: "在读",
    StudentState.SUSPENDED: "休学",
    StudentState.RETAINED: "保留学籍",
    StudentState.GRADUATED: "毕业",
    StudentState.COMPLETED: "结业",
    StudentState.CANCELLED: "注销",
    StudentState.TRANSFERRED_OUT: "转往外省",
}


class StudyPlace(Message, frozen=True, kw_only=True, gc=False):
    """Where a pupil studies whose record has stayed (24.4), since when, and by which transfer."""

    school: str
    school_name: str
    since: date
    transfer_id: str


class StudentView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.student_view"):
    """A student record (学籍) as it stands. Numbers are masked.

    `copy_as_of`: set where this is what a former school keeps: the record as it was on that day, and no later.
    `as_of`: set where this is how the record was on a day, `known_on` where only what was recorded by then counts;
    `version` is then the number of the journal's last entry that counts.
    `merged_ids`: cancelled doubles that are read under this record; `kept_id`: of such a double, the record that was kept.
    `study_place`: where the pupil studies, if not where the record is; said when one record is asked for, as it is or as of a
    day, not as it was known.
    """

    id: str
    person_id: str
    school: str
    school_name: str
    name: str
    sex: str
    birth_date: date
    masked_document: str
    student_number: str
    number_kind: NumberKind
    former_numbers: tuple[str, ...]
    verification: Verification
    stage: str
    grade: int | None
    class_no: int | None
    cohort: int
    placement: str
    state: StudentState
    registered_at: Moment
    version: int
    copy_as_of: date | None = None
    as_of: date | None = None
    known_on: date | None = None
    kept_id: str | None = None
    merged_ids: tuple[str, ...] = ()
    study_place: StudyPlace | None = None


class StudentPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.student_page"):
    items: tuple[StudentView, ...]
    next_cursor: str | None = None


class JournalEntry(Message, frozen=True, kw_only=True, gc=False):
    """One entry of a student's journal (clause 21.1), chained by `hash` over `previous`. `title`: its kind in Chinese."""

    seq: int
    kind: str
    title: str = ""
    clause: str | None
    legal_date: date
    recorded_at: Moment
    actor: str
    content: dict[str, Any]
    previous: str
    hash: str


class Journal(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.journal"):
    """`copy_as_of`: set for a former school, which sees the entries up to the one by which the student left."""

    student_id: str
    entries: tuple[JournalEntry, ...]
    intact: bool
    copy_as_of: date | None = None


class GetStudent(Query, frozen=True, kw_only=True, gc=False, tag="registry.student"):
    """`as_of`: how the record was on that day; `known_on`: as far as had been recorded by the end of that day."""

    student_id: str
    as_of: date | None = None
    known_on: date | None = None


class GetJournal(Query, frozen=True, kw_only=True, gc=False, tag="registry.journal_of"):
    """`as_of`, `known_on`: only entries that held on that day, that had been recorded by then."""

    student_id: str
    as_of: date | None = None
    known_on: date | None = None


class FormItem(Message, frozen=True, kw_only=True, gc=False):
    """A field of the national form: its key, its title, its value as it is kept and as people read it ("" for nothing)."""

    key: str
    title: str
    value: str
    text: str


class StudentForm(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.student_form_view"):
    """A student's form (学生基本信息表, clause 14), all its fields in their order but document numbers and the school's code.

    `as_of`, `known_on`, `copy_as_of`: as in StudentView. `items` is empty where no form is kept.
    """

    student_id: str
    items: tuple[FormItem, ...]
    as_of: date | None = None
    known_on: date | None = None
    copy_as_of: date | None = None


class GetStudentForm(Query, frozen=True, kw_only=True, gc=False, tag="registry.student_form"):
    """The form as it is, or as it was on a day. Reply: StudentForm."""

    student_id: str
    as_of: date | None = None
    known_on: date | None = None


class ClassAsOf(Message, frozen=True, kw_only=True, gc=False):
    """A class on a day: its grade and number then, and how many belonged to it."""

    id: str
    stage: str
    cohort: int
    grade: int
    class_no: int
    students: int


class SchoolAsOf(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.school_as_of"):
    """A school on a day: its name and supervising authority then, its classes, its pupils counted."""

    school: str
    school_name: str
    authority: str
    as_of: date
    classes: tuple[ClassAsOf, ...]
    students: int


class Classmate(Message, frozen=True, kw_only=True, gc=False):
    """Who was in a class on a day, as the record was then."""

    student_id: str
    name: str
    sex: str
    student_number: str
    state: StudentState
    joined_on: date
    left_on: date | None


class ClassRollAsOf(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.class_roll"):
    school: str
    school_name: str
    as_of: date
    klass: ClassAsOf
    items: tuple[Classmate, ...]


class GetSchoolAsOf(Query, frozen=True, kw_only=True, gc=False, tag="registry.school_on"):
    """A school's classes on a day. Reply: SchoolAsOf."""

    school: str
    as_of: date


class GetClassAsOf(Query, frozen=True, kw_only=True, gc=False, tag="registry.class_on"):
    """Who was in a class on a day. Reply: ClassRollAsOf."""

    class_id: str
    as_of: date


class ListStudents(Query, frozen=True, kw_only=True, gc=False, tag="registry.students"):
    """The actor's students by school. By name they are searched for (`search.SearchStudents`).

    `person_ids` comes from an exact number search through identity.
    """

    school: str | None = None
    grade: int | None = None
    class_no: int | None = None
    stage: str | None = None
    state: str | None = None
    placement: str | None = None
    person_ids: tuple[str, ...] | None = None
    cursor: str | None = None
    limit: int = 50


class StudentRegistered(Message, frozen=True, kw_only=True, gc=False):
    student_id: str
    person_id: str
    registration_id: str
    number_kind: NumberKind


class StudentsRegistered(Event, frozen=True, kw_only=True, gc=False, tag="registry.students_registered"):
    """New student records (clause 15.1). At most 500 an event."""

    school: str
    students: tuple[StudentRegistered, ...]


class CustodyPassed(Event, frozen=True, kw_only=True, gc=False, tag="registry.custody_passed"):
    """A student has moved to another school, which keeps the record from now on. `registration_id` names the claim."""

    registration_id: str
    person_id: str
    from_school: str
    to_school: str


class PassedRecord(Message, frozen=True, kw_only=True, gc=False):
    """`registration_id` names the claim that goes along."""

    registration_id: str
    person_id: str


class RecordsPassed(Event, frozen=True, kw_only=True, gc=False, tag="registry.records_passed"):
    """Many records of one school go to another at once (clauses 16, 21.3). At most 500 an event."""

    operation_id: str
    from_school: str
    to_school: str
    records: tuple[PassedRecord, ...]


Queries = GetStudent | GetStudentForm | GetJournal | ListStudents | GetSchoolAsOf | GetClassAsOf
Events = StudentsRegistered | CustodyPassed | RecordsPassed

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    GetStudent: StudentView,
    GetStudentForm: StudentForm,
    GetJournal: Journal,
    ListStudents: StudentPage,
    GetSchoolAsOf: SchoolAsOf,
    GetClassAsOf: ClassRollAsOf,
}
"""Part of the registry's (`registry.REPLIES`)."""
