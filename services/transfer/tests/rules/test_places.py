"""Places: large schools, full classes, other schools, private schools and their ratio (24.2, 24.3.1, 24.5.2, 24.5.3)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from article24 import (
    DAOLI,
    HERE,
    NANGANG,
    SHANGZHI,
    THERE,
    Asking,
    again,
    against,
    any_asking,
    asked,
    at,
    codes,
    facts,
    one,
    room,
    school,
)
from hypothesis import given
from hypothesis import strategies as st
from regulation.lottery import transferable
from regulation.school_year import SchoolSystem, Stage
from shared_contracts.decisions import Outcome
from shared_contracts.transfer import Step
from transfer.rules.case import Intake
from transfer.rules.judge import to_override
from transfer.rules.places import may_be_sent_to
from transfer.rules.private import (
    free_places,
    has_place,
    most_ratio,
    places,
    places_by_ratio,
    ratio_within_bounds,
    years_of,
)

PRIVATE = school("2123000009", DAOLI, ownership="private")
COMBINED_HERE = school("3123000008", NANGANG, school_type="312", stages=("primary", "junior"))
COMBINED = school("3123000009", DAOLI, school_type="312", stages=("primary", "junior"))


@pytest.mark.clause("24.2.1")
@pytest.mark.parametrize(
    ("to", "most", "pupils", "large"),
    [
        (THERE, 2000, 2000, False),
        (THERE, 2000, 2001, True),
        (COMBINED, 2500, 2500, False),
        (COMBINED, 2500, 2501, True),
    ],
)
def test_a_large_school_takes_nobody_in_principle(to: Any, most: int, pupils: int, large: bool) -> None:
    decision = asked(facts(to=to, room=room(to, school_pupils=pupils, most_pupils=most)))
    assert against(decision) == ({"school.large": "needs_override"} if large else {})
    assert ("room.elsewhere" in codes(decision)) == large
    assert to_override(decision) == (("24.2.1",) if large else ())


@pytest.mark.clause("24.2.2")
@pytest.mark.parametrize(
    ("sizes", "held", "stands"),
    [
        ((45, 44), 0, {}),
        ((45, 45), 0, {"room.full": "needs_override"}),
        ((46, 45), 0, {"room.full": "needs_override"}),
        ((46, 44), 0, {}),  # one class above the standard takes nothing from the other
        ((45, 44), 1, {"room.full": "needs_override"}),  # the last place is another case's
        ((44, 44), 1, {}),
        ((), 0, {"room.no_class": "refuse"}),
    ],
)
def test_all_classes_at_the_standard_are_no_place(sizes: tuple[int, ...], held: int, stands: dict[str, str]) -> None:
    decision = asked(facts(room=room(sizes=sizes, held=held)))
    assert against(decision) == stands
    assert ("room.elsewhere" in codes(decision)) == bool(stands)


@pytest.mark.clause("24.2.2")
def test_a_school_of_which_nothing_is_known_has_no_place() -> None:
    assert against(asked(facts(room=None))) == {"room.no_class": "refuse"}


@pytest.mark.clause("24.5.2")
def test_where_there_is_no_place_the_cure_says_who_sends_the_pupil_elsewhere() -> None:
    found = one(asked(facts(room=room(sizes=(45,)))), "room.elsewhere")
    assert found.clause == "24.5.2"
    assert f"{DAOLI}教育局" in (found.cure or "")
    assert "room.elsewhere" not in codes(asked())


# ---- again, while the case is under way -----------------------------------------------------------------------------------


@pytest.mark.clause("24.2.1", "24.2.2")
@pytest.mark.parametrize("step", [*Step, None])
def test_a_held_place_never_stands_against_itself(step: Step | None) -> None:
    """The registry leaves the case's own seat out: one place is left, and it is this one."""
    assert not against(again(facts(room=room(sizes=(45, 44), school_pupils=2000)), step=step))


@pytest.mark.clause("24.2.1", "24.2.2")
def test_a_school_that_has_filled_up_meanwhile_is_asked_about_again() -> None:
    full = facts(room=room(sizes=(45, 45), school_pupils=2001))
    assert against(again(full)) == {"school.large": "needs_override", "room.full": "needs_override"}
    assert against(again(full, overridden=["24.2.2"])) == {"school.large": "needs_override"}
    assert not against(again(full, overridden=["24.2.1", "24.2.2"]))
    assert not against(again(full, over=True))  # the authority has given the place beyond the standard


@pytest.mark.clause("24.2.2")
@pytest.mark.parametrize(
    ("step", "stands"),
    [
        (Step.RECEIVING_AUTHORITY, {}),  # it gives the place, or sends the pupil elsewhere
        (Step.RELEASING_SCHOOL, {"seat.none": "refuse"}),
        (Step.RELEASING_AUTHORITY, {"seat.none": "refuse"}),
        (None, {"seat.none": "refuse"}),
    ],
)
def test_nobody_approves_after_the_receiving_authority_without_a_place(step: Any, stands: dict[str, str]) -> None:
    assert against(again(step=step, seat=False)) == stands


@pytest.mark.clause("24.6.2", "24.3.4")
@pytest.mark.parametrize(
    ("pupil", "code"),
    [
        (at(HERE, grade=2), "grade.changed"),
        (at(school("2123000005", NANGANG)), "pupil.elsewhere"),
        (at(HERE, state="suspended"), "pupil.suspended"),
        (at(HERE, live=False), "pupil.not_found"),
        (at(THERE), "school.same"),
    ],
)
def test_what_has_become_of_the_pupil_meanwhile_is_looked_at(pupil: Any, code: str) -> None:
    assert against(again(facts(pupil=pupil)))[code] == "refuse"


@pytest.mark.clause("24.6.2")
def test_who_is_promoted_meanwhile_takes_the_seat_along() -> None:
    of = facts(pupil=at(HERE, grade=4), room=room(grade=4))
    assert not against(again(of, on=date(2026, 8, 20)))
    assert one(again(of, on=date(2026, 8, 20)), "grade.promoted").facts == {"grade": 4, "opened": 3}


@pytest.mark.clause("24.6.2")
def test_who_is_promoted_out_of_what_the_school_carries_goes_nowhere() -> None:
    of = facts(pupil=at(COMBINED_HERE, grade=7), to=THERE, room=None)
    decision = again(of, from_school=COMBINED_HERE.code, grade=6, on=date(2026, 8, 20))
    assert against(decision) == {"grade.not_carried": "refuse"}


# ---- re-routing -----------------------------------------------------------------------------------------------------------

NEXT_DOOR = school("2123000004", DAOLI)


@pytest.mark.clause("24.5.2", "24.6.2")
@pytest.mark.parametrize(
    ("to", "grades", "code"),
    [
        (NEXT_DOOR, room(NEXT_DOOR), "reroute.fits"),
        (NEXT_DOOR, room(NEXT_DOOR, sizes=(45, 44)), "reroute.fits"),
        (NEXT_DOOR, room(NEXT_DOOR, sizes=(45, 45)), "reroute.full"),
        (NEXT_DOOR, room(NEXT_DOOR, school_pupils=2001), "reroute.full"),
        (NEXT_DOOR, None, "reroute.grade"),
        (school("2123000004", DAOLI, ownership="private"), room(NEXT_DOOR), "reroute.private"),
        (school("2123000004", SHANGZHI), room(NEXT_DOOR), "reroute.not_supervised"),
        (THERE, room(), "reroute.same"),
        (None, None, "reroute.not_supervised"),
    ],
)
def test_the_authority_sends_to_its_own_public_schools_with_places(to: Any, grades: Any, code: str) -> None:
    found = may_be_sent_to(facts(to=to, room=grades), was=THERE.code, authority=DAOLI)
    assert [f.code for f in found] == [code]


def test_the_authority_does_not_send_a_pupil_back() -> None:
    (found,) = may_be_sent_to(facts(to=HERE, room=room(HERE)), was=THERE.code, authority=NANGANG)
    assert found.code == "reroute.same"


@given(asking=any_asking())
def test_no_pupil_is_ever_sent_where_there_is_no_place(asking: Asking) -> None:
    of, _, _ = asking
    found = may_be_sent_to(of, was=THERE.code, authority=DAOLI)
    if all(f.outcome is Outcome.PASS for f in found):
        assert of.to.ownership == "public"
        assert of.to.authority == DAOLI
        assert of.room.free > 0
        assert of.room.school_pupils <= of.room.most_pupils


# ---- private schools ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(("years", "ratio"), [(6, "1/9"), (5, "1/7"), (4, "1/5"), (3, "1/3")])
def test_the_highest_ratio_is_one_in_twice_the_years_less_three(years: int, ratio: str) -> None:
    assert most_ratio(years) == Fraction(ratio)


def test_a_stage_of_one_year_has_no_term_for_transfers() -> None:
    with pytest.raises(ValueError, match="1 years"):
        most_ratio(1)


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("stage", "system", "years"),
    [("primary", "6-3", 6), ("primary", "5-4", 5), ("junior", "6-3", 3), ("junior", "5-4", 4)],
)
def test_years_of_a_stage_follow_the_system(stage: str, system: str, years: int) -> None:
    assert years_of(Stage(stage), SchoolSystem(system)) == years
    most = most_ratio(years)
    above = Fraction(most.numerator * 1000 + 1, most.denominator * 1000)
    for ratio, code in [
        (most, "ratio.fits"), (Fraction(1, 1000), "ratio.fits"), (above, "ratio.too_high"),
        (Fraction(0), "ratio.none"), (Fraction(-1, 9), "ratio.none"),
    ]:  # fmt: skip
        assert ratio_within_bounds(ratio, Stage(stage), SchoolSystem(system)).code == code


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ({"plan_places": 90}, 10),
        ({"plan_places": 81}, 1),
        ({"plan_places": 80}, 0),
        ({"plan_places": 79}, 0),
        ({"plan_places": None}, 0),
        ({"plan_places": 90, "held": 3}, 7),
        ({"plan_places": 85, "held": 3}, 2),
        ({"plan_places": 200}, 10),  # not above the standard class size
        ({"plan_places": 90, "school_pupils": 1996}, 4),  # nor into a large school
        ({"plan_places": 90, "school_pupils": 2001}, 0),
    ],
)
def test_free_places_are_what_the_plan_leaves_within_the_standard_sizes(changes: Any, free: int) -> None:
    assert free_places(room(PRIVATE, **changes)) == free


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("free", "ratio", "places_"),
    [(8, "1/9", 0), (9, "1/9", 1), (17, "1/9", 1), (18, "1/9", 2), (10, "1/3", 3), (0, "1/3", 0)],
)
def test_a_share_of_a_place_is_none(free: int, ratio: str, places_: int) -> None:
    assert places_by_ratio(free, Fraction(ratio)) == places_


@given(free=st.integers(0, 200), taken=st.integers(0, 200), ratio=st.fractions(0, Fraction(1, 3), max_denominator=60))
def test_rule_and_draw_reckon_alike(free: int, taken: int, ratio: Fraction) -> None:
    """Where the rule lets one more in there is one more to be drawn, and the other way round."""
    of = room(PRIVATE, sizes=(0, 0, 0, 0, 0), plan_places=free, pupils=0)
    assert has_place(of, Intake(ratio=ratio, taken=taken)) == (transferable(free, taken, ratio) > 0)


NINTH = Fraction(1, 9)


@pytest.mark.clause("24.3.1", "24.5.3")
@pytest.mark.parametrize(
    ("changes", "intake", "stands"),
    [
        # 18 free when the year began: two may come
        ({"plan_places": 98, "sizes": (40, 40, 0)}, Intake(ratio=NINTH, taken=0), {}),
        ({"plan_places": 97, "sizes": (40, 40, 0)}, Intake(ratio=NINTH, taken=1), {}),
        ({"plan_places": 96, "sizes": (40, 40, 0)}, Intake(ratio=NINTH, taken=2), {"ratio.used_up": "refuse"}),
        ({"plan_places": 88}, Intake(ratio=NINTH, taken=0), {"ratio.used_up": "refuse"}),  # 8 free: not one whole place
        ({"plan_places": 90}, Intake(ratio=None, taken=0), {"ratio.not_approved": "refuse"}),
        ({"plan_places": 90}, None, {"ratio.not_approved": "refuse"}),
        ({"plan_places": None}, Intake(ratio=NINTH, taken=0),
         {"ratio.used_up": "refuse", "private.no_plan": "refuse"}),
        ({"plan_places": 80}, Intake(ratio=NINTH, taken=0),
         {"ratio.used_up": "refuse", "private.no_place": "refuse"}),
    ],
)  # fmt: skip
def test_nobody_into_a_private_school_beyond_its_ratio(changes: Any, intake: Any, stands: dict[str, str]) -> None:
    of = facts(to=PRIVATE, room=room(PRIVATE, **changes))
    assert against(asked(of, intake=intake)) == stands
    assert against(again(of, intake=intake)) == stands


@pytest.mark.clause("24.5.3")
def test_a_public_school_has_no_ratio() -> None:
    assert not {"ratio.left", "private.place"} & codes(asked(intake=Intake(ratio=NINTH, taken=99)))


@given(
    free=st.integers(-5, 500),
    years=st.sampled_from([3, 4, 5, 6]),
    share=st.fractions(min_value=0, max_value=1, max_denominator=60),
)
def test_a_year_never_takes_more_than_the_highest_ratio(free: int, years: int, share: Fraction) -> None:
    ratio = most_ratio(years) * share
    assert 0 <= places_by_ratio(free, ratio) <= max(free, 0) * most_ratio(years)


@given(asking=any_asking(), ratio=st.none() | st.just(NINTH), taken=st.integers(0, 9))
def test_no_place_is_ever_given_that_is_not_there(asking: Asking, ratio: Any, taken: int) -> None:
    """Without somebody's written word no pupil comes into a large school or a full grade; into a private school beyond
    plan and ratio with nobody's."""
    of, for_, on = asking
    intake = Intake(ratio=ratio, taken=taken)
    for decision in (asked(of, for_, on=on, intake=intake), again(of, on=on, intake=intake)):
        if decision.refused:
            continue
        assert of.room is not None
        assert of.room.sizes
        if of.to.ownership == "private":
            assert of.room.pupils + of.room.held < of.room.plan_places
            assert ratio is not None
            assert taken < places(of.room, intake)
        if not decision.needs_override:
            assert of.room.free > 0
            assert of.room.school_pupils <= of.room.most_pupils
