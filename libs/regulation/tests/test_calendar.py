from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regulation.calendar import Calendar, CalendarRow, DayKind, Deadline, Notice, WorkingDays, released, year_of

CALENDAR = Calendar()
DAYS = st.dates(date(2004, 1, 1), date(2031, 12, 31))


def test_national_day_2025_with_its_make_up_days() -> None:
    working = [d for n in range(26, 31) if CALENDAR.is_working_day(d := date(2025, 9, n)).working] + [
        d for n in range(1, 14) if CALENDAR.is_working_day(d := date(2025, 10, n)).working
    ]
    assert working == [
        date(2025, 9, 26),
        date(2025, 9, 28),  # Sunday, worked
        date(2025, 9, 29),
        date(2025, 9, 30),
        date(2025, 10, 9),
        date(2025, 10, 10),
        date(2025, 10, 11),  # Saturday, worked
        date(2025, 10, 13),
    ]


def test_ten_working_days_over_national_day_2025() -> None:
    assert CALENDAR.add_working_days(date(2025, 9, 26), 1) == Deadline(date(2025, 9, 28))
    assert CALENDAR.add_working_days(date(2025, 9, 26), 10) == Deadline(date(2025, 10, 16))
    assert CALENDAR.add_working_days(date(2025, 9, 30), 1) == Deadline(date(2025, 10, 9))


def test_national_day_2026_with_its_make_up_days() -> None:
    # Holiday 1 to 7 October; Sunday 20 September and Saturday 10 October are worked.
    assert CALENDAR.is_working_day(date(2026, 9, 20)) == DayKind(True)
    assert CALENDAR.is_working_day(date(2026, 10, 10)) == DayKind(True)
    assert CALENDAR.add_working_days(date(2026, 9, 30), 1) == Deadline(date(2026, 10, 8))
    assert CALENDAR.add_working_days(date(2026, 9, 30), 3) == Deadline(date(2026, 10, 10))
    assert CALENDAR.add_working_days(date(2026, 9, 30), 4) == Deadline(date(2026, 10, 12))


def test_spring_festival_2026() -> None:
    # Holiday 15 to 23 February; Saturdays 14 and 28 February are worked.
    assert CALENDAR.add_working_days(date(2026, 2, 13), 1) == Deadline(date(2026, 2, 14))
    assert CALENDAR.add_working_days(date(2026, 2, 14), 1) == Deadline(date(2026, 2, 24))
    assert CALENDAR.add_working_days(date(2026, 2, 10), 10) == Deadline(date(2026, 3, 2))


def test_the_start_day_is_not_counted_even_when_it_is_a_holiday() -> None:
    monday = date(2026, 3, 2)
    assert CALENDAR.add_working_days(monday, 1) == Deadline(date(2026, 3, 3))
    assert CALENDAR.add_working_days(date(2025, 10, 4), 1) == Deadline(date(2025, 10, 9))


def test_years_without_a_notice_count_monday_to_friday_and_say_so() -> None:
    national_day_2028 = date(2028, 10, 2)  # a Monday: certainly a holiday once the notice is out
    assert CALENDAR.is_working_day(national_day_2028) == DayKind(True, provisional=True)
    assert CALENDAR.is_working_day(date(2027, 10, 2)) == DayKind(False, provisional=True)
    assert CALENDAR.add_working_days(date(2027, 3, 1), 5) == Deadline(date(2027, 3, 8), provisional=True)


def test_a_deadline_that_crosses_into_such_a_year_is_provisional() -> None:
    assert CALENDAR.add_working_days(date(2026, 12, 21), 5) == Deadline(date(2026, 12, 28))
    assert CALENDAR.add_working_days(date(2026, 12, 21), 6) == Deadline(date(2026, 12, 29), provisional=True)
    assert CALENDAR.add_working_days(date(2026, 12, 21), 10).provisional


def test_the_last_days_of_december_wait_for_the_next_notice() -> None:
    # The notice for 2023 made Saturday 31 December 2022 a holiday; that of 2019 made 29 December 2018 a working day.
    assert CALENDAR.is_working_day(date(2018, 12, 29)) == DayKind(True)
    assert CALENDAR.is_working_day(date(2026, 12, 28)) == DayKind(True)
    assert CALENDAR.is_working_day(date(2026, 12, 29)) == DayKind(True, provisional=True)


def test_rows_of_a_later_notice_make_its_year_certain_and_settle_december() -> None:
    rows = [
        CalendarRow(date(2026, 12, 31), working=False),
        *(CalendarRow(date(2027, 1, n), working=False) for n in (1, 2, 3)),
        CalendarRow(date(2027, 1, 10), working=True),
    ]
    calendar = Calendar(rows)
    assert calendar.add_working_days(date(2026, 12, 30), 1) == Deadline(date(2027, 1, 4))
    assert calendar.is_working_day(date(2027, 1, 10)) == DayKind(True)
    assert calendar.is_working_day(date(2027, 12, 31)) == DayKind(True, provisional=True)
    assert calendar.is_working_day(date(2028, 1, 3)).provisional


def test_a_row_for_late_december_alone_does_not_publish_its_year() -> None:
    calendar = Calendar([CalendarRow(date(2027, 12, 31), working=False)])
    assert calendar.is_working_day(date(2027, 12, 31)) == DayKind(False, provisional=True)
    assert calendar.is_working_day(date(2027, 5, 3)).provisional


def test_an_extra_row_corrects_a_published_day() -> None:
    calendar = Calendar([CalendarRow(date(2026, 3, 3), working=False)])
    assert calendar.is_working_day(date(2026, 3, 3)) == DayKind(False)
    assert CALENDAR.is_working_day(date(2026, 3, 3)) == DayKind(True)


def test_days_between_counts_what_was_added() -> None:
    assert CALENDAR.working_days_between(date(2025, 9, 26), date(2025, 10, 16)) == WorkingDays(10)
    assert CALENDAR.working_days_between(date(2025, 10, 1), date(2025, 10, 8)) == WorkingDays(0)
    assert CALENDAR.working_days_between(date(2025, 10, 9), date(2025, 9, 1)) == WorkingDays(0)
    assert CALENDAR.working_days_between(date(2026, 12, 1), date(2027, 1, 4)).provisional


def test_a_deadline_lies_at_least_one_day_ahead() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.add_working_days(date(2026, 3, 2), 0)


@pytest.mark.clause("13.1")
def test_a_month_ends_on_the_same_day_or_the_next_working_day() -> None:
    assert CALENDAR.add_months(date(2026, 3, 2), 1) == Deadline(date(2026, 4, 2))
    assert CALENDAR.add_months(date(2026, 8, 31), 1) == Deadline(date(2026, 9, 30))  # September has 30 days
    assert CALENDAR.add_months(date(2026, 9, 1), 1) == Deadline(date(2026, 10, 8))  # National Day week
    assert CALENDAR.add_months(date(2026, 9, 10), 1) == Deadline(date(2026, 10, 10))  # a Saturday, worked
    assert CALENDAR.add_months(date(2025, 12, 31), 2) == Deadline(date(2026, 2, 28))
    assert CALENDAR.add_months(date(2026, 12, 1), 1) == Deadline(date(2027, 1, 1), provisional=True)


@given(DAYS, st.integers(1, 400))
@settings(max_examples=300)
def test_adding_and_counting_agree_with_walking_day_by_day(start: date, days: int) -> None:
    deadline = CALENDAR.add_working_days(start, days)
    assert CALENDAR.is_working_day(deadline.date).working
    assert CALENDAR.working_days_between(start, deadline.date) == WorkingDays(days, deadline.provisional)
    walked = [CALENDAR.is_working_day(start + timedelta(days=n)) for n in range(1, (deadline.date - start).days + 1)]
    assert sum(kind.working for kind in walked) == days
    assert any(kind.provisional for kind in walked) == deadline.provisional


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 12, 28), 2026),
        (date(2026, 12, 29), 2027),  # the last days of December are spoken of with the next year
        (date(2026, 12, 31), 2027),
        (date(2027, 1, 1), 2027),
    ],
)
def test_whose_notice_a_day_belongs_to(day: date, year: int) -> None:
    assert year_of(day) == year


@pytest.mark.clause("24.6.4")
def test_a_notice_takes_the_place_of_all_that_is_known_of_its_year_and_of_nothing_else() -> None:
    shorter = Notice(year=2025, holidays=(date(2025, 1, 1), date(2024, 12, 31)), worked=(date(2024, 12, 29),))
    found = Calendar(notices=[shorter])
    assert found.is_working_day(date(2025, 10, 1)) == DayKind(True)  # it names no day in October
    assert found.is_working_day(date(2025, 9, 28)) == DayKind(False)  # a Sunday as any other
    assert found.is_working_day(date(2024, 12, 31)) == DayKind(False)
    assert found.is_working_day(date(2024, 12, 29)) == DayKind(True)  # a Sunday
    for year in (2024, 2026):
        notice = released(year)
        assert notice is not None
        assert not any(found.is_working_day(day).working for day in notice.holidays)
        assert all(found.is_working_day(day).working for day in notice.worked)


@pytest.mark.clause("24.6.4")
def test_what_would_be_with_another_notice_leaves_the_calendar_as_it_is() -> None:
    first = Notice(year=2031, holidays=(date(2031, 1, 1), date(2031, 5, 1)))
    second = Notice(year=2031, holidays=(date(2031, 1, 1),))
    other = Notice(year=2032, holidays=(date(2032, 1, 1),))
    now = Calendar(notices=[first, other])
    then = now.with_notice(second)
    assert [one.is_working_day(date(2031, 5, 1)) for one in (now, then)] == [DayKind(False), DayKind(True)]
    assert then.is_published(2032)
    assert not CALENDAR.is_published(2031)
    assert [one.is_working_day(date(2031, 12, 31)).provisional for one in (now, Calendar(notices=[first]))] == [
        False, True,
    ]  # fmt: skip
