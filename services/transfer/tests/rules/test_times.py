"""When a transfer may be applied for, and what everybody is told (24.6.1, 24.6.3, 24.6.4)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from article24 import (
    DAOLI,
    HERE,
    NANGANG,
    QIQIHAR_LONGSHA,
    SHANGZHI,
    THERE,
    again,
    against,
    any_day,
    application,
    asked,
    calendar_around,
    codes,
    facts,
    law,
    one,
    room,
    school,
)
from hypothesis import given
from regulation.school_year import MonthDay
from shared_contracts.decisions import Outcome
from shared_contracts.holds import Covers, Place
from shared_contracts.transfer import Application, Step
from transfer.rules.judge import judge

CLOSED = {"window.closed": "needs_override"}
SPRING, AUTUMN = date(2026, 3, 1), date(2026, 9, 1)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("start", [SPRING, AUTUMN])
@pytest.mark.parametrize(("days", "stands"), [(-8, CLOSED), (-7, {}), (-1, {}), (0, {}), (7, {}), (8, CLOSED)])
def test_between_counties_of_a_city_a_week_before_and_after_the_term_begins(
    start: date, days: int, stands: dict[str, str]
) -> None:
    assert against(asked(on=start + timedelta(days=days))) == stands


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("division", "stands"), [(DAOLI, CLOSED), (SHANGZHI, CLOSED), (NANGANG, {}), (QIQIHAR_LONGSHA, {})]
)
def test_inside_a_county_and_between_cities_there_is_no_window(division: str, stands: dict[str, str]) -> None:
    to = school("2123000002", division)
    of = facts(to=to, room=room(to), covers=Covers(from_school=False))
    assert (
        against(asked(of, application(residence=Place(division=division, address="1")), on=date(2026, 5, 6))) == stands
    )


@pytest.mark.clause("24.6.4")
def test_the_window_follows_the_calendar_and_its_parameter() -> None:
    late = law(spring_term_start=MonthDay(3, 10))
    assert against(asked(on=date(2026, 3, 17), parameters=late)) == {}
    assert against(asked(on=date(2026, 3, 2), parameters=late)) == CLOSED
    assert against(asked(on=date(2026, 3, 4), parameters=law(transfer_window_days=2))) == CLOSED
    assert against(asked(on=date(2026, 3, 3), parameters=law(transfer_window_days=2))) == {}


@pytest.mark.clause("24.6.4")
def test_the_cure_names_the_next_window() -> None:
    assert "2026年8月25日起" in (one(asked(on=date(2026, 5, 6)), "window.closed").cure or "")
    assert "2026年2月22日起" in (one(asked(on=date(2025, 12, 1)), "window.closed").cure or "")


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("on", "frozen"),
    [
        (date(2026, 7, 14), False),
        (date(2026, 7, 15), True),
        (date(2026, 8, 14), True),
        (date(2026, 8, 15), False),
    ],
)
def test_in_summer_no_new_transfer_is_taken(on: date, frozen: bool) -> None:
    to = school("2123000002", QIQIHAR_LONGSHA)
    of, for_ = facts(to=to, room=room(to)), application(residence=Place(division=QIQIHAR_LONGSHA, address="1"))
    assert against(asked(of, for_, on=on)) == ({"freeze.on": "refuse"} if frozen else {})


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("step", [*Step, None])
def test_what_was_begun_before_the_summer_goes_on(step: Step | None) -> None:
    assert not against(again(on=date(2026, 7, 20), step=step))


@pytest.mark.clause("24.6.4")
def test_a_correction_is_judged_as_of_the_day_of_the_application() -> None:
    assert not against(asked(on=date(2026, 3, 8)))  # corrected in summer, applied for in the window


@pytest.mark.clause("24.6.4")
def test_the_freeze_is_a_dated_parameter() -> None:
    short = law(transfer_freeze_from=MonthDay(7, 20), transfer_freeze_to=MonthDay(7, 21))
    assert "freeze.off" in codes(asked(on=date(2026, 7, 19), parameters=short))
    assert "freeze.on" in codes(asked(on=date(2026, 7, 20), parameters=short))
    assert "freeze.on" in codes(asked(on=date(2026, 7, 21), parameters=short))
    assert "freeze.off" in codes(asked(on=date(2026, 7, 22), parameters=short))


@pytest.mark.clause("24.6.3")
def test_there_is_nothing_to_pay_and_no_field_for_it() -> None:
    found = one(asked(), "fee.none")
    assert found.outcome is Outcome.NOTE
    assert "不收取任何费用" in found.message
    assert not [name for name in Application.__struct_fields__ if "fee" in name or "pay" in name]


@pytest.mark.clause("24.6.1")
def test_until_it_is_done_the_pupil_stays_where_the_record_is() -> None:
    found = one(asked(), "school.not_yet")
    assert found.outcome is Outcome.NOTE
    assert THERE.name in (found.cure or "")


@given(on=any_day)
def test_no_transfer_is_ever_begun_in_the_freeze_or_outside_the_window_on_nobodys_word(on: date) -> None:
    decision = judge(facts(), application(), law(on), calendar_around(on, law(on)), on)
    frozen = (7, 15) <= (on.month, on.day) <= (8, 14)
    assert decision.refused == frozen
    if not decision.refused and not decision.needs_override:
        starts = [day for year in (2025, 2026, 2027) for day in (date(year, 3, 1), date(year, 9, 1))]
        assert min(abs(on - start) for start in starts) <= timedelta(days=7)


def test_the_sample_lies_between_two_counties_of_one_city() -> None:
    here: Any = HERE
    assert (here.division, THERE.division) == (NANGANG, DAOLI)
