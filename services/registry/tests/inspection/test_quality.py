"""Every rule on both sides of its boundary, and what no rule may ever do (clauses 3.4, 3.5, 14, 17, 20.2, 21.1)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.inspection import quality
from registry.inspection.quality import RecordFacts, SchoolFacts
from regulation.parameters import Parameters
from shared_contracts.inspection import Issue

TODAY = date(2026, 11, 2)
PARAMETERS = Parameters.for_("230102", TODAY)
FORM = {
    "member1_name": "王大明", "member1_phone": "13800000000", "member1_guardian": "1", "household_place": "230102000000",
    "household_kind": "1", "source": "1", "distance_km": "1", "commute": "1", "disability": "1", "left_behind": "0",
}  # fmt: skip


def facts(form: dict[str, str] | None = None, **changes: Any) -> RecordFacts:
    values: dict[str, Any] = {
        "birth_date": date(2020, 3, 5),
        "school_year": 2026,
        "grade": 1,
        "placement": "ordinary",
        "document_kind": "1",
        "documented": True,
        "verification": "matched",
        "registered_on": TODAY - timedelta(days=40),
        "updated_on": TODAY - timedelta(days=40),
        "to_correct": False,
        "entered_late": False,
        "form": FORM | (form or {}),
        "today": TODAY,
        "parameters": PARAMETERS,
    }
    return RecordFacts(**(values | changes))


def codes(record: RecordFacts) -> list[str]:
    return [issue.code for issue in quality.examine(record)]


@pytest.mark.clause("3.5")
def test_a_record_that_is_in_order_has_a_hundred_points() -> None:
    assert quality.examine(facts()) == ()
    assert quality.score(()) == 100


WAITING = PARAMETERS.quality_waiting_days
STALE = PARAMETERS.quality_stale_days


@pytest.mark.clause("3.5")
@pytest.mark.parametrize(
    ("found", "changed"),
    [
        pytest.param("missing.guardian", facts({"member1_name": ""}), marks=pytest.mark.clause("14")),
        (None, facts({"member1_name": "", "member2_name": "李", "member2_phone": "1", "member2_guardian": "1"})),
        ("missing.guardian_phone", facts({"member1_phone": ""})),
        (None, facts({"member1_phone": "", "member2_name": "李", "member2_phone": "13800000001"})),
        ("missing.document", facts(documented=False, document_kind="Z")),
        (None, facts(document_kind="Z")),
        ("missing.household", facts({"household_kind": ""})),
        (None, facts({"household_kind": ""}, document_kind="6")),
        ("missing.source", facts({"source": ""})),
        ("missing.commute", facts({"commute": ""})),
        ("missing.class", facts(grade=None)),
        pytest.param("inconsistent.placement", facts({"disability": "2"}), marks=pytest.mark.clause("17")),
        (None, facts({"disability": "2"}, placement="mainstreamed")),
        ("inconsistent.placement", facts(placement="mainstreamed")),
        ("inconsistent.guardian", facts({"member1_guardian": "0"})),
        ("inconsistent.left_behind", facts({"left_behind": "2", "migrant_child": "1"})),
        (None, facts({"left_behind": "2", "migrant_child": "0"})),
        (None, facts({"left_behind": "0", "migrant_child": "1"})),
        (None, facts(verification="unavailable", registered_on=TODAY - timedelta(days=WAITING))),
        pytest.param(
            "stale.verification",
            facts(verification="unavailable", registered_on=TODAY - timedelta(days=WAITING + 1)),
            marks=pytest.mark.clause("15.3"),
        ),
        (None, facts(to_correct=True, registered_on=TODAY - timedelta(days=WAITING))),
        ("stale.correction", facts(to_correct=True, registered_on=TODAY - timedelta(days=WAITING + 1))),
        (None, facts(updated_on=TODAY - timedelta(days=STALE))),
        pytest.param(
            "stale.record", facts(updated_on=TODAY - timedelta(days=STALE + 1)), marks=pytest.mark.clause("21.1")
        ),
        pytest.param("suspicious.not_found", facts(verification="not_found"), marks=pytest.mark.clause("20.1")),
        pytest.param("suspicious.late", facts(entered_late=True), marks=pytest.mark.clause("13.1")),
    ],
)
def test_each_rule_on_both_sides(found: str | None, changed: RecordFacts) -> None:
    assert codes(changed) == ([found] if found else [])


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(
    ("born", "grade", "is_found"),
    [
        (date(2020, 8, 31), 1, False),
        (date(2020, 9, 1), 1, False),  # a year early is within the tolerance
        (date(2021, 9, 1), 1, True),
        (date(2018, 3, 5), 1, False),  # two years late: entered at seven, or resumed
        (date(2017, 3, 5), 1, True),
        (date(2014, 3, 5), 7, False),
        (date(2014, 3, 5), 9, True),
    ],
)
def test_the_grade_and_the_age(born: date, grade: int, is_found: bool) -> None:
    assert codes(facts(birth_date=born, grade=grade)) == (["inconsistent.age"] if is_found else [])


@pytest.mark.clause("20.2")
def test_a_disabled_child_may_be_older_and_never_too_young() -> None:
    disabled = {"disability": "2"}
    assert codes(facts(disabled, placement="mainstreamed", birth_date=date(2012, 3, 5))) == []
    assert codes(facts(disabled, placement="mainstreamed", birth_date=date(2022, 3, 5))) == ["inconsistent.age"]


def school(**changes: Any) -> SchoolFacts:
    values: dict[str, Any] = {
        "classes": ((45, 45), (50, 50)), "records": 100, "temporary": 0, "large_from": 2000, "parameters": PARAMETERS,
    }  # fmt: skip
    return SchoolFacts(**(values | changes))


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (None, school()),
        pytest.param("school.class_size", school(classes=((46, 45),)), marks=pytest.mark.clause("11")),
        (None, school(records=2000)),
        pytest.param("school.large", school(records=2001), marks=pytest.mark.clause("24.2.1")),
        (None, school(temporary=PARAMETERS.quality_temporary_percent)),
        pytest.param(
            "school.temporary",
            school(temporary=PARAMETERS.quality_temporary_percent + 1),
            marks=pytest.mark.clause("15.3"),
        ),
    ],
)
def test_a_school_as_a_whole(found: str | None, changed: SchoolFacts) -> None:
    assert [issue.code for issue in quality.examine_school(changed)] == ([found] if found else [])


@pytest.mark.clause("3.4")
@pytest.mark.clause("3.5")
def test_a_school_without_pupils_is_charged_with_nothing_but_itself() -> None:
    assert quality.school_score(0, 0, ()) == 100
    assert quality.school_score(2, 150, ()) == 75
    assert quality.school_score(2, 150, (quality.CATALOGUE["school.class_size"],)) == 65


forms = st.dictionaries(
    st.sampled_from(sorted({*FORM, "member2_name", "member2_phone", "migrant_child"})),
    st.sampled_from(["", "0", "1", "2"]),
)
records = st.builds(
    facts,
    forms,
    birth_date=st.dates(date(2005, 1, 1), date(2025, 1, 1)),
    grade=st.none() | st.integers(1, 9),
    placement=st.sampled_from(["ordinary", "mainstreamed", "special_school", "home_teaching"]),
    documented=st.booleans(),
    verification=st.sampled_from(["matched", "pending", "unavailable", "not_found", "name_mismatch", "not_matchable"]),
    to_correct=st.booleans(),
    entered_late=st.booleans(),
)


@pytest.mark.clause("3.5")
@given(records)
def test_a_score_is_of_a_hundred_and_nothing_is_found_twice(record: RecordFacts) -> None:
    found = quality.examine(record)
    assert 0 <= quality.score(found) <= 100
    assert len({issue.code for issue in found}) == len(found)
    assert (quality.score(found) == 100) == (found == ())


@pytest.mark.clause("3.5")
@given(records, st.integers(0, len(quality.RECORD_RULES)))
def test_mending_something_never_costs_points(record: RecordFacts, _: int) -> None:
    """Whoever fills in what is missing has no less than before."""
    before = quality.score(quality.examine(record))
    filled = facts({**record.form, **{key: value for key, value in FORM.items() if not record.form.get(key)}})
    after: tuple[Issue, ...] = quality.examine(
        RecordFacts(**{**{name: getattr(record, name) for name in record.__struct_fields__}, "form": filled.form})
    )
    assert quality.score(after) >= before
