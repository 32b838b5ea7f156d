"""Kinds of school (clause 2): which stages and grades each carries, and how their codes are built."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

Stage = Literal["primary", "junior"]
"""学段: 小学, 初中. Senior-high parts carry no compulsory-education records."""

System = Literal["6-3", "5-4"]
"""学制: years of primary and of junior school."""

STAGES: tuple[Stage, ...] = ("primary", "junior")
STAGE_TITLES: dict[str, str] = {"primary": "小学", "junior": "初中"}

_GRADES: dict[str, dict[str, range]] = {
    "6-3": {"primary": range(1, 7), "junior": range(7, 10)},
    "5-4": {"primary": range(1, 6), "junior": range(6, 10)},
}


class SchoolType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of school. `prefix`: first two digits of its 10-digit code (学校标识码). `stages`: what it
    carries; where `some_stages` is set, a school of this type may carry only part of them.
    """

    name: str
    title: str
    prefix: str
    stages: tuple[Stage, ...]
    some_stages: bool = False


SCHOOL_TYPES: dict[str, SchoolType] = {
    kind.name: kind
    for kind in (
        SchoolType(name="primary", title="小学", prefix="21", stages=("primary",)),
        SchoolType(name="junior", title="初级中学", prefix="31", stages=("junior",)),
        SchoolType(name="nine_year", title="九年一贯制学校", prefix="31", stages=STAGES),
        SchoolType(name="complete_secondary", title="完全中学", prefix="34", stages=("junior",)),
        SchoolType(name="twelve_year", title="十二年一贯制学校", prefix="34", stages=STAGES),
        SchoolType(name="special", title="特殊教育学校", prefix="51", stages=STAGES, some_stages=True),
        SchoolType(name="specialised", title="专门学校", prefix="37", stages=STAGES, some_stages=True),
    )
}
"""Clause 2: the closed set. The code's first two digits follow the national table of 学校标识码."""


class SchoolFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A school as rules see it. `authority`: code of its supervising authority (主管教育行政部门)."""

    code: str
    name: str
    school_type: str
    stages: tuple[str, ...]
    system: str
    ownership: str
    locality: str
    accepts_international: bool
    division: str
    authority: str

    @property
    def title(self) -> str:
        return SCHOOL_TYPES[self.school_type].title

    def grades(self) -> tuple[int, ...]:
        """All grades this school carries, ascending."""
        return tuple(grade for stage in self.stages for grade in grades(self.system, stage))

    def stage_of(self, grade: int) -> str | None:
        """The stage of a grade in this school, or None where the school does not carry it."""
        return next((stage for stage in self.stages if grade in grades(self.system, stage)), None)

    def entry_grades(self) -> tuple[int, ...]:
        """First grade of each stage the school carries: where new pupils (新生) enter."""
        return tuple(grades(self.system, stage)[0] for stage in self.stages)


def grades(system: str, stage: str) -> range:
    """Grades of a stage: junior school starts with 7 in the 6-3 system and with 6 in the 5-4 system."""
    return _GRADES[system][stage]


def entry_grade(system: str, stage: str) -> int:
    return grades(system, stage)[0]


def cohort(system: str, stage: str, grade: int, school_year: int) -> int:
    """届次: the school year in which this grade's pupils entered the stage. Grade 8 of 2026 in 6-3: 2025."""
    return school_year - (grade - entry_grade(system, stage))


def age_on(birth_date: date, day: date) -> int:
    """周岁: full years on a day; the birthday itself counts."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
