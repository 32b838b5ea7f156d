"""Days and marks, on both sides of each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications.worklist import policy
from notifications.worklist.policy import Marks
from regulation.calendar import Calendar, CalendarRow
from regulation.parameters import PolicyBook, province_parameters

CALENDAR = Calendar()
TEN_DAYS = Marks(first=3, last=1)
DUE = date(2026, 9, 24)  # a Thursday; the 20th is a Sunday that is worked, the 25th a holiday


@pytest.mark.parametrize(
    ("today", "left"),
    [
        (date(2026, 9, 10), 11),  # the worked Sunday counts
        (date(2026, 9, 23), 1),
        (date(2026, 9, 24), 0),
        (date(2026, 9, 25), 0),  # a holiday: no working day has passed
        (date(2026, 9, 28), -1),
    ],
)
def test_days_left_are_working_days(today: date, left: int) -> None:
    assert policy.days_left(DUE, today, CALENDAR) == left


def test_without_a_clock_there_are_no_days() -> None:
    assert policy.days_left(None, DUE, CALENDAR) is None


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("today", "mark"),
    [
        (date(2026, 9, 18), None),  # four working days: 20, 21, 22, 23, 24 less one
        (date(2026, 9, 20), None),
        (date(2026, 9, 21), "first"),  # three left
        (date(2026, 9, 22), "first"),
        (date(2026, 9, 23), "last"),  # one left
        (date(2026, 9, 24), "last"),  # the last day
        (date(2026, 9, 25), "overdue"),
        (date(2026, 12, 25), "overdue"),
    ],
)
def test_a_step_comes_to_its_marks_on_their_days(today: date, mark: str | None) -> None:
    assert policy.mark_of(DUE, today, TEN_DAYS, CALENDAR) == mark


@pytest.mark.clause("24.6.4")
def test_the_law_reminds_on_the_seventh_and_the_ninth_of_ten_days() -> None:
    assert policy.marks(PolicyBook(province_parameters()).parameters("230102", date(2026, 9, 10))) == TEN_DAYS
    begun = date(2026, 9, 10)
    due = CALENDAR.add_working_days(begun, 10).date
    seventh, ninth = (CALENDAR.add_working_days(begun, day).date for day in (7, 9))
    assert policy.mark_of(due, seventh, TEN_DAYS, CALENDAR) == "first"
    assert policy.mark_of(due, seventh - timedelta(days=1), TEN_DAYS, CALENDAR) is None
    assert policy.mark_of(due, ninth, TEN_DAYS, CALENDAR) == "last"
    assert policy.mark_of(due, CALENDAR.add_working_days(begun, 8).date, TEN_DAYS, CALENDAR) == "first"


def test_holidays_that_are_published_later_move_the_reminders() -> None:
    due = date(2027, 2, 12)
    before = Calendar()
    published = Calendar([CalendarRow(date(2027, 2, day), False) for day in (8, 9, 10)])
    today = date(2027, 2, 5)  # a Friday
    assert policy.mark_of(due, today, TEN_DAYS, before) is None  # five working days left
    assert policy.mark_of(due, today, TEN_DAYS, published) == "first"  # two


@given(st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.integers(0, 60))
def test_marks_only_ever_go_on(due: date, back: int) -> None:
    order = [None, *policy.MARKS]
    day = due - timedelta(days=back)
    said = [order.index(policy.mark_of(due, day + timedelta(days=n), TEN_DAYS, CALENDAR)) for n in range(back + 5)]
    assert said == sorted(said)


def test_no_mark_is_farther_away_than_the_worker_looks() -> None:
    today = date(2026, 9, 10)
    until = policy.looks_ahead(today, 9, CALENDAR)
    assert policy.mark_of(until, today, Marks(9, 9), CALENDAR) == "last"
    assert policy.mark_of(until + timedelta(days=5), today, Marks(9, 9), CALENDAR) is None
