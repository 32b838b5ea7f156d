"""School years, systems, stages, grades and ages.

Grades are 1 to 9 throughout compulsory education (clause 24.6.2): the stage of a grade depends on the system.
A school year is named by the calendar year in which it begins: 2026 is September 2026 to August 2027.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from regulation.mark import clause

GRADES = range(1, 10)


class SchoolSystem(StrEnum):
    """学制: years of primary school and of junior middle school."""

    SIX_THREE = "6-3"  # 六三学制
    FIVE_FOUR = "5-4"  # 五四学制

    @property
    def primary_years(self) -> int:
        return 6 if self is SchoolSystem.SIX_THREE else 5

    @property
    def junior_years(self) -> int:
        return 9 - self.primary_years


class Stage(StrEnum):
    """学段."""

    PRIMARY = "primary"  # 小学
    JUNIOR = "junior"  # 初中

    @property
    def zh(self) -> str:
        return "小学" if self is Stage.PRIMARY else "初中"


class MonthDay(msgspec.Struct, frozen=True, order=True):
    """A day of every year. 29 February does not occur in any rule."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        return date(year, self.month, self.day)


def month_day(text: str) -> MonthDay:
    """`"08-31"`. Raises ValueError for a day that not every year has."""
    day = date.fromisoformat(f"2001-{text}")
    return MonthDay(day.month, day.day)


SCHOOL_YEAR_START = MonthDay(9, 1)
AGE_CUTOFF = MonthDay(8, 31)


def school_year(day: date, start: MonthDay = SCHOOL_YEAR_START) -> int:
    """The school year a day lies in: 31 August 2026 -> 2025, 1 September 2026 -> 2026."""
    return day.year if day >= start.in_year(day.year) else day.year - 1


def school_year_of_entry(year: int, month: int, promotion_month: int = 8) -> int:
    """The school year of a 入学年月 (item 24): admission papers are dated July to September of the new year.

    From `promotion_month` on (the system promotes in August, clause 29) the new year counts.
    """
    return year if month >= promotion_month else year - 1


@clause("24.6.2")
def stage_of(grade: int, system: SchoolSystem) -> Stage:
    """Grade 6 is primary in a 6-3 school and junior in a 5-4 school. Raises ValueError outside 1 to 9."""
    if grade not in GRADES:
        raise ValueError(f"no grade {grade} in compulsory education")
    return Stage.PRIMARY if grade <= system.primary_years else Stage.JUNIOR


def grades_of(stage: Stage, system: SchoolSystem) -> range:
    """1 to 6 (or 5), 7 (or 6) to 9."""
    last = system.primary_years
    return range(1, last + 1) if stage is Stage.PRIMARY else range(last + 1, 10)


def entry_grades(system: SchoolSystem) -> frozenset[int]:
    """起始年级 of both stages: {1, 7} or {1, 6}."""
    return frozenset(grades_of(stage, system)[0] for stage in Stage)


def graduating_grades(system: SchoolSystem) -> frozenset[int]:
    """毕业年级 of both stages: {6, 9} or {5, 9}."""
    return frozenset(grades_of(stage, system)[-1] for stage in Stage)


def cohort(grade: int, year: int) -> int:
    """The school year in which this grade's pupils were in grade 1: what stays when they are promoted."""
    return year - grade + 1


def grade_of_cohort(cohort_year: int, year: int) -> int:
    """The inverse of `cohort`; may lie outside 1 to 9."""
    return year - cohort_year + 1


def grade_name(grade: int) -> str:
    """七年级."""
    return "〇一二三四五六七八九"[grade] + "年级"


def age_on(birth_date: date, day: date) -> int:
    """Full years (周岁): the birthday itself counts. One born on 29 February is a year older on 1 March in common years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


@clause("5.1")
def age_at_cutoff(birth_date: date, year: int, cutoff: MonthDay = AGE_CUTOFF) -> int:
    """Full years on 31 August of the calendar year in which the school year begins, that day included (5.1, 5.2)."""
    return age_on(birth_date, cutoff.in_year(year))


def latest_birth_date(year: int, age: int, cutoff: MonthDay = AGE_CUTOFF) -> date:
    """The last birth date that gives `age` at the cut-off of a school year: 2026, 6 -> 31 August 2020."""
    return cutoff.in_year(year - age)


@clause("20.2")
def expected_grade(birth_date: date, year: int, entry_age: int, cutoff: MonthDay = AGE_CUTOFF) -> int:
    """The grade that the age gives when a child enters at `entry_age`; below 1: not of age yet; above 9: past it."""
    return age_at_cutoff(birth_date, year, cutoff) - entry_age + 1
