"""What is asked of a pupil who goes to another province: both sides of every boundary (Article 24)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from article24 import BIRTH, HERE, NANGANG, PUPIL, TODAY, against, at, calendar_around, law
from casework.kinds import ENTRANT
from hypothesis import given
from hypothesis import strategies as st
from shared_contracts.actors import Role
from shared_contracts.decisions import Decision, Outcome
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import Covers, Place
from shared_contracts.outside_transfers import OutsideDocument, OutsideSchool
from shared_contracts.transfer import Application, Ground, Step
from transfer.outside import policy
from transfer.rules.judge import Begun
from transfer.rules.kind import chain, kind, outside_steps

THERE = OutsideSchool(division="330106", name="文一街小学", authority="西湖区教育局")
PAPER = (EvidenceGiven(evidence_id="e-1", kind=EvidenceKind.OFFICIAL_DOCUMENT),)
AWAY, COUNTY = Place(division="330106", address="文一路1号"), Place(division=NANGANG, address="花园街1号")


def document(on: date = TODAY, **changes: Any) -> OutsideDocument:
    return OutsideDocument(**{"number": "1号", "issued_on": on, "issuer": "西湖区教育局", **changes})


def asked(grade: int = 3, school: OutsideSchool = THERE, paper: OutsideDocument | None = None, **changes: Any) -> Any:
    values = {
        "name": "王小明", "number": "1", "ground": Ground.RESIDENCE_CHANGED, "residence": AWAY, "guardian": "王",
        "phone": "13804510001", "evidence": PAPER, **changes,
    }  # fmt: skip
    return policy.Asked(application=Application(**values), school=school, grade=grade, document=paper or document())


def judged(
    what: Any = None, *, pupil: Any = PUPIL, on: date = TODAY, covers: Covers | None = None, **more: Any
) -> Decision:
    parameters = law(on, NANGANG)
    return policy.judge_leaving(
        pupil, what or asked(), covers or Covers(), parameters, calendar_around(on, parameters), on, **more
    )  # fmt: skip


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("division", "stands"),
    [
        ("330106", {}), ("230103", {"outside.own_province": "refuse"}), ("100000", {"outside.division": "refuse"}),
        ("33010", {"outside.division": "refuse"}), ("220102", {}),
    ],
)  # fmt: skip
def test_the_school_is_of_another_province(division: str, stands: dict[str, str]) -> None:
    assert against(judged(asked(school=msgspec.structs.replace(THERE, division=division)))) == stands


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(("days", "stands"), [(0, {}), (1, {"outside.document_day": "refuse"}), (-400, {})])
def test_a_paper_is_not_of_tomorrow(days: int, stands: dict[str, str]) -> None:
    assert against(judged(asked(paper=document(TODAY + timedelta(days=days))))) == stands


@pytest.mark.clause("24.5.1")
def test_a_correction_s_paper_may_be_newer_than_the_application() -> None:
    newer = asked(paper=document(TODAY + timedelta(days=5)))
    assert against(judged(newer)) == {"outside.document_day": "refuse"}
    assert against(judged(newer, entered_on=TODAY + timedelta(days=5))) == {}


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"evidence": ()}, "outside.paper_missing"),
        ({"evidence": (EvidenceGiven(evidence_id="e-1", kind=EvidenceKind.OTHER),)}, "outside.paper_missing"),
        ({"paper": document(number=" ")}, "outside.document"),
        ({"paper": document(issuer="")}, "outside.document"),
        ({"school": msgspec.structs.replace(THERE, authority=" ")}, "outside.not_named"),
        ({"school": msgspec.structs.replace(THERE, name="")}, "outside.not_named"),
    ],
)
def test_everything_is_named(what: dict[str, Any], code: str) -> None:
    assert against(judged(asked(**what))) == {code: "refuse"}


@pytest.mark.clause("24.6.2")
@pytest.mark.parametrize(("has", "wanted", "stands"), [
    (3, 3, {}), (3, 4, {"grade.other": "refuse"}), (3, 2, {"grade.other": "refuse"}),
    (None, 3, {"grade.unknown": "refuse"}),
])  # fmt: skip
def test_into_the_same_grade(has: Any, wanted: int, stands: dict[str, str]) -> None:
    assert against(judged(asked(wanted), pupil=msgspec.structs.replace(PUPIL, grade=has))) == stands


@pytest.mark.clause("24.1.1", "24.1.2")
@pytest.mark.parametrize(
    ("ground", "changes", "covers", "stands"),
    [
        (Ground.RESIDENCE_CHANGED, {}, None, {}),
        (Ground.RESIDENCE_CHANGED, {"residence": COUNTY}, Covers(from_school=True), {"ground.in_zone": "refuse"}),
        (Ground.RESIDENCE_CHANGED, {"residence": COUNTY}, Covers(from_school=False), {}),
        (Ground.HOUSEHOLD_MOVED, {"household": AWAY}, None, {}),
        (Ground.HOUSEHOLD_MOVED, {}, None, {"ground.household_missing": "refuse"}),
        (Ground.HOUSEHOLD_MOVED, {"household": COUNTY}, Covers(from_school=True), {"ground.in_zone": "refuse"}),
        (Ground.MIGRANT_CHILD, {}, None, {}),
    ],
)
def test_the_family_has_left_the_zone(ground: Ground, changes: Any, covers: Any, stands: dict[str, str]) -> None:
    assert against(judged(asked(ground=ground, **changes), covers=covers)) == stands


@pytest.mark.clause("24.1.2", "24.4")
@pytest.mark.parametrize("ground", list(policy.NOT_ACROSS))
def test_grounds_that_lead_nowhere_outside(ground: Ground) -> None:
    assert "ground.not_across" in against(judged(asked(ground=ground)))


@pytest.mark.clause("24.4")
def test_special_education_is_said_by_the_paper_of_the_other_province() -> None:
    special = msgspec.structs.replace(THERE, special_education=True)
    mainstreamed = at(HERE, mainstreamed=True)
    ground = Ground.SPECIAL_EDUCATION
    assert against(judged(asked(ground=ground, school=special), pupil=mainstreamed)) == {}
    assert against(judged(asked(ground=ground, school=special))) == {"placement.not_mainstreamed": "refuse"}
    assert against(judged(asked(school=special), pupil=mainstreamed)) == {"placement.special": "refuse"}
    assert against(judged(asked(ground=ground))) == {"placement.ordinary": "refuse"}


@pytest.mark.clause("24.6.1")
def test_the_record_goes_along() -> None:
    assert against(judged(asked(record_moves=False))) == {"record.must_move": "refuse"}


@pytest.mark.clause("24.3.1")
@pytest.mark.parametrize(("days", "stands"), [(-1, {"household.alone": "refuse"}), (0, {})])
def test_under_sixteen_nobody_alone_in_the_household_goes(days: int, stands: dict[str, str]) -> None:
    born = date(TODAY.year - 16, TODAY.month, TODAY.day) - timedelta(days=days)
    assert against(judged(asked(alone_in_household=True), pupil=at(HERE, birth_date=born))) == stands


@pytest.mark.clause("24.3.4")
@pytest.mark.parametrize(("state", "stands"), [("in_school", {}), ("suspended", {"pupil.suspended": "refuse"})])
def test_nobody_goes_while_suspended(state: str, stands: dict[str, str]) -> None:
    assert against(judged(pupil=at(HERE, state=state))) == stands


@pytest.mark.clause("23")
@pytest.mark.parametrize(("held", "stands"), [(None, {}), ("transfer", {"change.open": "refuse"})])
def test_one_change_at_a_time(held: Any, stands: dict[str, str]) -> None:
    assert against(judged(pupil=at(HERE, held_by=held))) == stands


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("on", "frozen"),
    [(date(2026, 7, 14), False), (date(2026, 7, 15), True), (date(2026, 8, 14), True), (date(2026, 8, 15), False)],
)
def test_nothing_new_in_the_freeze(on: date, frozen: bool) -> None:
    assert ("freeze.on" in against(judged(asked(paper=document(on)), on=on))) is frozen


@pytest.mark.clause("24.3.3")
def test_what_the_receiving_authority_decides_on_is_told_and_asked_of_nobody_here() -> None:
    decision = judged(asked(1), pupil=at(HERE, grade=1), on=date(2026, 9, 10))
    (said,) = [one for one in decision.findings if one.code == "grade.first_term"]
    assert (said.outcome, THERE.authority in said.cure) == (Outcome.NOTE, True)
    assert not decision.needs_override


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(("pupil", "found"), [(None, False), (at(HERE, live=False), False), (PUPIL, True)])
def test_one_answer_for_everybody_who_is_not_there(pupil: Any, found: bool) -> None:
    assert (against(judged(pupil=pupil)) == {}) is found
    begun = Begun(step=Step.RELEASING_SCHOOL, from_school=HERE.code, grade=3, seat=False)
    again = policy.judge_leaving_again(pupil, THERE, law(), TODAY, begun)
    assert (not again.refused) is found


@pytest.mark.clause("24.6.2", "24.3.4")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None), ({"grade": 4}, None), ({"grade": 2}, "grade.changed"), ({"state": "suspended"}, "pupil.suspended"),
        ({"school": msgspec.structs.replace(HERE, code="2123000009")}, "pupil.elsewhere"),
    ],
)  # fmt: skip
def test_what_has_to_hold_still_when_ours_approve(changes: Any, code: str | None) -> None:
    begun = Begun(step=Step.RELEASING_SCHOOL, from_school=HERE.code, grade=3, seat=False)
    pupil = msgspec.structs.replace(PUPIL, **changes)
    decision = policy.judge_leaving_again(pupil, THERE, law(), TODAY, begun)
    assert {one.code for one in decision.of(Outcome.REFUSE)} == ({code} if code else set())


# ---- who decides -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("side", [None, "to", "from"])
def test_the_steps_are_the_same_and_in_the_same_order(side: Any) -> None:
    made = kind(law(), same_authority=False, side=side)
    assert [step.name for step in made.steps] == list(Step)
    for step in made.steps:
        outside = step.name in outside_steps(side)
        assert (step.roles == (Role.AUTHORITY_OFFICER, Role.LEADER)) or not outside
        assert step.may_override == (step.name == Step.RECEIVING_AUTHORITY and not outside)
        assert policy.by_its_paper(Step(step.name), side) is None or outside
        assert (policy.not_ours(Step(step.name), side) is None) is outside


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("side", ["to", "from"])
def test_one_signature_of_ours_serves_no_step_of_another_province(side: Any) -> None:
    one = kind(law(shared_authority_one_signature=1), same_authority=True, side=side)
    assert one == chain(law().transfer_step_working_days, side=side)
    for place, step in enumerate(one.steps):
        assert set(step.distinct_from) == {ENTRANT, *(earlier.name for earlier in one.steps[:place])}


@given(grade=st.integers(1, 9), wanted=st.integers(1, 9), division=st.from_regex(r"\A[0-9]{6}\Z"), held=st.booleans())
@pytest.mark.clause("24.5.1", "24.6.2")
def test_nobody_goes_to_our_own_province_or_into_another_grade(
    grade: int, wanted: int, division: str, held: bool
) -> None:
    pupil = at(HERE, grade=grade, held_by="transfer" if held else None, birth_date=BIRTH)
    decision = judged(asked(wanted, school=msgspec.structs.replace(THERE, division=division)), pupil=pupil)
    if not decision.refused:
        assert grade == wanted and not held and division[:2] != "23"
        assert not decision.needs_override
