"""The rules of plans, each at its boundary, in the order of the articles."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.enrolment.plans.policy import PlanFacts, decide
from registry_world import SCHOOL
from regulation.parameters import Parameters
from regulation.school_year import SchoolSystem, Stage

PARAMETERS = Parameters.for_("230102", date(2026, 8, 10))
JUNIOR = msgspec.structs.replace(SCHOOL, school_type="311", stages=(Stage.JUNIOR,))
NINE = msgspec.structs.replace(SCHOOL, school_type="312", stages=(Stage.PRIMARY, Stage.JUNIOR))


def facts(**changes: Any) -> PlanFacts:
    values: dict[str, Any] = {
        "school": SCHOOL,
        "stage": Stage.PRIMARY,
        "school_year": 2026,
        "this_year": 2026,
        "classes": 2,
        "places": 90,
        "taken": 0,
        "staying": 300,
        "present": 350,
        "other_places": 0,
        "parameters": PARAMETERS,
    }
    return PlanFacts(**values | changes)


def refusals(**changes: Any) -> list[str]:
    return [f.code for f in decide(facts(**changes)).findings if f.outcome == "refuse"]


def test_an_ordinary_plan_passes_all():
    decision = decide(facts())
    assert [finding.clause for finding in decision.findings] == ["2", "4.1", "4.2", "4.2", "4.3"]
    assert not decision.refused


@pytest.mark.clause("2")
@pytest.mark.parametrize(
    ("school", "stage", "expected"),
    [
        (SCHOOL, Stage.PRIMARY, []),
        (SCHOOL, Stage.JUNIOR, ["plan.stage_not_carried"]),
        (JUNIOR, Stage.JUNIOR, []),
        (JUNIOR, Stage.PRIMARY, ["plan.stage_not_carried"]),
        (NINE, Stage.JUNIOR, []),
    ],
)
def test_only_for_a_stage_that_the_school_carries(school, stage, expected):
    assert refusals(school=school, stage=stage) == expected


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(("year", "expected"), [(2025, 1), (2026, 0), (2027, 0), (2028, 1)])
def test_only_for_this_school_year_or_the_next(year, expected):
    assert refusals(school_year=year) == ["plan.wrong_year"] * expected


@pytest.mark.clause("4.2", "11")
@pytest.mark.parametrize(
    ("school", "stage", "classes", "places", "expected"),
    [
        (SCHOOL, Stage.PRIMARY, 1, 45, 0),
        (SCHOOL, Stage.PRIMARY, 1, 46, 1),
        (SCHOOL, Stage.PRIMARY, 3, 135, 0),
        (SCHOOL, Stage.PRIMARY, 3, 136, 1),
        (JUNIOR, Stage.JUNIOR, 1, 50, 0),
        (JUNIOR, Stage.JUNIOR, 1, 51, 1),
        (SCHOOL, Stage.PRIMARY, 0, 0, 0),
        (SCHOOL, Stage.PRIMARY, 0, 1, 1),
    ],
)
def test_no_class_above_the_standard_size(school, stage, classes, places, expected):
    found = refusals(school=school, stage=stage, classes=classes, places=places)
    assert found == ["plan.over_size_classes"] * expected


@pytest.mark.clause("4.2", "11")
def test_a_county_with_smaller_classes_is_held_to_them():
    smaller = msgspec.structs.replace(PARAMETERS, class_size_primary=40)
    assert refusals(parameters=smaller, classes=2, places=80) == []
    assert refusals(parameters=smaller, classes=2, places=81) == ["plan.over_size_classes"]


@pytest.mark.clause("4.2", "24.2.1")
@pytest.mark.parametrize(
    ("school", "staying", "other", "places", "expected"),
    [
        (SCHOOL, 1910, 0, 90, 0),  # 2000
        (SCHOOL, 1911, 0, 90, 1),  # 2001
        (NINE, 2410, 0, 90, 0),  # 2500
        (NINE, 2411, 0, 90, 1),
        (NINE, 2310, 100, 90, 0),  # with what is planned for its other stage
        (NINE, 2310, 101, 90, 1),
    ],
)
def test_no_new_large_school(school, staying, other, places, expected):
    found = refusals(school=school, staying=staying, present=staying, other_places=other, places=places)
    assert found == ["plan.large_school"] * expected


@pytest.mark.clause("4.2", "24.2.1")
@pytest.mark.parametrize(("places", "expected"), [(90, 0), (91, 1)])
def test_a_school_above_the_limit_may_not_grow(places, expected):
    found = refusals(present=2200, staying=2110, classes=3, places=places)
    assert found == ["plan.large_school"] * expected


@pytest.mark.clause("4.3")
@pytest.mark.parametrize(("taken", "expected"), [(90, 0), (91, 1)])
def test_never_below_the_places_taken(taken, expected):
    assert refusals(taken=taken) == ["plan.below_taken"] * expected


@pytest.mark.clause("4.2")
@given(
    system=st.sampled_from(list(SchoolSystem)),
    classes=st.integers(0, 60),
    places=st.integers(0, 3_000),
    staying=st.integers(0, 3_000),
    present=st.integers(0, 3_000),
    taken=st.integers(0, 200),
)
def test_what_is_allowed_never_makes_a_class_or_a_school_too_large(system, classes, places, staying, present, taken):
    """And whatever is allowed is allowed with a place less too, as long as nobody has it."""
    values = {"school": msgspec.structs.replace(SCHOOL, system=system), "staying": staying, "present": present}
    numbers = {"classes": classes, "places": places, "taken": taken}
    if refusals(**values, **numbers):
        return
    assert places <= classes * 45
    assert staying + places <= max(2000, present)
    assert places >= taken
    if places > taken:
        assert not refusals(**values, classes=classes, places=places - 1, taken=taken)
