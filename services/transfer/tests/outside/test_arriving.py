"""What is asked of a child of another province, over what the application says of it: both sides of every bound."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from coming_world import child, document
from hypothesis import given
from hypothesis import strategies as st
from outside_world import THERE
from regulation.parameters import Parameters
from regulation.school_calendar import Terms
from shared_contracts.decisions import Outcome
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import ChangeFacts, Place, Room, School
from shared_contracts.outside_transfers import OutsideSchool
from shared_contracts.transfer import Application, Ground
from transfer.outside import arriving
from transfer.outside.arriving import Given, as_pupil, judge_coming

TODAY = date(2026, 10, 20)
PARAMETERS = Parameters.for_("230102", TODAY)
TERMS = tuple(
    Terms(
        division="230102",
        school_year=year,
        autumn_first=date(year, 9, 1),
        autumn_last=date(year + 1, 1, 10),
        spring_first=date(year + 1, 3, 1),
        spring_last=date(year + 1, 7, 10),
    )
    for year in (2025, 2026, 2027)
)
HERE = School(
    code="2123010002", name="哈尔滨市道里区另一小学", authority="230102", authority_name="道里区教育局", superior="230100",
    division="230102", school_type="211", stages=("primary",), system="6-3", ownership="public", locality="urban",
    entry_grades=(1,), graduating_grades=(6,),
)  # fmt: skip


def decided(grade: int = 3, *, free: int = 10, school: OutsideSchool = THERE, who: Any = None, **changes: Any) -> Any:
    who = who or child()
    values: dict[str, Any] = {
        "name": who.name, "number": "G" + who.document_number, "ground": Ground.RESIDENCE_CHANGED,
        "residence": Place(division="230102", address="道里区中央大街1号"), "guardian": "来家长", "phone": "13857110001",
        "evidence": (EvidenceGiven(evidence_id="e", kind=EvidenceKind.RESIDENCE),), **changes,
    }  # fmt: skip
    application = Application(**values)
    room = Room(
        school=HERE.code, grade=grade, stage="primary", standard=45, sizes=(45 - free,), held=0, free=free, pupils=45 - free,
        school_pupils=400, most_pupils=2000,
    )  # fmt: skip
    pupil = as_pupil(who.name, who.birth_date, application, school, grade, at="230000")
    facts = ChangeFacts(pupil=pupil, to=HERE, room=room)
    return judge_coming(facts, Given(application=application, school=school, child=who), PARAMETERS, TERMS, TODAY)


def refused(decision: Any) -> list[str]:
    return [one.code for one in decision.findings if one.outcome is Outcome.REFUSE]


@pytest.mark.clause("24.5.1")
def test_a_child_that_fits_is_told_what_was_looked_at() -> None:
    decision = decided()
    assert not decision.refused and not decision.needs_override, decision
    codes = {one.code for one in decision.findings}
    assert {"number.same", "age.grade_fits", "grade.same", "ground.outside_zone", "fee.none", "school.not_yet"} <= codes


@pytest.mark.clause("15.3")
@pytest.mark.parametrize(
    ("number", "code", "outcome"),
    [
        ("", "number.none", Outcome.NOTE),
        (" g" + document(1) + " ", "number.same", Outcome.PASS),
        ("G" + document(2), "number.other_document", Outcome.REFUSE),
        ("L" + document(2), "number.temporary", Outcome.NOTE),
        ("J" + document(2), "number.temporary", Outcome.NOTE),
        ("K" + document(1), "number.form", Outcome.REFUSE),
        ("G" + document(1)[:-1], "number.form", Outcome.REFUSE),
        ("G" + document(1) + "1", "number.form", Outcome.REFUSE),
        ("G1234567890123456XX", "number.form", Outcome.REFUSE),
        ("G", "number.form", Outcome.REFUSE),
    ],
)
def test_the_number_that_the_other_province_has_given(number: str, code: str, outcome: Outcome) -> None:
    found = arriving.number_fits(number, child())
    assert (found.code, found.outcome) == (code, outcome)
    passport = child(document_kind="A")
    assert arriving.number_fits("G" + document(1), passport).code == "number.other_document"


@pytest.mark.clause("15.3", "15.4")
@pytest.mark.parametrize(
    ("there", "here", "differs"),
    [("G", "G", False), ("G", "L", True), ("L", "L", False), ("L", "G", False), ("J", "L", False), ("", "L", False)],
)
def test_only_a_formal_number_there_and_a_temporary_one_here_differ(there: str, here: str, differs: bool) -> None:
    assert (arriving.other_number(there, here) is not None) is differs


@pytest.mark.clause("20.2")
@pytest.mark.parametrize(
    ("born", "grade", "code"),
    [
        (date(2018, 8, 31), 3, "age.grade_fits"),
        (date(2018, 8, 31), 4, "age.grade_fits"),  # one grade of tolerance
        (date(2018, 8, 31), 5, "age.grade_above"),
        (date(2018, 9, 1), 4, "age.grade_above"),
        (date(2018, 8, 31), 2, "age.grade_fits"),
        (date(2018, 8, 31), 1, "age.grade_below"),
        (date(2021, 1, 1), 1, "age.grade_fits"),
        (date(2021, 9, 1), 1, "age.grade_above"),
        (date(2009, 1, 1), 9, "age.grade_below"),
    ],
)
def test_the_grade_by_the_age(born: date, grade: int, code: str) -> None:
    assert arriving.grade_by_age(born, grade, PARAMETERS, TODAY).code == code


@pytest.mark.clause("24.2.2", "24.3.3", "24.5.2")
def test_principles_of_our_school_are_our_authority_s_to_decide_on() -> None:
    full = decided(free=0)
    assert "24.2.2" in {one.clause for one in full.of(Outcome.NEEDS_OVERRIDE)}
    who = child(birth_date=date(2020, 3, 5))
    first = decided(1, who=who)
    assert "grade.first_term" in {one.code for one in first.of(Outcome.NEEDS_OVERRIDE)}


@pytest.mark.clause("15.3", "24.5.1", "24.6.1", "24.6.2")
@given(
    grade=st.integers(1, 9),
    division=st.sampled_from(["330106", "110101", "230102", "230000", "999999", "33010"]),
    moves=st.booleans(),
    ground=st.sampled_from(list(Ground)),
    number=st.sampled_from(["", "G" + document(1), "G" + document(2), "L" + document(2), "12"]),
    born=st.dates(date(2009, 1, 1), date(2022, 12, 31)),
)
def test_no_child_comes_that_must_not(
    grade: int, division: str, moves: bool, ground: Ground, number: str, born: date
) -> None:
    school = msgspec.structs.replace(THERE, division=division)
    decision = decided(
        grade, school=school, who=child(birth_date=born), record_moves=moves, ground=ground, number=number
    )
    bad = (
        division not in ("330106", "110101")
        or not moves
        or ground in (Ground.HOUSE_PURCHASE, Ground.SPECIAL_SCHOOL)
        or number in ("G" + document(2), "12")
        or grade > 6
    )
    assert decision.refused or not bad
    assert all(one.cure for one in decision.of(Outcome.REFUSE))
