"""Ratios and rounds: both sides of every line, and what must never happen."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation import lottery
from regulation.parameters import Parameters
from regulation.school_calendar import terms
from regulation.school_year import Stage
from shared_contracts.decisions import Outcome
from shared_contracts.holds import Room, School
from transfer.private_places import policy
from transfer.rules import private
from transfer.rules.case import Intake

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 1, 9, 0, tzinfo=ZONE)


def school(system: str = "6-3", ownership: str = "private", stages: tuple[str, ...] = ("primary", "junior")) -> School:
    return School(
        code="2123010001",
        name="育英学校",
        authority="230103",
        authority_name="南岗区教育局",
        superior="230100",
        division="230103",
        school_type="312",
        stages=stages,
        system=system,
        ownership=ownership,
        locality="urban",
    )


def room(**values: Any) -> Room:
    standing: dict[str, Any] = {
        "school": "2123010001",
        "grade": 3,
        "stage": "primary",
        "standard": 45,
        "sizes": (30, 30),
        "held": 0,
        "free": 30,
        "pupils": 60,
        "school_pupils": 700,
        "most_pupils": 2500,
        "plan_places": 90,
    }
    return Room(**standing | values)


# ---- the ratio -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("system", "stage", "above", "below", "allowed"),
    [
        ("6-3", Stage.PRIMARY, 1, 9, True), ("6-3", Stage.PRIMARY, 1, 8, False), ("6-3", Stage.PRIMARY, 11112, 100000, False),
        ("6-3", Stage.PRIMARY, 11111, 100000, True), ("5-4", Stage.PRIMARY, 1, 7, True), ("5-4", Stage.PRIMARY, 1, 6, False),
        ("5-4", Stage.PRIMARY, 14286, 100000, False), ("6-3", Stage.JUNIOR, 1, 3, True), ("6-3", Stage.JUNIOR, 1, 2, False),
        ("6-3", Stage.JUNIOR, 33334, 100000, False), ("5-4", Stage.JUNIOR, 1, 5, True), ("5-4", Stage.JUNIOR, 1, 4, False),
        ("5-4", Stage.JUNIOR, 20001, 100000, False), ("6-3", Stage.PRIMARY, 2, 18, True), ("6-3", Stage.PRIMARY, 0, 9, False),
    ],
)  # fmt: skip
def test_no_ratio_is_above_the_clause(system: str, stage: Stage, above: int, below: int, allowed: bool) -> None:
    found = policy.may_propose(school(system), stage, above, below, 2026, 2026)
    assert (found == ()) == allowed
    for one in found:
        assert one.clause == "24.5.3" and one.cure


@pytest.mark.clause("24.5.3")
@given(
    st.sampled_from(
        [("6-3", Stage.PRIMARY, 6), ("5-4", Stage.PRIMARY, 5), ("5-4", Stage.JUNIOR, 4), ("6-3", Stage.JUNIOR, 3)]
    ),
    st.integers(0, 10**9),
    st.integers(1, 10**9),
)  # fmt: skip
def test_what_passes_is_never_above_it(of: tuple[str, Stage, int], above: int, below: int) -> None:
    system, stage, years = of
    if policy.may_propose(school(system), stage, above, below, 2026, 2026) == ():
        assert 0 < above * (2 * years - 3) <= below  # what the database holds, too


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"school": school(ownership="public")}, "ratio.not_private"),
        ({"school": school(stages=("junior",))}, "ratio.no_stage"),
        ({"school_year": 2025}, "ratio.wrong_year"),
        ({"school_year": 2028}, "ratio.wrong_year"),
        ({"school_year": 2027}, None),
        ({"school_year": 2026}, None),
    ],
)
def test_who_may_propose_for_which_year(changed: dict[str, Any], code: str | None) -> None:
    asked: dict[str, Any] = {
        "school": school(), "stage": Stage.PRIMARY, "numerator": 1, "denominator": 9, "school_year": 2026, "this_year": 2026,
    }  # fmt: skip
    assert [one.code for one in policy.may_propose(**asked | changed)] == ([code] if code else [])


@pytest.mark.clause("24.5.3")
def test_nobody_decides_on_their_own_proposal() -> None:
    assert policy.another_person_decides("a", "b") is None
    found = policy.another_person_decides("a", "a")
    assert found and found.outcome is Outcome.REFUSE and "另一名" in (found.cure or "")


# ---- places --------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("changed", "taken", "ratio", "expected"),
    [
        ({}, 0, Fraction(1, 9), (30, 3)),  # 30 by the plan, 30 by the classes
        ({"plan_places": 69}, 0, Fraction(1, 9), (9, 1)),
        ({"plan_places": 68}, 0, Fraction(1, 9), (8, 0)),
        ({"plan_places": 60}, 0, Fraction(1, 9), (0, 0)),
        ({"plan_places": None}, 0, Fraction(1, 9), (0, 0)),
        ({"held": 3, "free": 27}, 3, Fraction(1, 9), (27, 0)),
        ({"held": 2, "free": 28}, 2, Fraction(1, 9), (28, 1)),
        ({"free": 0}, 0, Fraction(1, 3), (0, 0)),
        ({"most_pupils": 709}, 0, Fraction(1, 9), (9, 1)),
        ({"most_pupils": 700}, 0, Fraction(1, 9), (0, 0)),
        ({}, 0, None, (30, 0)),
    ],
)
def test_places_within_plan_sizes_and_ratio(
    changed: dict[str, Any], taken: int, ratio: Fraction | None, expected: tuple[int, int]
) -> None:
    assert policy.places_of(room(**changed), taken, ratio) == expected
    assert policy.places_of(None, taken, ratio) == (0, 0)


@pytest.mark.clause("24.3.1")
@pytest.mark.clause("24.5.3")
@given(
    st.integers(0, 200), st.integers(0, 100), st.integers(0, 60),
    st.sampled_from([Fraction(1, n) for n in (3, 5, 7, 9, 20)]), st.integers(0, 200),
)  # fmt: skip
def test_what_is_published_and_what_the_rules_say_are_the_same(
    plan: int, pupils: int, taken: int, ratio: Fraction, free: int
) -> None:
    """The lottery's file is recomputed with the standard library alone: one function there, one among the rules."""
    grade = room(plan_places=plan, pupils=pupils, free=free)
    _, transferable = policy.places_of(grade, taken, ratio)
    most = private.places(grade, Intake(ratio=ratio, taken=taken))
    assert transferable == max(0, min(private.free_places(grade), most - taken))
    assert (transferable > 0) == private.has_place(grade, Intake(ratio=ratio, taken=taken))
    assert transferable == lottery.transferable(private.free_places(grade), taken, ratio)


# ---- the round -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize(
    ("today", "year", "term"),
    [
        (date(2026, 7, 31), 2025, 2), (date(2026, 8, 1), 2026, 1), (date(2026, 8, 25), 2026, 1), (date(2026, 12, 1), 2026, 1),
        (date(2027, 2, 20), 2026, 2), (date(2027, 6, 1), 2026, 2),
    ],
)  # fmt: skip
def test_year_and_term_of_a_day(today: date, year: int, term: int) -> None:
    assert policy.year_of(today) == year
    calendar = terms("230103", year, Parameters.for_("230103", today))
    assert policy.term_of(today, calendar) == term
    assert policy.term_of(calendar.autumn_last, calendar) == 1
    assert policy.term_of(calendar.autumn_last + timedelta(days=1), calendar) == 2


@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize(
    ("closes_on", "public_at", "codes"),
    [
        (date(2026, 9, 3), datetime(2026, 9, 5, tzinfo=ZONE), []),
        (date(2026, 9, 2), datetime(2026, 9, 5, tzinfo=ZONE), ["round.days"]),
        (date(2026, 9, 30), datetime(2026, 11, 5, tzinfo=ZONE), []),
        (date(2026, 10, 1), datetime(2026, 11, 5, tzinfo=ZONE), ["round.days"]),
        (date(2026, 9, 3), datetime(2026, 9, 4, 23, 59, tzinfo=ZONE), ["round.public_too_early"]),
        (date(2026, 9, 3), datetime(2026, 9, 4, 16, 0, tzinfo=ZoneInfo("UTC")), []),
        (date(2026, 8, 31), datetime(2026, 8, 31, tzinfo=ZONE), ["round.days", "round.public_too_early"]),
    ],
)
def test_a_round_is_open_long_enough_and_the_value_unknown(
    closes_on: date, public_at: datetime, codes: list[str]
) -> None:
    found = policy.may_open(closes_on=closes_on, public_at=public_at, now=NOW, days=3, longest=30, hours=24)
    assert [one.code for one in found] == codes
    assert all(one.clause == "24.5.4" and one.cure for one in found)


@pytest.mark.clause("24.5.4")
@given(st.integers(-5, 70), st.integers(-100, 3000), st.integers(1, 30), st.integers(1, 168))
def test_nobody_can_know_the_value_while_the_list_is_open(after: int, minutes: int, days: int, hours: int) -> None:
    closes_on = NOW.date() + timedelta(days=after)
    public_at = policy.closed_from(closes_on, ZONE) + timedelta(minutes=minutes)
    if policy.may_open(closes_on=closes_on, public_at=public_at, now=NOW, days=days, longest=30, hours=hours) == ():
        assert public_at - policy.closed_from(closes_on, ZONE) >= timedelta(hours=hours)
        assert (closes_on - NOW.date()).days + 1 >= days
        assert (closes_on - NOW.date()).days + 1 <= 30


@pytest.mark.clause("24.5.4")
@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"school": school(ownership="public")}, "round.not_private"),
        ({"ratio": None}, "ratio.not_approved"),
        ({"room": room(plan_places=None)}, "private.no_plan"),
        ({"transferable": 0}, "round.no_places"),
        ({"transferable": 1}, None),
    ],
)
def test_a_list_is_opened_where_there_is_something_to_apply_for(changed: dict[str, Any], code: str | None) -> None:
    asked: dict[str, Any] = {
        "school": school(), "room": room(), "ratio": Fraction(1, 9), "transferable": 3, "year": 2026,
    }  # fmt: skip
    assert [one.code for one in policy.may_be_opened(**asked | changed)] == ([code] if code else [])


@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize(
    ("closes_on", "code"),
    [(date(2026, 9, 1), "round.waits"), (date(2026, 8, 31), "round.none"), (None, "round.none")],
)
def test_one_applies_while_the_list_is_open_its_last_day_too(closes_on: date | None, code: str) -> None:
    found = policy.may_join(closes_on, NOW.date(), "育英学校", 3)
    assert found.code == code and found.cure
    assert (found.outcome is Outcome.REFUSE) == (code == "round.none")


@pytest.mark.clause("24.5.4")
def test_nothing_is_drawn_before_the_value_is_known() -> None:
    assert policy.draw_moment_come(NOW, NOW) is None
    early = policy.draw_moment_come(NOW + timedelta(seconds=1), NOW)
    assert early and early.code == "round.too_early"


@pytest.mark.clause("24.3.1")
@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize(
    ("outcome", "code"),
    [("won", None), (None, "round.undecided"), ("lost", "round.not_won"), ("left", "round.not_won")],
)
def test_only_who_has_won_is_given_a_place(outcome: str | None, code: str | None) -> None:
    found = policy.may_be_seated(outcome, "YH-2026-1-2123010001-3-01")
    assert (found.code if found else None) == code
    assert found is None or found.outcome is Outcome.REFUSE  # nobody overrides it


@pytest.mark.clause("24.5.4")
def test_what_became_of_each_and_what_is_said_of_it() -> None:
    assert [policy.outcome(code, ("C",), ("A",)) for code in "ABC"] == ["won", "lost", "left"]
    assert policy.sent_on("育英学校", 5, 2).outcome is Outcome.NOTE
    assert "公办学校" in (policy.sent_on("育英学校", 5, 2).cure or "")
    assert "随机" in policy.has_place("育英学校", drawn=True).message
    assert "不超过" in policy.has_place("育英学校", drawn=False).message
