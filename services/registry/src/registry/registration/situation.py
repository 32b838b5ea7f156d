"""What the rules of registration look at: facts of a pupil and a school, reduced to a situation that names nobody. Pure."""

from __future__ import annotations

import calendar
import functools
from datetime import date
from typing import Literal

import msgspec
from regulation.parameters import Parameters
from regulation.school_year import Stage, school_year_of_entry
from shared_contracts.discreet import Discreet

from registry.enrolment.ways import Way
from registry.organisations.facts import SchoolFacts

Kind = Literal["new", "supplementary"]
"""新生注册 (the entry grade of a stage, in the current school year) or 非新生注册 (all others)."""

Transfer = Literal["here", "not_approved", "elsewhere", "ended"]
"""What a transfer from another province says: this school may register the child, must wait, or is not the one."""

Placement = Literal["ordinary", "mainstreamed", "special_school", "home_teaching"]
"""就读形式 (clause 17): 普通, 随班就读, 特殊教育学校就读, 送教上门."""

PLACEMENT_TITLES: dict[str, str] = {
    "ordinary": "普通就读",
    "mainstreamed": "随班就读",
    "special_school": "特殊教育学校就读",
    "home_teaching": "送教上门",
}


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is settled about a school's new pupils of one stage and year. `places`: planned and in force, None without a
    plan (clause 4.3). `scheme`: a private school's admission scheme is approved; true of public ones (clause 8).
    """

    places: int | None
    scheme: bool


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A transfer from another province that expects this child (24.5.1). `grade`: of this school year. `state`: approved by
    all, still open, or ended while the school was registering the child. `placement`: how it is to be placed, empty where the
    transfer says nothing (24.4)."""

    case_id: str
    school: str
    grade: int
    state: Literal["approved", "open", "ended"]
    placement: str = ""


class PersonFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of the person whom identity has found, never of a name. `finished`: the state of a record of this
    stage that has come to its end (clause 12). `way`: the ground on which the child enters (clauses 16, 19).
    `admission_id`: the admission behind it, which has a place already. `arrival`: a school expects the child.
    """

    finished: str | None = None
    way: Way | None = None
    admission_id: str | None = None
    arrival: Arrival | None = None


def lapsed(person: PersonFacts) -> PersonFacts:
    """Once the admission or the transfer that stood behind the child is none any more."""
    arrival = person.arrival
    ended = None if arrival is None else msgspec.structs.replace(arrival, state="ended")
    return msgspec.structs.replace(person, admission_id=None, arrival=ended)


class RegistrationFacts(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One pupil and one school, as the national form has it: `document_kind` SFZJLX_FORM, `overseas` GATQW,
    `disability` CJLX_FORM, `enrolled_month` 入学年月 as YYYYMM. `school_year`: the year it begins in (2026).

    `applied_on`: the day on which the school handed the form in for the first time; today where it does so now.
    `enrolment`: of each stage of the school. `place`: there is one left for this pupil. `person`: None as long as
    identity has not been asked; clauses 12, 16 and 19 say nothing then. `awaited`: the school expects some child of another
    province in this grade, who it is only identity can say.
    """

    school: SchoolFacts
    birth_date: date
    document_kind: str
    overseas: str
    grade: int
    placement: Placement
    disability: str
    enrolled_month: str
    today: date
    school_year: int
    parameters: Parameters
    enrolment: dict[Stage, Enrolment]
    applied_on: date | None = None
    place: bool = True
    person: PersonFacts | None = None
    awaited: bool = False

    @property
    def arrival(self) -> Arrival | None:
        return None if self.person is None else self.person.arrival

    @property
    def kind(self) -> Kind:
        """Whoever comes by a transfer enters no school anew, in whatever grade."""
        if self.arrival is not None:
            return "supplementary"
        return registration_kind(
            self.school, self.grade, self.enrolled_month, self.school_year, self.parameters.enrolment_to.month
        )

    @property
    def stage(self) -> Stage | None:
        return self.school.stage_of(self.grade)


class Situation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the rules look at: nothing in it tells who the child is. `age`: full years on 31 August.

    `stage`: None where the school does not carry the grade. `planned`, `scheme`: of that stage (`Enrolment`).
    `asked`: identity has said who the person is; then `finished`, `way`, `admitted` and `transfer` count. `awaited`: as in
    `RegistrationFacts`.
    """

    school_type: str
    stages: tuple[Stage, ...]
    system: str
    private: bool
    special: bool
    accepts_international: bool
    age: int
    grade: int
    stage: Stage | None
    kind: Kind
    document_kind: str
    overseas: str
    placement: Placement
    disabled: bool
    enrolled_month: str
    enters_on: date
    late: bool
    school_year: int
    parameters: Parameters
    planned: int | None
    scheme: bool
    place: bool
    asked: bool
    finished: str | None
    way: Way | None
    admitted: bool
    awaited: bool = False
    transfer: Transfer | None = None
    transfer_grade: int | None = None
    transfer_placement: str = ""

    @property
    def counted_on(self) -> str:
        cutoff = self.parameters.age_cutoff
        return f"截至{self.school_year}年{cutoff.month}月{cutoff.day}日"


def transfer_of(arrival: Arrival | None, school: str) -> Transfer | None:
    if arrival is None:
        return None
    if arrival.school != school:
        return "elsewhere"
    return {"approved": "here", "open": "not_approved", "ended": "ended"}[arrival.state]  # type: ignore[return-value]


def registration_kind(school: SchoolFacts, grade: int, enrolled_month: str, school_year: int, last_month: int) -> Kind:
    """New: in the entry grade of one of the school's stages, and enrolled after the enrolment of the year before was over.

    `last_month`: in which enrolment ends. Whoever entered before that and is in the entry grade still is no new pupil.
    One who enters between two enrolments is: clause 4.1 has something to say about him.
    """
    after = (school_year - 1) * 100 + last_month
    return "new" if grade in school.entry_grades() and int(enrolled_month) > after else "supplementary"


@functools.lru_cache(maxsize=1_024)
def entry_day(enrolled_month: str, applied_on: date) -> date:
    """The day on which a pupil enters, as far as it can be told: the form has a month (入学年月), the application a day.

    In this month that is the day of the application, in a month that is over its last day, in one to come its first.
    """
    year, month = int(enrolled_month[:4]), int(enrolled_month[4:])
    first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return min(max(applied_on, first), last)


def registration_year(today: date) -> int:
    """The school year that registrations of a day are for: from August on the one about to begin."""
    return school_year_of_entry(today.year, today.month)
