"""When the school with the record may say that its pupil is back: each rule on both sides (clause 24.4)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.study_places import policy

SINCE, TODAY = date(2026, 9, 14), date(2026, 11, 30)
DAY = timedelta(days=1)


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("since", "live", "code"),
    [(SINCE, True, None), (None, True, "study_place.none"), (SINCE, False, "study_place.record_ended")],
)
def test_only_who_studies_elsewhere_comes_back(since: date | None, live: bool, code: str | None) -> None:
    found = policy.somewhere_else(since, live=live)
    assert (found and found.code) == code
    if found:
        assert found.clause == "24.4" and found.cure


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("on", "may"),
    [(SINCE - DAY, False), (SINCE, True), (SINCE + DAY, True), (TODAY, True), (TODAY + DAY, False)],
)
def test_from_the_day_of_going_to_today(on: date, may: bool) -> None:
    found = policy.day_of_return(on, SINCE, TODAY)
    assert (found is None) is may
    if found:
        assert (found.code, found.fields) == ("study_place.day", ("on",))
        assert str(SINCE) in (found.cure or "") and str(TODAY) in (found.cure or "")


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    ("reason", "may"),
    [
        ("康复训练结束", True), ("", False), (" \n ", False), ("因故。\n家长已签字", True), ("回\x07校", False),
        ("字" * 200, True), ("字" * 201, False), ("电话12345转", True), ("电话123456转", False),
    ],
)  # fmt: skip
def test_a_reason_is_words_without_numbers(reason: str, may: bool) -> None:
    assert (policy.reason_fault(reason) is None) is may


@pytest.mark.clause("24.4")
@given(st.dates(), st.dates(), st.dates())
def test_nobody_is_back_before_going_or_tomorrow(on: date, since: date, today: date) -> None:
    if policy.day_of_return(on, since, today) is None:
        assert since <= on <= today
