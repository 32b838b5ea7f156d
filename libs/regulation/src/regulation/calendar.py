"""Statutory working days (工作日): weekends, holidays and make-up days, as the State Council's yearly notice has them.

The notices of past years come from `chinesecalendar`; later ones are published by the province (`registry/working_days`),
and reach every service with the policy values. A year without a notice counts Monday to Friday, and every answer that leans
on it is marked provisional.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import msgspec


class DayKind(msgspec.Struct, frozen=True, gc=False):
    working: bool
    provisional: bool = False


class Deadline(msgspec.Struct, frozen=True, gc=False):
    """A day that was counted out. `provisional`: a year without a notice lay in between, so that it may still move."""

    date: date
    provisional: bool = False


class WorkingDays(msgspec.Struct, frozen=True, gc=False):
    count: int
    provisional: bool = False


class CalendarRow(msgspec.Struct, frozen=True, gc=False):
    """One day that is not what its weekday says: a holiday, or a weekend day worked to make up for one."""

    date: date
    working: bool


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A year's notice (国务院办公厅关于某年部分节假日安排的通知), whole. `holidays`: all days off that it names, weekends
    among them too; `worked`: weekend days that are worked (调休上班). It may reach into the last days of the year before."""

    year: int
    holidays: tuple[date, ...]
    worked: tuple[date, ...] = ()


# The notice for a year has moved the last days of the year before (30 and 31 December 2022 and 2023, 29 December
# 2007 and 2018): they are certain only when the next year's notice is out.
_TAIL = (12, 29)


@cache
def _published() -> tuple[CalendarRow, ...]:
    """What `chinesecalendar` knows: 2004 until its last year."""
    tables = chinese_calendar.constants
    return tuple(
        CalendarRow(day, working)
        for days, working in ((tables.holidays, False), (tables.workdays, True))
        for day in days
    )


def year_of(day: date) -> int:
    """The year whose notice a day belongs to: that of the last days of December comes with the next year's."""
    return day.year + ((day.month, day.day) >= _TAIL)


def released(year: int) -> Notice | None:
    """A year's notice as this release of the program knows it; None where it knows none."""
    rows = [row for row in _published() if year_of(row.date) == year]
    if not any(row.date.year == year for row in rows):
        return None
    return Notice(
        year=year,
        holidays=tuple(sorted(row.date for row in rows if not row.working)),
        worked=tuple(sorted(row.date for row in rows if row.working)),
    )


LAST_RELEASED = max(year_of(row.date) for row in _published())
"""The last year whose holidays this release of the program brings."""


class Calendar:
    """Counts working days. `extra_rows`: single days that are otherwise. `notices`: of whole years, each in the place of what
    the release knows of its year.

    A year counts as published when any row lies in it. Never changed: a new notice makes a new calendar. Answers are
    memoised by year.
    """

    def __init__(self, extra_rows: Iterable[CalendarRow] = (), notices: Iterable[Notice] = ()) -> None:
        given = {notice.year: notice for notice in notices}
        self._notices = tuple(given.values())
        self._moved = {row.date: row.working for row in _published() if year_of(row.date) not in given}
        for _, notice in sorted(given.items()):
            self._moved |= dict.fromkeys(notice.holidays, False) | dict.fromkeys(notice.worked, True)
        self._moved |= {row.date: row.working for row in extra_rows}
        # A row in the last days of December belongs to the next year's notice.
        self._years = frozenset(d.year for d in self._moved if (d.month, d.day) < _TAIL)
        self._working: dict[int, tuple[int, ...]] = {}

    def with_notice(self, notice: Notice) -> Calendar:
        """What it would be with this notice in the place of what is known of its year, and without single extra days."""
        return Calendar(notices=[*(one for one in self._notices if one.year != notice.year), notice])

    def is_published(self, year: int) -> bool:
        """Whether the year's holidays are known."""
        return year in self._years

    def is_working_day(self, day: date) -> DayKind:
        working = self._moved.get(day, day.weekday() < 5)
        return DayKind(working, self._is_provisional(day))

    def add_working_days(self, start: date, days: int) -> Deadline:
        """The `days`-th working day after `start`; the start day is not counted. Raises ValueError below 1."""
        if days < 1:
            raise ValueError("a deadline is at least one working day after its start")
        ordinal, year, left = start.toordinal(), start.year, days
        while True:
            year_days = self._of_year(year)
            first = bisect_right(year_days, ordinal)
            if left <= len(year_days) - first:
                found = date.fromordinal(year_days[first + left - 1])
                return Deadline(found, self._is_provisional_between(start, found))
            left -= len(year_days) - first
            year += 1

    def working_days_between(self, start: date, end: date) -> WorkingDays:
        """Working days after `start` up to and including `end`: what `add_working_days` counts. 0 when end <= start."""
        count = sum(
            bisect_right(self._of_year(year), end.toordinal()) - bisect_right(self._of_year(year), start.toordinal())
            for year in range(start.year, end.year + 1)
        )
        return WorkingDays(max(count, 0), self._is_provisional_between(start, end))

    def add_months(self, start: date, months: int) -> Deadline:
        """The same day `months` later (the month's last where it has none), or the next working day after it.

        Civil Code, articles 201 to 203: the start day is not counted; a last day that is no working day is put off.
        """
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        last = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
        deadline = self.add_working_days(last - timedelta(days=1), 1)
        return Deadline(deadline.date, self._is_provisional_between(last - timedelta(days=1), deadline.date))

    def _of_year(self, year: int) -> tuple[int, ...]:
        """The ordinals of a year's working days, ascending."""
        if (known := self._working.get(year)) is None:
            first, after = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
            days = (date.fromordinal(n) for n in range(first, after))
            known = tuple(d.toordinal() for d in days if self._moved.get(d, d.weekday() < 5))
            self._working[year] = known
        return known

    def _is_provisional(self, day: date) -> bool:
        if day.year not in self._years:
            return True
        return (day.month, day.day) >= _TAIL and day.year + 1 not in self._years

    def _is_provisional_between(self, start: date, end: date) -> bool:
        """Whether any day after `start` up to `end` is. Only year ends and years without a notice can be."""
        if end <= start:
            return False
        ends = (date(year, 12, 31) for year in range(start.year, end.year))
        return any(self._is_provisional(d) for d in (start + timedelta(days=1), end, *ends))
