"""Who is not transferred (24.3.1 to 24.3.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from article24 import (
    DAOLI,
    HERE,
    NANGANG,
    PUPIL,
    QIQIHAR_LONGSHA,
    TODAY,
    Asking,
    against,
    any_asking,
    application,
    asked,
    at,
    codes,
    facts,
    law,
    one,
    room,
    school,
)
from hypothesis import given
from regulation.school_year import age_on
from shared_contracts.decisions import Outcome
from shared_contracts.holds import Covers, Place
from shared_contracts.transfer import Ground
from transfer.rules.judge import seen_by_school

BIRTHDAY = date(2010, 3, 2)


@pytest.mark.clause("24.3.1")
@pytest.mark.parametrize(
    ("on", "alone", "stands"),
    [
        (date(2026, 3, 1), True, {"household.alone": "refuse"}),  # fifteen
        (date(2026, 3, 2), True, {}),  # sixteen today
        (date(2026, 3, 1), False, {}),
        (date(2026, 3, 2), False, {}),
    ],
)
def test_under_sixteen_nobody_alone_in_the_household_is_transferred(
    on: date, alone: bool, stands: dict[str, str]
) -> None:
    of = facts(pupil=at(HERE, birth_date=BIRTHDAY))
    assert against(asked(of, application(alone_in_household=alone), on=on)) == stands


@pytest.mark.clause("24.3.1")
def test_the_age_is_a_dated_parameter() -> None:
    of, alone = facts(pupil=at(HERE, birth_date=date(2011, 3, 2))), application(alone_in_household=True)
    assert against(asked(of, alone, parameters=law(alone_in_household_age=15))) == {}
    assert against(asked(of, alone, parameters=law(alone_in_household_age=16))) == {"household.alone": "refuse"}


OTHER_ZONE = Covers(from_school=False, to_school=False, zone_school="2123000077")


@pytest.mark.clause("24.3.1")
@pytest.mark.parametrize(
    ("of", "for_", "signs"),
    [
        (facts(), application(), {"choice.no_sign"}),
        (facts(covers=OTHER_ZONE), application(), {"choice.not_the_zone"}),
        (facts(covers=Covers(from_school=False)), application(), {"choice.no_sign"}),  # there are no zones
        (facts(), application(residence=Place(division=QIQIHAR_LONGSHA, address="1")), {"choice.elsewhere"}),
        (facts(), application(Ground.HOUSEHOLD_MOVED), {"choice.no_sign"}),
        (facts(), application(Ground.HOUSEHOLD_MOVED, residence=Place(division=NANGANG, address="1")),
         {"choice.household_only"}),
        (facts(pupil=at(HERE, at_school_since=date(2025, 9, 1))), application(), {"choice.again"}),
        (facts(pupil=at(HERE, at_school_since=date(2025, 8, 31))), application(), {"choice.no_sign"}),
        (facts(pupil=at(HERE, at_school_since=None)), application(), {"choice.no_sign"}),
        # everybody in grade 1 came this year
        (facts(pupil=at(HERE, grade=1, at_school_since=date(2025, 9, 1)), room=room(grade=1)), application(),
         {"choice.no_sign"}),
    ],
)  # fmt: skip
def test_signs_of_choosing_a_school_are_shown_to_whoever_decides(of: Any, for_: Any, signs: set[str]) -> None:
    decision = asked(of, for_)
    assert {code for code in codes(decision) if code.startswith("choice.")} == signs
    assert not against(decision)  # nobody can see it in the data alone
    assert not any(code.startswith("choice.") for code in codes(seen_by_school(decision)))


def junior(code: str, division: str, **changes: Any) -> Any:
    return school(code, division, stages=("junior",), **changes)


HERE_JUNIOR, NEXT_JUNIOR = junior("3123000001", NANGANG), junior("3123000002", NANGANG)
NEAR = application(residence=Place(division=NANGANG, address="大直街9号"))


@pytest.mark.clause("24.3.2")
@pytest.mark.parametrize(
    ("here", "to", "grade", "stands"),
    [
        (HERE_JUNIOR, NEXT_JUNIOR, 8, {"junior.within_county": "needs_override"}),
        (HERE_JUNIOR, junior("3123000002", DAOLI), 8, {}),  # another county
        (junior("3123000001", NANGANG, locality="town"), NEXT_JUNIOR, 8, {}),
        (junior("3123000001", NANGANG, locality="rural"), NEXT_JUNIOR, 8, {}),
        (school("2123000001", NANGANG), school("2123000002", NANGANG), 4, {}),  # primary
        # grade 6 is junior in a 5-4 school
        (school("3123000001", NANGANG, stages=("primary", "junior"), system="5-4"),
         school("3123000002", NANGANG, stages=("primary", "junior"), system="5-4"), 6,
         {"junior.within_county": "needs_override"}),
    ],
)  # fmt: skip
def test_urban_juniors_stay_inside_the_county_in_principle(here: Any, to: Any, grade: int, stands: Any) -> None:
    of = facts(pupil=at(here, grade=grade), to=to, room=room(to, grade=grade), covers=Covers(from_school=False))
    assert against(asked(of, NEAR)) == stands


@pytest.mark.clause("24.3.2", "24.4")
def test_a_placement_in_special_education_is_no_move() -> None:
    to = junior("5123000002", NANGANG, special_education=True)
    pupil = at(HERE_JUNIOR, grade=8, mainstreamed=True)
    decision = asked(facts(pupil=pupil, to=to, room=room(to, grade=8)), application(Ground.SPECIAL_EDUCATION))
    assert not against(decision)


# ---- 24.3.3: starting and graduating grades ------------------------------------------------------------------------------

SIX_THREE = school("3123000001", NANGANG, stages=("primary", "junior"), locality="town")
FIVE_FOUR = school("3123000001", NANGANG, stages=("primary", "junior"), system="5-4", locality="town")
TO_SIX_THREE = school("3123000002", NANGANG, stages=("primary", "junior"))
TO_FIVE_FOUR = school("3123000002", NANGANG, stages=("primary", "junior"), system="5-4")
ELSEWHERE = school("3123000002", QIQIHAR_LONGSHA, stages=("primary", "junior"))
FIRST_TERM = {"grade.first_term": "needs_override"}
GRADUATING = {"grade.graduating": "needs_override"}


@pytest.mark.clause("24.3.3")
@pytest.mark.parametrize(
    ("here", "to", "grade", "on", "stands"),
    [
        (SIX_THREE, ELSEWHERE, 1, date(2025, 9, 1), FIRST_TERM),
        (SIX_THREE, ELSEWHERE, 1, date(2026, 1, 15), FIRST_TERM),  # the term's last day
        (SIX_THREE, ELSEWHERE, 1, date(2026, 1, 16), {}),  # the holidays
        (SIX_THREE, ELSEWHERE, 1, date(2026, 3, 1), {}),
        (SIX_THREE, ELSEWHERE, 7, date(2025, 12, 1), FIRST_TERM),
        (SIX_THREE, ELSEWHERE, 2, date(2025, 12, 1), {}),
        (SIX_THREE, ELSEWHERE, 6, date(2025, 12, 1), {}),
        # promoted in August, before the term has begun
        (SIX_THREE, ELSEWHERE, 7, date(2026, 8, 15), FIRST_TERM),
        (SIX_THREE, ELSEWHERE, 8, date(2026, 8, 15), {}),
        # 5-4: the junior stage starts with grade 6
        (FIVE_FOUR, school("3123000002", QIQIHAR_LONGSHA, stages=("primary", "junior"), system="5-4"), 6,
         date(2025, 12, 1), FIRST_TERM),
        (FIVE_FOUR, school("3123000002", QIQIHAR_LONGSHA, stages=("primary", "junior"), system="5-4"), 7,
         date(2025, 12, 1), {}),
        # of either school: there it starts, though here it does not
        (SIX_THREE, school("3123000002", QIQIHAR_LONGSHA, stages=("primary", "junior"), system="5-4"), 6,
         date(2025, 12, 1), FIRST_TERM),
    ],
)  # fmt: skip
def test_nobody_leaves_a_starting_grade_in_its_first_term(
    here: Any, to: Any, grade: int, on: date, stands: Any
) -> None:
    of = facts(pupil=at(here, grade=grade), to=to, room=room(to, grade=grade))
    assert against(asked(of, application(residence=Place(division=QIQIHAR_LONGSHA, address="1")), on=on)) == stands


@pytest.mark.clause("24.3.3")
@pytest.mark.parametrize(
    ("here", "to", "grade", "stands"),
    [
        (SIX_THREE, TO_SIX_THREE, 6, GRADUATING),
        (SIX_THREE, TO_SIX_THREE, 9, GRADUATING),
        (SIX_THREE, TO_SIX_THREE, 5, {}),
        (SIX_THREE, TO_SIX_THREE, 8, {}),
        (FIVE_FOUR, TO_FIVE_FOUR, 5, GRADUATING),
        (FIVE_FOUR, TO_FIVE_FOUR, 9, GRADUATING),
        (FIVE_FOUR, TO_FIVE_FOUR, 6, {}),
        (FIVE_FOUR, TO_SIX_THREE, 6, GRADUATING),  # the last of primary school there
        (FIVE_FOUR, TO_SIX_THREE, 5, GRADUATING),  # the last of primary school here
        (SIX_THREE, ELSEWHERE, 6, {}),  # another county
        (SIX_THREE, ELSEWHERE, 9, {}),
    ],
)
def test_graduating_grades_stay_inside_the_county(here: Any, to: Any, grade: int, stands: Any) -> None:
    place = Place(division=to.division, address="1")
    of = facts(pupil=at(here, grade=grade), to=to, room=room(to, grade=grade), covers=Covers(from_school=False))
    assert against(asked(of, application(residence=place))) == stands


def test_without_the_calendar_of_the_grades_year_nothing_is_said() -> None:
    from transfer.rules.judge import judge

    of = facts(pupil=at(SIX_THREE, grade=1), to=ELSEWHERE, room=room(ELSEWHERE, grade=1))
    with pytest.raises(LookupError, match="2025"):
        judge(of, application(), law(), (), TODAY)


@pytest.mark.clause("24.3.4")
@pytest.mark.parametrize(
    ("state", "stands"),
    [("in_school", {}), ("suspended", {"pupil.suspended": "refuse"}), ("retained", {"pupil.retained": "refuse"})],
)
def test_nobody_is_transferred_while_suspended(state: str, stands: dict[str, str]) -> None:
    assert against(asked(facts(pupil=at(HERE, state=state)))) == stands


# ---- what never happens -------------------------------------------------------------------------------------------------


@given(asking=any_asking())
def test_whom_the_law_bars_is_never_let_through(asking: Asking) -> None:
    of, for_, on = asking
    decision = asked(of, for_, on=on)
    if decision.refused:
        return
    pupil = of.pupil
    assert pupil.state != "suspended"
    assert not (for_.alone_in_household and age_on(pupil.birth_date, on) < 16)
    within = pupil.school.division == of.to.division
    if not decision.needs_override:
        moves = for_.ground not in (Ground.SPECIAL_EDUCATION, Ground.SPECIAL_SCHOOL)
        assert not (moves and within and pupil.stage == "junior" and pupil.school.locality == "urban")
        assert not (within and pupil.grade in pupil.school.graduating_grades)
        assert not (pupil.grade in pupil.school.entry_grades and (on.month >= 8 or (on.month, on.day) <= (1, 15)))


def test_the_sign_of_a_pupil_who_has_only_just_come_never_reaches_the_school() -> None:
    decision = asked(facts(pupil=at(HERE, at_school_since=date(2025, 10, 1))))
    assert one(decision, "choice.again").outcome is Outcome.NOTE
    assert "choice.again" not in codes(seen_by_school(decision))
    assert PUPIL.at_school_since is not None
