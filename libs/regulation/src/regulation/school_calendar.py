"""The school calendar (校历): the terms of a school year, as the authorities of a division have set them.

The rules count from terms: a late report is asked for in the week before one begins (10.1), transfers inside a city are
arranged around the beginning (24.6.4), no transfer in the first term of a starting grade (24.3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

import msgspec

from regulation.mark import clause
from regulation.parameters import Parameters, PolicyBook

TermName = Literal["autumn", "spring"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """First and last days, all inclusive. `school_year`: the calendar year in which it begins."""

    division: str
    school_year: int
    autumn_first: date
    autumn_last: date
    spring_first: date
    spring_last: date

    def term(self, day: date) -> TermName | None:
        """Which term a day lies in; None in the holidays and outside this school year."""
        if self.autumn_first <= day <= self.autumn_last:
            return "autumn"
        return "spring" if self.spring_first <= day <= self.spring_last else None


@clause("10.1")
def terms(division: str, school_year: int, parameters: Parameters) -> Terms:
    """The terms as these parameters say: autumn begins in the school year's own calendar year, the rest lies in the next."""
    return Terms(
        division=division,
        school_year=school_year,
        autumn_first=parameters.autumn_term_start.in_year(school_year),
        autumn_last=parameters.autumn_term_end.in_year(school_year + 1),
        spring_first=parameters.spring_term_start.in_year(school_year + 1),
        spring_last=parameters.spring_term_end.in_year(school_year + 1),
    )


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The autumn enrolment season (秋季招生、入学) of a calendar year, both days inclusive."""

    first: date
    last: date


@clause("10.1", "49")
def calendar(book: PolicyBook, division: str, school_year: int) -> Terms:
    """The calendar of a school year with everything that is published: what has come stays as it was, what is to come
    follows the latest value that begins before it. Raises LookupError before the first day of the law."""

    def said(parameters: Parameters) -> dict[str, date]:
        found = msgspec.structs.asdict(terms(division, school_year, parameters))
        return {name: day for name, day in found.items() if isinstance(day, date)}

    return Terms(division=division, school_year=school_year, **_settled(book, division, school_year, said))


@clause("4.1", "49")
def enrolment(book: PolicyBook, division: str, year: int) -> Season:
    """The enrolment season of a year, in the same way."""

    def said(parameters: Parameters) -> dict[str, date]:
        return {"first": parameters.enrolment_from.in_year(year), "last": parameters.enrolment_to.in_year(year)}

    return Season(**_settled(book, division, year, said))


def _settled(
    book: PolicyBook, division: str, year: int, said: Callable[[Parameters], dict[str, date]]
) -> dict[str, date]:
    """Days as they stand at New Year of a year, each moved by later values as long as neither it nor the new one has come."""
    begin = max(date(year, 1, 1), book.dates[0]) if year >= book.dates[0].year else date(year, 1, 1)
    days = said(book.parameters(division, begin))
    for change in (day for day in book.dates if begin < day <= max(days.values())):
        later = said(book.parameters(division, change))
        days |= {name: later[name] for name, day in days.items() if change <= day and change <= later[name]}
    return days
