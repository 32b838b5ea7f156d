"""What a year's notice has to be: whole, of its year, each day once, about days to come; both sides of each line (24.6.4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from holidays_2027 import DAYS, NUMBER, TITLE, D, with_
from hypothesis import given
from hypothesis import strategies as st
from registry.working_days import policy
from registry.working_days.publishing import calendars, notice_of
from registry_world import ZONE
from regulation.calendar import LAST_RELEASED, Calendar, Notice, released, year_of
from regulation.holidays import left_out
from regulation.parameters import Parameters

pytestmark = pytest.mark.clause("24.6.4")
WHOLE = notice_of(DAYS)


@pytest.mark.parametrize(
    ("year", "today", "code"),
    [
        (2026, D(2026, 12, 31), None),
        (2026, D(2027, 1, 1), "year_passed"),
        (2027, D(2026, 1, 1), None),
        (2028, D(2026, 12, 31), "year_far"),
        (2028, D(2027, 1, 1), None),
    ],
)
def test_this_year_or_the_next(year: int, today: date, code: str | None) -> None:
    fault = policy.year_fault(year, today)
    assert (fault.code if fault else None) == (f"working_days.{code}" if code else None)


@pytest.mark.parametrize(
    ("holidays", "worked", "codes"),
    [
        ((D(2026, 12, 29),), (), []),
        ((D(2026, 12, 28),), (), ["other_year"]),
        ((D(2027, 12, 31),), (), []),
        ((D(2028, 1, 1),), (), ["other_year"]),
        ((), (D(2028, 1, 1),), ["other_year"]),  # a Saturday
        ((D(2027, 5, 1), D(2027, 5, 1)), (), ["day_twice"]),
        ((), (D(2027, 5, 8), D(2027, 5, 8)), ["day_twice"]),
        ((D(2027, 5, 8),), (D(2027, 5, 8),), ["day_both"]),
        ((), (D(2027, 5, 8), D(2027, 5, 9)), []),  # Saturday, Sunday
        ((), (D(2027, 5, 7),), ["not_weekend"]),  # Friday
        ((), (D(2027, 5, 10),), ["not_weekend"]),  # Monday
        ((D(2028, 3, 1), D(2027, 5, 7)), (D(2027, 5, 7),), ["other_year", "day_both", "not_weekend"]),
    ],
)
def test_days_of_the_year_each_said_once(
    holidays: tuple[date, ...], worked: tuple[date, ...], codes: list[str]
) -> None:
    found = policy.days_faults(Notice(year=2027, holidays=holidays, worked=worked))
    assert [one.code for one in found] == [f"working_days.{code}" for code in codes]
    assert all(one.cure and one.fields for one in found)


@pytest.mark.parametrize(
    ("gone", "name"),
    [
        ((D(2027, 1, 1),), "元旦"),
        ((D(2027, 1, 2), D(2027, 1, 3)), None),  # the day itself is enough
        (tuple(D(2027, 2, day) for day in range(5, 10)), "春节"),
        (tuple(D(2027, 2, day) for day in range(5, 9)), None),  # four are left
        (tuple(D(2027, 4, day) for day in (4, 5)), "清明节"),
        ((D(2027, 4, 5),), None),
        ((D(2027, 5, 2),), "劳动节"),
        ((D(2027, 6, 9),), "端午节"),
        ((D(2027, 9, 15),), None),  # the days after the National Day may be it
        ((D(2027, 9, 15), *(D(2027, 10, day) for day in range(4, 8))), "中秋节"),
        ((D(2027, 10, 3),), "国庆节"),
    ],
)
def test_a_page_that_is_missing_is_seen(gone: tuple[date, ...], name: str | None) -> None:
    fault = policy.whole_fault(notice_of(with_(without=gone)))
    assert (fault.facts["festivals"] if fault else []) == ([name] if name else [])


@pytest.mark.parametrize("year", [2008, 2014, 2019, 2020, 2023, 2024, 2025, 2026])
def test_the_notices_that_there_were_are_whole(year: int) -> None:
    """2023 and 2024 begin in the December before; 2020 was made longer in January; Mid-Autumn fell on 1 October in 2020."""
    notice = released(year)
    assert notice is not None
    assert left_out(year, notice.holidays) == ()
    assert policy.days_faults(notice) == ()
    assert {year_of(day) for day in (*notice.holidays, *notice.worked)} == {year}
    assert policy.changed(Calendar(), Calendar(notices=[notice]), year) == ((), ())


@pytest.mark.parametrize(
    ("now", "code"),
    [
        # The 5th of February becomes a working day: until ten minutes before the 4th ends.
        (datetime(2027, 2, 4, 23, 49, tzinfo=ZONE), None),
        (datetime(2027, 2, 4, 23, 50, tzinfo=ZONE), "day_gone"),
        (datetime(2027, 2, 5, 0, 0, tzinfo=ZONE), "day_gone"),
        (datetime(2027, 12, 31, 12, tzinfo=ZONE), "day_gone"),
    ],
)
def test_a_day_that_has_begun_stays_what_it_was(now: datetime, code: str | None) -> None:
    days = notice_of(with_(without=(D(2027, 2, 5),)))
    before, after = calendars([WHOLE], days)
    found = policy.examine(days, before, after, WHOLE, now)
    assert [one.code for one in found] == ([f"working_days.{code}"] if code else [])


def test_a_notice_that_comes_late_is_taken_all_the_same() -> None:
    """Days that are gone were counted provisionally: they are what they were in truth, and the rest of the year is known."""
    before, after = calendars([], WHOLE)
    assert policy.examine(WHOLE, before, after, None, datetime(2027, 3, 1, 9, tzinfo=ZONE)) == ()
    assert policy.gone_fault([D(2027, 1, 1)], before, datetime(2027, 3, 1, 9, tzinfo=ZONE)) is None
    assert policy.gone_fault([D(2027, 1, 1)], after, datetime(2027, 3, 1, 9, tzinfo=ZONE)) is not None


def test_the_same_again_needs_no_publishing() -> None:
    assert policy.unchanged_fault(WHOLE, None) is None
    assert policy.unchanged_fault(notice_of(with_(D(2027, 6, 10))), WHOLE) is None
    fault = policy.unchanged_fault(
        Notice(year=2027, holidays=tuple(reversed(WHOLE.holidays)), worked=WHOLE.worked), WHOLE
    )
    assert fault is not None


@pytest.mark.parametrize(
    ("number", "title", "codes"),
    [
        (NUMBER, TITLE, []),
        ("国办发〔2027〕12号", "关" * 200, []),
        ("国办发明电[2026]8号", TITLE, ["no_number"]),
        ("国办发明电〔2026〕0号", TITLE, ["no_number"]),
        ("黑教发〔2026〕8号", TITLE, ["no_number"]),
        (NUMBER, "关" * 201, ["no_title"]),
        (NUMBER, " ", ["no_title"]),
        ("", "通\n知", ["no_number", "no_title"]),
    ],
)
def test_it_names_the_notice_that_it_stands_in(number: str, title: str, codes: list[str]) -> None:
    found = policy.source_faults(number, title)
    assert [one.code for one in found] == [f"working_days.{code}" for code in codes]


@pytest.mark.parametrize(
    ("today", "known", "years"),
    [
        (D(2026, 11, 30), False, ()),
        (D(2026, 12, 1), False, (2027,)),
        (D(2026, 12, 31), False, (2027,)),
        (D(2026, 12, 1), True, ()),
        (D(2027, 1, 1), True, ()),
        (D(2027, 11, 30), True, ()),
        (D(2027, 12, 1), True, (2028,)),
        # An installation that began without this year's.
        (D(2027, 1, 1), False, (2027,)),
        (D(2027, 11, 30), False, (2027,)),
        (D(2027, 12, 1), False, (2027, 2028)),
        (D(2027, 12, 31), False, (2027, 2028)),
        (D(2028, 1, 1), False, (2028,)),
    ],
)
def test_the_province_is_asked_in_december_and_for_a_year_that_has_begun(
    today: date, known: bool, years: tuple[int, ...]
) -> None:
    calendar = Calendar(notices=[WHOLE]) if known else Calendar()
    assert policy.asked_for(calendar, Parameters.for_("230000", today), today) == years
    for year in years:  # what is asked for can be published
        assert policy.year_fault(year, today) is None
        assert ("跨年" in policy.consequence(year, today)) is (year > today.year)


@pytest.mark.parametrize(
    ("year", "known", "today", "standing"),
    [
        (2027, False, D(2026, 12, 1), "missing"),
        (2027, False, D(2027, 12, 31), "missing"),  # it may still be put right
        (2027, False, D(2028, 1, 1), "passed"),
        (2027, True, D(2026, 12, 1), "published"),
        (2027, True, D(2028, 1, 1), "published"),
        (LAST_RELEASED, False, D(2026, 12, 1), "published"),  # the program brings it
    ],
)
def test_a_year_is_asked_for_until_it_is_there_or_over(year: int, known: bool, today: date, standing: str) -> None:
    calendar = Calendar(notices=[WHOLE]) if known else Calendar()
    assert policy.standing(year, calendar, today) == standing
    if standing == "missing":  # what is asked for can be done
        assert policy.year_fault(year, today) is None


_days = st.dates(D(2026, 12, 29), D(2027, 12, 31))


@given(off=st.sets(_days, max_size=20), worked=st.sets(_days, max_size=10), hours=st.integers(0, 24 * 400))
def test_whatever_is_published_no_certain_day_that_has_begun_changes(
    off: set[date], worked: set[date], hours: int
) -> None:
    """A correction of a notice in force: what passes the rules leaves every day until today as it was counted."""
    now = datetime(2026, 12, 1, tzinfo=ZONE) + timedelta(hours=hours)
    days = notice_of(with_(*off, worked=tuple(sorted({*DAYS.worked} | worked))))
    before, after = calendars([WHOLE], days)
    if policy.examine(days, before, after, WHOLE, now):
        return
    day = D(2026, 12, 1)
    while day <= now.date():
        assert before.is_working_day(day) == after.is_working_day(day)
        day += timedelta(days=1)
    assert all(day.weekday() > 4 for day in days.worked)
    assert not {*days.holidays} & {*days.worked}
