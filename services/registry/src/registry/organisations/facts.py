"""A school as rules see it: types, stages, grades and ages themselves are the regulation's."""

from __future__ import annotations

import functools
from typing import Literal

import msgspec
from regulation.school_codes import SCHOOL_TYPES, SPECIAL_EDUCATION
from regulation.school_year import SchoolSystem, Stage, grades_of

Ownership = Literal["public", "private"]
"""公办, 民办."""

Locality = Literal["urban", "town", "rural"]
"""城区, 镇区, 乡村."""


class SchoolFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One school on one day. `code`: 10 digits (学校标识码). `school_type`: BXLX code, `"211"`. `division`: the
    county or district it lies in, 6 digits. `authority`: code of its supervising authority (主管教育行政部门).
    """

    code: str
    name: str
    school_type: str
    stages: tuple[Stage, ...]
    system: SchoolSystem
    ownership: Ownership
    locality: Locality
    accepts_international: bool
    division: str
    authority: str

    @property
    def title(self) -> str:
        return SCHOOL_TYPES[self.school_type].name

    @property
    def special(self) -> bool:
        """特殊教育学校."""
        return self.school_type in SPECIAL_EDUCATION

    def stage_of(self, grade: int) -> Stage | None:
        """The stage of a grade in this school, or None where the school does not carry it."""
        return _stages_of_grades(self.stages, self.system).get(grade)

    def entry_grades(self) -> tuple[int, ...]:
        """起始年级 of each stage the school carries: where new pupils (新生) enter."""
        return _entry_grades(self.stages, self.system)


# Asked ten times for each row of a roster, and one of a handful of answers.
@functools.cache
def _stages_of_grades(stages: tuple[Stage, ...], system: SchoolSystem) -> dict[int, Stage]:
    return {grade: stage for stage in stages for grade in grades_of(stage, system)}


@functools.cache
def _entry_grades(stages: tuple[Stage, ...], system: SchoolSystem) -> tuple[int, ...]:
    return tuple(grades_of(stage, system)[0] for stage in stages)
