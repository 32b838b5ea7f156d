"""What the rules look at: the application, what the registry knows, the parameters, the calendar, the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import msgspec
from regulation.divisions import chain
from regulation.parameters import Parameters
from regulation.school_calendar import Terms
from regulation.school_year import SchoolSystem, Stage, school_year, stage_of
from shared_contracts.holds import Covers, Place, Pupil, Room, School
from shared_contracts.transfer import Application, Ground

PRIVATE = "private"
URBAN = "urban"
SUSPENDED = "suspended"
"""State of a pupil whose studies stand still (休学)."""
RETAINED = "retained"
"""State of a pupil who is away and whose record is kept until the cause has ended (保留学籍, 18)."""

MOVES = (Ground.HOUSEHOLD_MOVED, Ground.RESIDENCE_CHANGED, Ground.HOUSE_PURCHASE, Ground.MIGRANT_CHILD)
"""Grounds of a family that has moved; the other two are placements (24.4), wherever the family lives."""


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """A private school's year for one grade (24.5.3). `ratio`: approved for the stage, None where none is.

    `taken`: pupils who have been transferred into the grade in this school year, and other cases that hold a seat there.
    """

    ratio: Fraction | None
    taken: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What has to hold at every step. `intake`: of a private school."""

    pupil: Pupil
    to: School
    room: Room | None
    covers: Covers
    parameters: Parameters
    today: date
    intake: Intake | None = None

    @property
    def at(self) -> School:
        """Where the pupil is now."""
        return self.pupil.school

    @property
    def stage_there(self) -> Stage | None:
        """The stage of the pupil's grade in the receiving school; None where that does not carry it."""
        if self.pupil.grade is None:
            return None
        stage = stage_of(self.pupil.grade, SchoolSystem(self.to.system))
        return stage if stage in self.to.stages else None

    @property
    def within_county(self) -> bool:
        """县域内: both schools lie in one county or district."""
        return self.at.division == self.to.division

    @property
    def between_counties_of_a_city(self) -> bool:
        return not self.within_county and chain(self.at.division)[1] == chain(self.to.division)[1]


class Case(Seen, frozen=True, kw_only=True):
    """An application. `terms`: of the receiving school's division, for the `years_around(today)`."""

    application: Application
    terms: Sequence[Terms]

    @property
    def terms_of_grade(self) -> Terms:
        """The terms of the school year that the pupil's grade belongs to: promoted in August (29), a pupil is of the
        coming year already. Raises LookupError where its calendar was not given."""
        year = school_year(self.today, self.parameters.promotion_from)
        for terms in self.terms:
            if terms.school_year == year:
                return terms
        raise LookupError(f"no school calendar of {year} given")


def place_of(application: Application) -> Place | None:
    """The place that the ground is about: the new household, or where the family lives now. Zones are asked for this one."""
    if application.ground is Ground.HOUSEHOLD_MOVED:
        return application.household
    return application.residence


def years_around(today: date, parameters: Parameters) -> tuple[int, int]:
    """The school years whose terms the rules look at: that of the day, and the next, which begins after the summer."""
    year = school_year(today, parameters.school_year_start)
    return year, year + 1


def receiving_authority(case: Seen) -> str:
    """Who decides against a 原则上 rule, for a cure."""
    return f"转入学校主管教育行政部门（{case.to.authority_name}）"


def day_title(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
