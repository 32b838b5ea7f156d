"""The school calendar (校历): the terms of a school year, as the authorities of a division have set them.

The rules count from terms: a late report is asked for in the week before one begins (10.1), transfers inside a city are
arranged around the beginning (24.6.4), no transfer in the first term of a starting grade (24.3.3).
"""

from __future__ import annotations

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


@clause("10.1", "49")
def calendar(book: PolicyBook, division: str, school_year: int, on: date) -> Terms:
    """The calendar of a school year as it is known on a day: what has come stays as it was, what is to come follows the
    latest values. A year that lies ahead is shown as it stands on its first day."""
    begin = book.parameters(division, on).school_year_start.in_year(school_year)
    found = terms(division, school_year, book.parameters(division, begin))
    for change in (day for day in book.dates if begin < day <= on):
        later = terms(division, school_year, book.parameters(division, change))
        found = msgspec.structs.replace(
            found,
            **{
                name: getattr(later, name)
                for name in ("autumn_first", "autumn_last", "spring_first", "spring_last")
                if change <= getattr(found, name) and change <= getattr(later, name)
            },
        )
    return found
