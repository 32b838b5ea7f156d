"""The rules of registration, each at its boundary, in the order of the articles."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.organisations.facts import SchoolFacts
from registry.registration.policy import decide, entry_deadline
from registry.registration.situation import (
    Enrolment,
    PersonFacts,
    RegistrationFacts,
    registration_kind,
    registration_year,
)
from registry_world import SCHOOL
from regulation.parameters import LocalValue, Parameters, ParameterValue, PolicyBook, province_parameters
from regulation.school_year import SchoolSystem, Stage
from shared_contracts.decisions import Finding, Outcome

PARAMETERS = Parameters.for_("230102", date(2026, 9, 10))


def parameters(**local: int) -> Parameters:
    """What holds in a county that has set values of its own."""
    rows = [
        LocalValue(key=key, value=ParameterValue(division="230102", valid_from=date(2020, 1, 1), value=value))
        for key, value in local.items()
    ]
    return PolicyBook(province_parameters(), rows).parameters("230102", date(2026, 9, 10))


def school(school_type: str = "211", system: str = "6-3", **more: Any) -> SchoolFacts:
    stages = {
        "211": (Stage.PRIMARY,),
        "311": (Stage.JUNIOR,),
        "341": (Stage.JUNIOR,),
    }.get(school_type, (Stage.PRIMARY, Stage.JUNIOR))
    values = {"school_type": school_type, "system": SchoolSystem(system), "stages": stages} | more
    return msgspec.structs.replace(SCHOOL, **values)


def facts(**changes: Any) -> RegistrationFacts:
    values: dict[str, Any] = {
        "school": SCHOOL,
        "birth_date": date(2020, 3, 5),
        "document_kind": "1",
        "overseas": "00",
        "grade": 1,
        "placement": "ordinary",
        "disability": "1",
        "enrolled_month": "202609",
        "today": date(2026, 9, 10),
        "school_year": 2026,
        "parameters": PARAMETERS,
        "enrolment": {stage: Enrolment(places=45, scheme=True) for stage in Stage},
        "person": PersonFacts(way="zone"),
    }
    return RegistrationFacts(**values | changes)


def found(clause: str, **changes: Any) -> Finding | None:
    """What the rule of a clause found."""
    of_clause = [finding for finding in decide(facts(**changes)).findings if finding.clause == clause]
    assert len(of_clause) <= 1
    return of_clause[0] if of_clause else None


def outcome(clause: str, **changes: Any) -> str | None:
    finding = found(clause, **changes)
    return finding.outcome.value if finding else None


def test_an_ordinary_first_year_pupil_passes_all():
    decision = decide(facts())
    clauses = ["2", "4.1", "4.3", "5.1", "9", "12", "13.1", "17", "19", "20.2", "50"]
    assert [finding.clause for finding in decision.findings] == clauses
    assert {finding.outcome for finding in decision.findings} == {Outcome.PASS}
    assert decision.policy_version == PARAMETERS.version != ""


# ---- 2 ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("2")
@pytest.mark.parametrize(
    ("school_type", "system", "first", "last"),
    [
        ("211", "6-3", 1, 6),
        ("211", "5-4", 1, 5),
        ("311", "6-3", 7, 9),
        ("311", "5-4", 6, 9),
        ("341", "6-3", 7, 9),
        ("312", "6-3", 1, 9),
        ("345", "5-4", 1, 9),
    ],
)
def test_a_school_carries_the_grades_of_its_stages(school_type, system, first, last):
    carried = [g for g in range(1, 10) if outcome("2", school=school(school_type, system), grade=g) == "pass"]
    assert carried == list(range(first, last + 1))


# ---- 5.1 ----------------------------------------------------------------------------------------------------

IN_9 = {"school": school("311"), "grade": 9, "enrolled_month": "202409"}


@pytest.mark.clause("5.1")
@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [(date(2010, 9, 1), "pass"), (date(2010, 8, 31), "refuse")],  # 15 until the cut-off; 16 on the day itself
)
def test_the_last_age_is_15(birth_date, expected):
    assert outcome("5.1", birth_date=birth_date, **IN_9) == expected


@pytest.mark.clause("5.1")
@pytest.mark.parametrize(("birth_date", "expected"), [(date(2009, 9, 1), "pass"), (date(2009, 8, 31), "refuse")])
def test_where_children_enter_at_seven_the_last_age_is_16(birth_date, expected):
    assert outcome("5.1", birth_date=birth_date, parameters=parameters(entry_age=7), **IN_9) == expected


@pytest.mark.clause("5.1")
@pytest.mark.parametrize(("birth_date", "expected"), [(date(2005, 9, 1), "pass"), (date(2005, 8, 31), "refuse")])
def test_a_disabled_pupil_may_be_20(birth_date, expected):
    assert outcome("5.1", birth_date=birth_date, disability="6", **IN_9) == expected


@pytest.mark.clause("5.1")
@pytest.mark.parametrize(("birth_date", "expected"), [(date(2020, 8, 31), "pass"), (date(2020, 9, 1), "refuse")])
def test_a_supplementary_registration_begins_at_six(birth_date, expected):
    assert outcome("5.1", birth_date=birth_date, grade=2, enrolled_month="202509") == expected


# ---- 9 ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("9")
@pytest.mark.parametrize(
    ("document_kind", "overseas", "expected"),
    [
        ("A", "51", "refuse"),
        ("A", "41", "refuse"),
        ("9", "51", "refuse"),
        ("A", "11", "pass"),  # an overseas Chinese has a Chinese passport
        ("6", "01", "pass"),
        ("1", "00", "pass"),
        ("Z", "00", "pass"),
    ],
)
def test_foreign_documents_only_at_qualified_schools(document_kind, overseas, expected):
    asked = {"document_kind": document_kind, "overseas": overseas}
    assert outcome("9", **asked) == expected
    assert outcome("9", school=school(accepts_international=True), **asked) == "pass"


# ---- 13.1 ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("13.1")
@pytest.mark.parametrize(("today", "expected"), [(date(2026, 10, 31), "pass"), (date(2026, 11, 1), "note")])
def test_a_record_is_entered_within_a_month_of_enrolment(today, expected):
    finding = found("13.1", today=today)
    assert finding is not None
    assert finding.outcome.value == expected
    assert finding.facts["deadline"] == "2026-10-31"
    assert not decide(facts(today=today)).refused


@pytest.mark.clause("13.1")
@pytest.mark.parametrize(
    ("month", "months", "deadline"),
    [("202612", 1, date(2027, 1, 31)), ("202601", 1, date(2026, 2, 28)), ("202609", 0, date(2026, 9, 30))],
)
def test_the_deadline_crosses_years_and_short_months(month, months, deadline):
    assert entry_deadline(month, months) == deadline


# ---- 17 -----------------------------------------------------------------------------------------------------

SPECIAL = school("514")


@pytest.mark.clause("17")
@pytest.mark.parametrize(
    ("at", "placement", "disability", "expected"),
    [
        (SCHOOL, "ordinary", "1", "pass"),
        (SCHOOL, "ordinary", "2", "note"),
        (SCHOOL, "mainstreamed", "2", "pass"),
        (SCHOOL, "mainstreamed", "1", "refuse"),
        (SCHOOL, "special_school", "2", "refuse"),
        (SCHOOL, "home_teaching", "2", "pass"),
        (SCHOOL, "home_teaching", "1", "refuse"),
        (SPECIAL, "special_school", "2", "pass"),
        (SPECIAL, "special_school", "1", "refuse"),
        (SPECIAL, "home_teaching", "6", "pass"),
        (SPECIAL, "ordinary", "2", "refuse"),
        (SPECIAL, "mainstreamed", "2", "refuse"),
    ],
)
def test_a_placement_fits_school_and_pupil(at, placement, disability, expected):
    assert outcome("17", school=at, placement=placement, disability=disability) == expected


# ---- 20.2 ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("20.2", "5.1")
@pytest.mark.parametrize(("birth_date", "expected"), [(date(2020, 8, 31), "pass"), (date(2020, 9, 1), "refuse")])
def test_no_new_registration_below_six_on_31_august(birth_date, expected):
    assert outcome("20.2", birth_date=birth_date) == expected
    # One reason is enough: of new registrations below the age only 20.2 speaks.
    assert outcome("5.1", birth_date=birth_date) == ("pass" if expected == "pass" else None)


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(("birth_date", "expected"), [(date(2019, 8, 31), "pass"), (date(2019, 9, 1), "refuse")])
def test_where_children_enter_at_seven_seven_is_asked(birth_date, expected):
    assert outcome("20.2", birth_date=birth_date, parameters=parameters(entry_age=7)) == expected


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(
    ("birth_date", "disability", "expected"),
    [(date(2018, 9, 1), "1", "pass"), (date(2018, 8, 31), "1", "note"), (date(2018, 8, 31), "6", "pass")],
)
def test_a_late_first_year_pupil_is_something_to_look_at(birth_date, disability, expected):
    assert outcome("20.2", birth_date=birth_date, disability=disability) == expected


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(
    ("birth_date", "grade", "disability", "expected"),
    [
        (date(2018, 3, 5), 3, "1", "pass"),  # 8: grade 3
        (date(2018, 3, 5), 4, "1", "pass"),
        (date(2018, 3, 5), 5, "1", "refuse"),
        (date(2018, 3, 5), 2, "1", "pass"),
        (date(2016, 3, 5), 3, "1", "refuse"),  # 10: grade 5
        (date(2016, 3, 5), 3, "6", "pass"),  # a disabled child may have started later
        (date(2018, 3, 5), 5, "6", "refuse"),  # but is not ahead of his age
    ],
)
def test_a_supplementary_registration_is_in_the_grade_the_age_gives(birth_date, grade, disability, expected):
    asked = {"birth_date": birth_date, "grade": grade, "disability": disability, "enrolled_month": "202309"}
    assert outcome("20.2", **asked) == expected


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(("tolerance", "allowed"), [(0, [3]), (1, [2, 3, 4]), (2, [1, 2, 3, 4, 5])])
def test_the_tolerance_is_a_parameter(tolerance, allowed):
    asked = {"birth_date": date(2018, 3, 5), "parameters": parameters(grade_age_tolerance=tolerance)}
    passed = [g for g in range(1, 7) if outcome("20.2", grade=g, enrolled_month="202309", **asked) == "pass"]
    assert passed == allowed


@pytest.mark.clause("20.2")
def test_a_junior_school_beginner_is_of_the_age_of_his_grade():
    beginner = {"school": school("311"), "grade": 7}
    assert outcome("20.2", birth_date=date(2014, 3, 5), **beginner) == "pass"  # 12
    assert outcome("20.2", birth_date=date(2016, 3, 5), **beginner) == "refuse"  # 10


# ---- 50 -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("50")
@pytest.mark.parametrize(
    ("document_kind", "overseas", "expected"),
    [
        ("1", "00", "pass"),
        ("1", "13", "pass"),
        ("1", "51", "refuse"),
        ("1", "41", "refuse"),
        ("6", "01", "note"),
        ("6", "03", "refuse"),
        ("6", "00", "refuse"),
        ("7", "03", "note"),
        ("7", "05", "refuse"),
        ("8", "05", "note"),
        ("8", "01", "refuse"),
        ("A", "11", "note"),
        ("A", "51", "note"),
        ("A", "00", "refuse"),
        ("9", "00", "refuse"),
        ("9", "51", "note"),
        ("Z", "00", "note"),
    ],
)
def test_document_and_origin_tell_one_story(document_kind, overseas, expected):
    assert outcome("50", document_kind=document_kind, overseas=overseas) == expected


# ---- kind of registration -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "grade", "month", "expected"),
    [
        (SCHOOL, 1, "202608", "new"),
        (SCHOOL, 1, "202707", "new"),
        (SCHOOL, 1, "202607", "new"),
        (SCHOOL, 1, "202510", "new"),  # between two enrolments: clause 4.1 says what becomes of it
        (SCHOOL, 1, "202509", "supplementary"),  # entered with the year before
        (SCHOOL, 1, "202708", "new"),
        (SCHOOL, 2, "202609", "supplementary"),
        (school("311", "5-4"), 6, "202609", "new"),
        (school("311", "6-3"), 7, "202609", "new"),
        (school("312", "6-3"), 7, "202609", "new"),
        (school("312", "6-3"), 6, "202609", "supplementary"),
    ],
)
def test_new_is_the_entry_grade_of_this_school_year(at, grade, month, expected):
    assert registration_kind(at, grade, month, 2026, last_month=9) == expected


@pytest.mark.parametrize(("day", "year"), [(date(2026, 7, 31), 2025), (date(2026, 8, 1), 2026)])
def test_registrations_of_august_are_for_the_coming_school_year(day, year):
    assert registration_year(day) == year


# ---- must never happen --------------------------------------------------------------------------------------

ANY = st.fixed_dictionaries(
    {
        "school": st.sampled_from([SCHOOL, SPECIAL, school("311"), school("312", "5-4"), school("341")]),
        "birth_date": st.dates(date(2000, 1, 1), date(2026, 9, 10)),
        "grade": st.integers(1, 9),
        "document_kind": st.sampled_from("16789AZ"),
        "overseas": st.sampled_from(["00", "01", "03", "05", "11", "41", "51", "99"]),
        "placement": st.sampled_from(["ordinary", "mainstreamed", "special_school", "home_teaching"]),
        "disability": st.sampled_from("123456789"),
        "enrolled_month": st.sampled_from(["202609", "202608", "202509", "202109"]),
    }
)


@given(ANY)
def test_whoever_is_not_refused_is_of_age_and_at_a_school_that_carries_the_grade(asked):
    decision = decide(facts(**asked))
    age = (date(2026, 8, 31) - asked["birth_date"] + timedelta(days=1)).days / 365.2425
    if decision.refused:
        assert all(finding.cure for finding in decision.of(Outcome.REFUSE))
        return
    assert age > 5.99
    assert age < (21.01 if asked["disability"] != "1" else 16.01)
    assert asked["school"].stage_of(asked["grade"]) is not None
    assert not (asked["document_kind"] == "9" and not asked["school"].accepts_international)


@given(ANY)
def test_findings_name_no_child(asked):
    decision = decide(facts(**asked))
    text = msgspec.json.encode(msgspec.structs.replace(decision, policy_version="")).decode()  # it has dates of its own
    assert asked["birth_date"].isoformat() not in text
    assert asked["birth_date"].strftime("%Y%m%d") not in text


def test_equal_situations_share_one_decision_however_long_a_roster_is():
    assert decide(facts(birth_date=date(2020, 3, 5))) is decide(facts(birth_date=date(2020, 4, 6)))
    asked = [facts(birth_date=date(2020, 1 + n % 8, 1 + n % 28)) for n in range(20_000)]
    decisions = [decide(one) for one in asked]
    assert all(one is decisions[0] for one in decisions), "a rule is asked once for all whom it says the same of"
