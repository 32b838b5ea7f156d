"""Special education, special schools and the grade (24.4, 24.6.1, 24.6.2)."""

from __future__ import annotations

from typing import Any

import pytest
from article24 import (
    DAOLI,
    HERE,
    NANGANG,
    QIQIHAR_LONGSHA,
    THERE,
    Asking,
    against,
    any_asking,
    application,
    asked,
    at,
    case,
    codes,
    facts,
    one,
    room,
    school,
)
from hypothesis import given
from regulation.school_year import SchoolSystem, Stage, stage_of
from shared_contracts.holds import Place
from shared_contracts.transfer import Ground
from transfer.rules.placement import PLACEMENTS, kind_of, placement_there

SPECIAL = school("5123000001", NANGANG, school_type="513", special_education=True)
TO_SPECIAL = school("5123000002", DAOLI, school_type="513", special_education=True)
REFORM = school("3723000001", NANGANG, school_type="371", special_school=True)
TO_REFORM = school("3723000002", DAOLI, school_type="371", special_school=True)

EDUCATION, SCHOOL, MOVED = Ground.SPECIAL_EDUCATION, Ground.SPECIAL_SCHOOL, Ground.RESIDENCE_CHANGED


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("here", "mainstreamed", "to", "ground", "stands"),
    [
        (HERE, True, TO_SPECIAL, EDUCATION, {}),
        (HERE, False, TO_SPECIAL, EDUCATION, {"placement.not_mainstreamed": "refuse"}),
        (SPECIAL, False, THERE, EDUCATION, {}),
        (HERE, True, TO_SPECIAL, MOVED, {"placement.special": "refuse"}),
        (SPECIAL, False, THERE, MOVED, {"placement.special": "refuse"}),
        (SPECIAL, False, TO_SPECIAL, MOVED, {}),  # a family that has moved
        (SPECIAL, False, TO_SPECIAL, EDUCATION, {"placement.ordinary": "refuse"}),
        (HERE, False, THERE, EDUCATION, {"placement.ordinary": "refuse"}),
        (HERE, False, TO_REFORM, SCHOOL, {}),
        (REFORM, False, THERE, SCHOOL, {}),
        (HERE, False, TO_REFORM, MOVED, {"placement.special": "refuse"}),
        (HERE, False, TO_REFORM, EDUCATION, {"placement.special": "refuse"}),
        (HERE, False, THERE, SCHOOL, {"placement.ordinary": "refuse"}),
    ],
)
def test_a_placement_goes_from_one_kind_of_school_to_another(
    here: Any, mainstreamed: bool, to: Any, ground: Ground, stands: Any
) -> None:
    of = facts(pupil=at(here, mainstreamed=mainstreamed), to=to, room=room(to))
    assert against(asked(of, application(ground, agreed=True))) == stands


@pytest.mark.clause("24.4", "24.6.1")
@pytest.mark.parametrize(
    ("here", "to", "ground", "moves", "agreed", "stands"),
    [
        (HERE, TO_SPECIAL, EDUCATION, True, False, {}),  # 可以转入新学校，也可保留在原学校
        (HERE, TO_SPECIAL, EDUCATION, False, False, {}),
        (SPECIAL, THERE, EDUCATION, False, False, {}),
        (HERE, TO_REFORM, SCHOOL, True, True, {}),  # 由原学校与法定监护人商定
        (HERE, TO_REFORM, SCHOOL, False, True, {}),
        (HERE, TO_REFORM, SCHOOL, True, False, {"record.not_agreed": "refuse"}),
        (HERE, TO_REFORM, SCHOOL, False, False, {"record.not_agreed": "refuse"}),
        (REFORM, THERE, SCHOOL, True, False, {}),
        (REFORM, THERE, SCHOOL, False, False, {"record.leaves": "refuse"}),
        (HERE, THERE, MOVED, True, False, {}),
        (HERE, THERE, MOVED, False, True, {"record.must_move": "refuse"}),  # 籍随人走
    ],
)
def test_the_record_stays_only_where_the_law_leaves_the_choice(
    here: Any, to: Any, ground: Ground, moves: bool, agreed: bool, stands: Any
) -> None:
    of = facts(pupil=at(here, mainstreamed=True), to=to, room=room(to))
    assert against(asked(of, application(ground, record_moves=moves, agreed=agreed))) == stands


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("here", "placement", "to", "there"),
    [
        (HERE, "ordinary", THERE, "ordinary"),
        (HERE, "mainstreamed", THERE, "mainstreamed"),
        (HERE, "mainstreamed", TO_SPECIAL, "special_school"),
        (SPECIAL, "special_school", THERE, "mainstreamed"),
        (SPECIAL, "home_teaching", TO_SPECIAL, "home_teaching"),
        (HERE, "ordinary", TO_REFORM, "ordinary"),
    ],
)
def test_how_the_pupil_is_placed_there(here: Any, placement: str, to: Any, there: str) -> None:
    assert placement_there(case(facts(pupil=at(here, placement=placement), to=to))) == there


@pytest.mark.clause("24.5.1")
def test_to_ones_own_school_nobody_is_transferred() -> None:
    assert against(asked(facts(to=HERE, room=room(HERE))))["school.same"] == "refuse"


SIX_THREE = school("3123000001", NANGANG, stages=("primary", "junior"))
FIVE_FOUR = school("3123000001", NANGANG, stages=("primary", "junior"), system="5-4")
PRIMARY_OF_SIX = school("2123000002", QIQIHAR_LONGSHA)
PRIMARY_OF_FIVE = school("2123000002", QIQIHAR_LONGSHA, system="5-4")
JUNIOR_OF_THREE = school("3123000002", QIQIHAR_LONGSHA, stages=("junior",))
JUNIOR_OF_FOUR = school("3123000002", QIQIHAR_LONGSHA, stages=("junior",), system="5-4")


@pytest.mark.clause("24.6.2")
@pytest.mark.parametrize(
    ("here", "grade", "to", "stage"),
    [
        (SIX_THREE, 5, PRIMARY_OF_FIVE, "primary"),
        (SIX_THREE, 6, PRIMARY_OF_FIVE, None),  # grade 6 is not there
        (SIX_THREE, 6, JUNIOR_OF_FOUR, "junior"),  # the last of primary school goes to the first of four junior years
        (SIX_THREE, 7, JUNIOR_OF_FOUR, "junior"),
        (FIVE_FOUR, 5, PRIMARY_OF_SIX, "primary"),
        (FIVE_FOUR, 6, PRIMARY_OF_SIX, "primary"),
        (FIVE_FOUR, 6, JUNIOR_OF_THREE, None),
        (FIVE_FOUR, 7, JUNIOR_OF_THREE, "junior"),
        (FIVE_FOUR, 9, PRIMARY_OF_SIX, None),
    ],
)
def test_the_grade_stays_and_the_stage_follows_the_school(here: Any, grade: int, to: Any, stage: str | None) -> None:
    of = facts(pupil=at(here, grade=grade), to=to, room=None if stage is None else room(to, grade=grade))
    decision = asked(of, application(residence=Place(division=QIQIHAR_LONGSHA, address="1")))
    if stage is None:
        assert against(decision) == {"grade.not_carried": "refuse"}
        return
    assert not [c for c, o in against(decision).items() if o == "refuse"]
    assert one(decision, "grade.same").facts == {"grade": grade, "stage": stage}
    assert ("grade.other_stage" in codes(decision)) == (stage != of.pupil.stage if of.pupil else False)


@pytest.mark.clause("24.6.2")
def test_a_pupil_in_no_class_has_no_grade_to_go_into() -> None:
    pupil = at(HERE)
    import msgspec

    decision = asked(facts(pupil=msgspec.structs.replace(pupil, grade=None, class_no=None), room=None))
    assert against(decision) == {"grade.unknown": "refuse"}


# ---- what never happens -------------------------------------------------------------------------------------------------


@given(asking=any_asking())
def test_no_record_stays_behind_and_no_grade_changes_against_the_law(asking: Asking) -> None:
    of, for_, on = asking
    decision = asked(of, for_, on=on)
    if decision.refused:
        return
    assert of.pupil.school.code != of.to.code
    assert stage_of(of.pupil.grade, SchoolSystem(of.to.system)) in {Stage(stage) for stage in of.to.stages}
    assert one(decision, "grade.same").facts["grade"] == of.pupil.grade
    crossing = kind_of(of.pupil.school) != kind_of(of.to)
    assert crossing == (for_.ground in PLACEMENTS)
    if not for_.record_moves:
        assert crossing
        assert kind_of(of.pupil.school) != "special_school"
    if kind_of(of.to) == "special_school" and crossing:
        assert for_.agreed
