"""What is asked of a child of another province who is to be expected or registered: the rules alone (12, 15.2 to 24.6.2)."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.holds import policy
from registry.registration.policy import decide as judge
from registry.registration.situation import Arrival, Enrolment, PersonFacts, RegistrationFacts
from registry_world import OTHER_SCHOOL, SCHOOL
from regulation.parameters import Parameters
from shared_contracts.decisions import Decision, Outcome

PARAMETERS = Parameters.for_("230102", date(2026, 11, 20))


def facts(grade: int = 3, arrival: Arrival | None = None, **changes: Any) -> RegistrationFacts:
    values: dict[str, Any] = {
        "school": SCHOOL, "birth_date": date(2021 - grade, 3, 5), "document_kind": "1", "overseas": "00", "grade": grade,
        "placement": "ordinary", "disability": "1", "enrolled_month": "202611", "today": date(2026, 11, 20),
        "school_year": 2026, "parameters": PARAMETERS,
        "enrolment": dict.fromkeys(SCHOOL.stages, Enrolment(places=None, scheme=True)),
        "person": PersonFacts(arrival=arrival), **changes,
    }  # fmt: skip
    return RegistrationFacts(**values)


def refused(decision: Decision) -> list[str]:
    return [one.code for one in decision.findings if one.outcome is Outcome.REFUSE]


@pytest.mark.clause("24.6.1", "24.6.2", "19")
@pytest.mark.parametrize(
    ("school", "grade", "state", "code"),
    [
        (SCHOOL.code, 3, "approved", None),
        (SCHOOL.code, 3, "open", "transfer.not_approved"),
        (SCHOOL.code, 3, "ended", "transfer.ended"),
        (OTHER_SCHOOL.code, 3, "approved", "transfer.elsewhere"),
        (OTHER_SCHOOL.code, 3, "open", "transfer.elsewhere"),
        (SCHOOL.code, 2, "approved", "transfer.other_grade"),
        (SCHOOL.code, 4, "approved", "transfer.other_grade"),
        (SCHOOL.code, 10, "approved", "transfer.other_grade"),
    ],
)
def test_only_the_school_that_all_have_approved_and_only_in_that_grade(
    school: str, grade: int, state: Any, code: str | None
) -> None:
    arrival = Arrival(case_id="t", school=school, grade=grade, state=state)
    found = judge(facts(arrival=arrival))
    assert refused(found) == ([] if code is None else [code])
    grounds = [one.code for one in found.findings if one.clause == "19"]
    assert ("admission.transfer" in grounds) == (school == SCHOOL.code and state == "approved")


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("wanted", "placement", "fine"),
    [
        ("", "ordinary", True),
        ("", "mainstreamed", True),
        ("mainstreamed", "mainstreamed", True),
        ("mainstreamed", "ordinary", False),
        ("mainstreamed", "home_teaching", False),
        ("special_school", "special_school", True),
        ("special_school", "home_teaching", True),
    ],
)
def test_the_child_is_placed_as_the_transfer_says(wanted: str, placement: Any, fine: bool) -> None:
    arrival = Arrival(case_id="t", school=SCHOOL.code, grade=3, state="approved", placement=wanted)
    school = msgspec.structs.replace(SCHOOL, school_type="514") if wanted == "special_school" else SCHOOL
    found = judge(
        facts(arrival=arrival, school=school, placement=placement, disability="1" if placement == "ordinary" else "2")
    )
    assert refused(found) == ([] if fine else ["transfer.other_placement"])
    assert all(one.cure and one.fields == ("placement",) for one in found.findings if one.clause == "24.4")


@pytest.mark.clause("4.1", "4.3", "8", "19")
def test_what_is_asked_of_new_pupils_waits_for_identity_only_where_somebody_is_awaited() -> None:
    asked = ["enrolment.outside_window", "plan.none"]
    assert refused(judge(facts(1, person=None))) == asked
    assert refused(judge(facts(1, person=None, awaited=True))) == []
    assert refused(judge(facts(1, awaited=True))) == [*asked, "admission.no_ground"], (
        "identity has said: nobody of these"
    )


@pytest.mark.clause("24.6.1", "24.6.2")
@given(
    grade=st.integers(1, 6),
    of=st.integers(-3, 12),
    school=st.sampled_from([SCHOOL.code, OTHER_SCHOOL.code, "2100000000"]),
    state=st.sampled_from(["approved", "open", "ended"]),
    awaited=st.booleans(),
)
def test_no_expected_child_is_ever_registered_otherwise(
    grade: int, of: int, school: str, state: Any, awaited: bool
) -> None:
    arrival = Arrival(case_id="t", school=school, grade=of, state=state)
    right = (school, of, state) == (SCHOOL.code, grade, "approved")
    assert judge(facts(grade, arrival=arrival, awaited=awaited)).refused is not right


@pytest.mark.clause("12", "15.2", "15.3", "20.1", "23")
@pytest.mark.parametrize(
    ("standing", "clause", "code"),
    [
        ("free", None, None),
        ("registered", "20.1", "arrival.registered"),
        ("finished", "12", "arrival.finished"),
        ("expected", "23", "arrival.expected"),
        ("unknown_document", "15.3", "arrival.document"),
    ],
)
def test_who_is_not_expected(standing: Any, clause: str | None, code: str | None) -> None:
    found = policy.may_be_expected(standing)
    assert (None, None) if found is None else (found.clause, found.code) == (clause, code)
    assert found is None or (found.outcome is Outcome.REFUSE and found.cure)


@pytest.mark.clause("15.2", "24.6.2")
@pytest.mark.parametrize(("record", "asked", "code"), [
    (4, 4, "arrival.returns"), (3, 4, "arrival.other_grade"), (5, 4, "arrival.other_grade"),
    (10, 9, "arrival.other_grade"), (None, 1, "arrival.other_grade"),
])  # fmt: skip
def test_who_had_left_comes_back_to_the_record_and_its_grade(record: int | None, asked: int, code: str) -> None:
    found = policy.may_be_expected("left", record_grade=record, grade=asked)
    assert found is not None and found.code == code
    assert (found.outcome is Outcome.REFUSE) == (code == "arrival.other_grade")
