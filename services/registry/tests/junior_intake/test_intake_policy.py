"""Rules of junior intake, on both sides of every boundary."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_world import FIVE_FOUR_JUNIOR, JUNIOR, SCHOOL
from registry.junior_intake import policy
from regulation.parameters import Parameters

COUNTY, YEAR = "230102", 2026
PUPIL = policy.Graduate(
    id="s", name="王小明", student_number="G2**", school=SCHOOL.code, school_name=SCHOOL.name, authority=COUNTY,
    system="6-3", stage="primary", state="in_school", live=True, grade=6, class_no=1, cohort=2020, in_list=None,
)  # fmt: skip


def faults(target: Any = JUNIOR, first_row: int | None = None, name: str = "", **changes: Any) -> list[str]:
    pupil = msgspec.structs.replace(PUPIL, **changes)
    found = policy.row_faults(pupil, target, named="x", county=COUNTY, year=YEAR, first_row=first_row, name=name)
    assert all(f.clause and f.cure for f in found)
    return [f.code.removeprefix("intake.") for f in found]


@pytest.mark.clause("12")
@pytest.mark.clause("16")
@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, True),
        ({"grade": 5}, False),
        ({"grade": None}, False),
        ({"cohort": 2021}, False),  # in the last grade, but next summer's
        ({"cohort": 2019}, False),
        ({"stage": "junior", "grade": 7}, False),
        ({"live": False, "state": "graduated", "grade": None}, True),
        ({"live": False, "state": "graduated", "grade": None, "cohort": 2019}, False),
        ({"live": False, "state": "completed", "grade": None}, False),
        ({"live": False, "state": "cancelled", "grade": None}, False),
        ({"system": "5-4", "grade": 5, "cohort": 2021}, True),
        ({"system": "5-4", "grade": 6, "cohort": 2020}, False),
    ],
)
def test_who_is_of_this_summer_s_graduates(changes: dict[str, Any], fine: bool) -> None:
    assert policy.graduates(msgspec.structs.replace(PUPIL, **changes), YEAR) == fine


@pytest.mark.clause("16")
@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ({}, []),
        ({"name": "王小明"}, []),
        ({"name": "李小明"}, ["another_name"]),
        ({"authority": "230103"}, ["out_of_reach"]),
        ({"authority": None}, ["out_of_reach"]),
        ({"elsewhere": True}, ["elsewhere"]),
        ({"first_row": 3}, ["twice"]),
        ({"in_list": "另一份名单"}, ["in_list"]),
        ({"target": None}, ["no_such_school"]),
        ({"target": SCHOOL}, ["no_junior_stage"]),
        ({"target": msgspec.structs.replace(JUNIOR, authority="230103", division="230103")}, ["target_elsewhere"]),
        ({"target": msgspec.structs.replace(JUNIOR, authority="230100")}, []),  # the city's own, in the county
        ({"target": FIVE_FOUR_JUNIOR}, ["another_system"]),
        ({"target": FIVE_FOUR_JUNIOR, "system": "5-4", "grade": 5, "cohort": 2021}, []),
        ({"system": "5-4", "grade": 5, "cohort": 2021}, ["another_system"]),
    ],
)
def test_a_row(given_: dict[str, Any], wanted: list[str]) -> None:
    assert faults(**given_) == wanted


@pytest.mark.clause("4.3")
@pytest.mark.parametrize(("pupils", "free", "fine"), [(45, 45, True), (46, 45, False), (1, 0, False), (1, None, False)])
def test_places(pupils: int, free: int | None, fine: bool) -> None:
    assert (policy.places_faults("初中", pupils, free) == ()) == fine


@pytest.mark.clause("4.1")
@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_never_outside_the_window(day: date) -> None:
    inside = date(2026, 7, 1) <= day <= date(2026, 9, 30)
    assert (policy.window_faults(day, Parameters.for_(COUNTY, day)) == ()) == inside


@pytest.mark.clause("16")
@given(
    st.sampled_from(["primary", "junior"]),
    st.sampled_from(["in_school", "graduated", "completed", "cancelled"]),
    st.integers(1, 9) | st.none(),
    st.integers(2010, 2026),
    st.sampled_from(["6-3", "5-4"]),
)
def test_nobody_goes_on_who_has_not_finished_primary_school(
    stage: str, state: str, grade: int | None, cohort: int, system: str
) -> None:
    pupil = msgspec.structs.replace(
        PUPIL, stage=stage, state=state, live=state == "in_school", grade=grade, cohort=cohort, system=system
    )
    if policy.graduates(pupil, YEAR):
        assert stage == "primary" and state in ("in_school", "graduated")
        assert YEAR - cohort == (6 if system == "6-3" else 5)
        assert state == "graduated" or grade == YEAR - cohort
