"""The rules about entering a school, each on both sides of its boundary (clauses 4.1, 4.3, 8, 12, 16, 19)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.registration.entering import class_above_standard
from registry.registration.policy import decide
from registry.registration.situation import Enrolment, PersonFacts, RegistrationFacts, entry_day
from registry_world import SCHOOL
from regulation.parameters import Parameters
from regulation.school_year import MonthDay, Stage
from shared_contracts.decisions import Finding

PARAMETERS = Parameters.for_("230102", date(2026, 9, 10))
PRIVATE = msgspec.structs.replace(SCHOOL, ownership="private")
OPEN = {Stage.PRIMARY: Enrolment(places=45, scheme=True)}
IN_ZONE = PersonFacts(way="zone")


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
        "enrolment": OPEN,
        "person": IN_ZONE,
    }
    return RegistrationFacts(**values | changes)


def found(*clauses: str, **changes: Any) -> Finding | None:
    of_clause = [finding for finding in decide(facts(**changes)).findings if finding.clause in clauses]
    assert len(of_clause) <= 1
    return of_clause[0] if of_clause else None


def outcome(*clauses: str, **changes: Any) -> str | None:
    finding = found(*clauses, **changes)
    return None if finding is None else finding.outcome.value


SECOND = {"grade": 2, "birth_date": date(2019, 3, 5), "enrolled_month": "202509"}
"""A supplementary registration: none of these rules is about entering then, but clause 12."""


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(
    ("month", "expected"),
    [
        ("202607", "pass"),  # 1 July is inside
        ("202606", "refuse"),  # 30 June is not
        ("202608", "pass"),
        ("202609", "pass"),  # 30 September
        ("202610", "refuse"),  # 1 October
        ("202510", "refuse"),
        ("202703", "refuse"),
        ("202709", "refuse"),
        ("202509", None),  # entered with the year before: no new pupil
    ],
)
def test_new_pupils_enter_in_the_autumn_window(month, expected):
    assert outcome("4.1", enrolled_month=month) == expected


@pytest.mark.clause("4.1")
def test_a_county_s_own_window_counts():
    narrow = msgspec.structs.replace(PARAMETERS, enrolment_from=MonthDay(8, 15), enrolment_to=MonthDay(9, 15))
    expected = {"202607": "refuse", "202608": "pass", "202609": "pass", "202610": "refuse"}
    assert {month: outcome("4.1", enrolled_month=month, parameters=narrow) for month in expected} == expected


ADMITTED = PersonFacts(way="placed", admission_id="a")
MIDDLE = msgspec.structs.replace(PARAMETERS, enrolment_from=MonthDay(8, 15), enrolment_to=MonthDay(9, 15))


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(
    ("month", "applied", "parameters", "expected"),
    [
        ("202609", date(2026, 9, 30), PARAMETERS, "pass"),  # the last day
        ("202610", date(2026, 10, 1), PARAMETERS, "refuse"),  # the day after
        ("202607", date(2026, 7, 1), PARAMETERS, "pass"),  # the first day
        ("202606", date(2026, 6, 30), PARAMETERS, "refuse"),  # the day before
        ("202608", date(2026, 8, 14), MIDDLE, "refuse"),
        ("202608", date(2026, 8, 15), MIDDLE, "pass"),
        ("202609", date(2026, 9, 15), MIDDLE, "pass"),
        ("202609", date(2026, 9, 16), MIDDLE, "refuse"),
        ("202608", date(2026, 9, 20), MIDDLE, "pass"),  # entered by 31 August, recorded within the month of clause 13.1
        ("202609", date(2026, 10, 20), MIDDLE, "refuse"),  # by 30 September: no earlier day is known
        ("202609", date(2026, 8, 20), MIDDLE, "pass"),  # to come on 1 September
        ("202610", date(2026, 9, 10), MIDDLE, "refuse"),
    ],
)
def test_the_window_is_judged_by_the_day(month, applied, parameters, expected):
    changes = {"enrolled_month": month, "parameters": parameters}
    assert outcome("4.1", today=applied, **changes) == expected
    assert outcome("4.1", today=date(2026, 12, 1), applied_on=applied, **changes) == expected, "handed in again later"


@pytest.mark.clause("4.1", "10.1")
@pytest.mark.parametrize(
    ("month", "day", "person", "expected"),
    [
        ("202609", 16, ADMITTED, ("pass", "enrolment.admitted_in_window")),
        ("202609", 15, ADMITTED, ("pass", "enrolment.in_window")),
        ("202610", 16, ADMITTED, ("refuse", "enrolment.outside_window")),
        ("202607", 16, ADMITTED, ("refuse", "enrolment.outside_window")),
        ("202609", 16, IN_ZONE, ("refuse", "enrolment.outside_window")),
        ("202609", 16, None, None),  # who it is is not known yet
        ("202609", 15, None, ("pass", "enrolment.in_window")),
        ("202610", 16, None, ("refuse", "enrolment.outside_window")),
        ("202607", 16, None, ("refuse", "enrolment.outside_window")),
    ],
)
def test_who_was_admitted_in_the_season_may_come_later(month, day, person, expected):
    finding = found("4.1", enrolled_month=month, today=date(2026, 9, day), parameters=MIDDLE, person=person)
    assert (finding and (finding.outcome, finding.code)) == expected


@pytest.mark.clause("4.1")
@given(
    applied=st.dates(date(2026, 1, 1), date(2027, 7, 31)),
    back=st.integers(-3, 6),
    begin=st.dates(date(2026, 6, 1), date(2026, 8, 31)),
    end=st.dates(date(2026, 9, 1), date(2026, 10, 31)),
)
def test_nobody_without_an_admission_enters_when_every_day_of_his_is_outside(applied, back, begin, end):
    year, month = divmod(applied.year * 12 + applied.month - 1 - back, 12)
    first = date(year, month + 1, 1)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1)) - timedelta(days=1)
    assert first <= entry_day(f"{first:%Y%m}", applied) <= last
    window = msgspec.structs.replace(
        PARAMETERS, enrolment_from=MonthDay(begin.month, begin.day), enrolment_to=MonthDay(end.month, end.day)
    )
    said = outcome("4.1", enrolled_month=f"{first:%Y%m}", today=applied, parameters=window)
    if last < begin or first > end or (first <= applied <= last and not begin <= applied <= end):
        assert said in ("refuse", None) and (said or first.year < 2026)
    elif begin <= first and last <= end:
        assert said == "pass"


@pytest.mark.clause("4.1", "4.3", "19")
def test_none_of_it_is_about_who_is_in_school_already():
    for clause in ("4.1", "4.3", "8", "16", "19"):
        assert outcome(clause, school=PRIVATE, enrolment={}, place=False, person=PersonFacts(), **SECOND) is None


@pytest.mark.clause("4.3")
@pytest.mark.parametrize(
    ("places", "place", "admission", "expected"),
    [
        (45, True, None, ("pass", "plan.within")),
        (45, False, None, ("refuse", "plan.full")),
        (None, True, None, ("refuse", "plan.none")),
        (45, False, "a", ("pass", "plan.place_of_admission")),
        (None, False, "a", ("pass", "plan.place_of_admission")),  # what was taken before the plan was returned stays
    ],
)
def test_places_of_the_plan(places, place, admission, expected):
    person = PersonFacts(way="placed", admission_id=admission)
    finding = found("4.3", enrolment={Stage.PRIMARY: Enrolment(places=places, scheme=True)}, place=place, person=person)
    assert finding and (finding.outcome, finding.code) == expected
    assert (finding.cure is None) == (finding.outcome == "pass")


@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("school", "scheme", "expected"),
    [(PRIVATE, True, "pass"), (PRIVATE, False, "refuse"), (SCHOOL, False, None), (SCHOOL, True, None)],
)
def test_a_private_school_needs_its_scheme(school, scheme, expected):
    enrolment = {Stage.PRIMARY: Enrolment(places=45, scheme=scheme)}
    assert outcome("8", school=school, enrolment=enrolment) == expected


@pytest.mark.clause("11")
@pytest.mark.parametrize(
    ("grade", "stage", "pupils", "standard", "said"),
    [
        (1, Stage.PRIMARY, 45, 45, None),
        (1, Stage.PRIMARY, 46, 45, "一年级3班将有46人，超过小学标准班额45人"),
        (7, Stage.JUNIOR, 50, 50, None),
        (7, Stage.JUNIOR, 51, 50, "七年级3班将有51人，超过初中标准班额50人"),
    ],
)
def test_a_class_above_the_standard_is_noted_and_never_refused(grade, stage, pupils, standard, said):
    found = class_above_standard(grade, 3, stage, pupils, standard)
    assert (found and found.message) == said
    assert found is None or (found.clause, found.outcome, found.fields, bool(found.cure)) == (
        "11",
        "note",
        ("class_no",),
        True,
    )


@pytest.mark.clause("11")
@given(pupils=st.integers(0, 200), standard=st.integers(1, 60))
def test_a_class_within_the_standard_is_never_noted(pupils, standard):
    found = class_above_standard(1, 1, Stage.PRIMARY, pupils, standard)
    assert (found is not None) == (pupils > standard) and (found is None or found.outcome == "note")


@pytest.mark.clause("12")
@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (PersonFacts(way="zone"), "pass"),
        (PersonFacts(way="zone", finished="graduated"), "refuse"),
        (PersonFacts(way="zone", finished="completed"), "refuse"),
        (None, None),  # identity has not been asked
    ],
)
@pytest.mark.parametrize("which", [{}, SECOND])
def test_nobody_goes_back_to_a_stage_that_is_finished(person, expected, which):
    assert outcome("12", person=person, **which) == expected


@pytest.mark.clause("16", "19")
@pytest.mark.parametrize(
    ("way", "clause", "expected"),
    [
        ("zone", "19", "pass"),
        ("placed", "19", "pass"),
        ("migrant", "19", "pass"),
        ("private", "19", "pass"),
        ("international", "19", "pass"),
        ("intake", "16", "pass"),
        (None, "19", "refuse"),
    ],
)
def test_every_new_pupil_enters_on_a_ground(way, clause, expected):
    finding = found("16", "19", person=PersonFacts(way=way))
    assert finding and (finding.clause, finding.outcome) == (clause, expected)
    assert outcome("16", "19", person=None) is None


@pytest.mark.clause("4.3", "8", "12", "19")
@given(
    places=st.none() | st.integers(0, 100),
    scheme=st.booleans(),
    place=st.booleans(),
    private=st.booleans(),
    finished=st.sampled_from([None, "graduated", "completed"]),
    way=st.sampled_from([None, "zone", "placed", "migrant", "private", "international", "intake"]),
    admission=st.sampled_from([None, "a"]),
    month=st.sampled_from(["202606", "202607", "202609", "202610"]),
)
def test_who_is_taken_has_a_place_a_ground_and_no_finished_record(
    places, scheme, place, private, finished, way, admission, month
):
    """And taking a place, a ground or a scheme away never makes a refusal a yes."""

    def refused(**changes: Any) -> bool:
        values = {"places": places, "scheme": scheme, "place": place, "way": way, "finished": finished} | changes
        person = PersonFacts(way=values["way"], finished=values["finished"], admission_id=admission)
        enrolment = {Stage.PRIMARY: Enrolment(places=values["places"], scheme=values["scheme"])}
        of = PRIVATE if private else SCHOOL
        given_ = facts(school=of, enrolment=enrolment, place=values["place"], person=person, enrolled_month=month)
        return decide(given_).refused

    if not refused():
        assert admission or (places is not None and place)
        assert way and finished is None and (scheme or not private) and month in ("202607", "202609")
    else:
        for less in ({"place": False}, {"places": None}, {"way": None}, {"scheme": False}, {"finished": "graduated"}):
            assert refused(**less)
