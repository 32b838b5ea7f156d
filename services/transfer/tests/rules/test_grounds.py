"""Grounds and their papers (23, 24.1.1 to 24.1.3)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from article24 import (
    DAOLI,
    HERE,
    NANGANG,
    OUT_OF_THE_ZONE,
    PUPIL,
    SHANGZHI,
    THERE,
    Asking,
    against,
    any_asking,
    application,
    asked,
    at,
    codes,
    facts,
    given,
    one,
    papers_of,
    school,
)
from hypothesis import given as any_of
from hypothesis import strategies as st
from shared_contracts.decisions import Outcome
from shared_contracts.evidence import EVIDENCE_TITLES, EvidenceKind
from shared_contracts.holds import Covers, Place
from shared_contracts.transfer import Ground
from transfer.rules.evidence import CORRECTABLE, JUDGED, PAPERS, evidence_given, may_ask, may_correct
from transfer.rules.evidence import asked as papers_asked

IN_THE_ZONE = Covers(from_school=True, to_school=False)
NO_ZONES = Covers()
STILL_IN_NANGANG = Place(division=NANGANG, address="大直街9号")


def test_nothing_stands_against_the_sample() -> None:
    decision = asked()
    assert not against(decision)
    assert decision.policy_version == "230000@2006-09-01"


@pytest.mark.clause("23")
@pytest.mark.parametrize(("held_by", "stands"), [(None, {}), ("transfer", {"change.open": "refuse"})])
def test_a_student_has_one_open_change_at_most(held_by: Any, stands: dict[str, str]) -> None:
    assert against(asked(facts(pupil=at(HERE, held_by=held_by)))) == stands


@pytest.mark.clause("24.1.1")
@pytest.mark.parametrize(
    ("household", "covers", "code"),
    [
        (Place(division=DAOLI, address="经纬街1号"), OUT_OF_THE_ZONE, "ground.outside_zone"),
        (Place(division=DAOLI, address="经纬街1号"), NO_ZONES, "ground.outside_zone"),  # another county
        (STILL_IN_NANGANG, Covers(from_school=False), "ground.outside_zone"),
        (STILL_IN_NANGANG, NO_ZONES, "ground.zone_unknown"),  # the authority has to look
        (STILL_IN_NANGANG, IN_THE_ZONE, "ground.in_zone"),
        (Place(division=DAOLI, address="经纬街1号"), IN_THE_ZONE, "ground.in_zone"),  # a zone over the border
        (None, OUT_OF_THE_ZONE, "ground.household_missing"),
    ],
)
def test_the_new_household_is_outside_the_old_zone(household: Place | None, covers: Covers, code: str) -> None:
    decision = asked(facts(covers=covers), application(Ground.HOUSEHOLD_MOVED, household=household))
    (found,) = (f for f in decision.findings if f.code.startswith("ground."))
    assert (found.code, found.clause) == (code, "24.1.1")
    refused = code in ("ground.in_zone", "ground.household_missing")
    assert (found.outcome is Outcome.REFUSE) == refused


@pytest.mark.clause("24.1.2")
@pytest.mark.parametrize(
    ("residence", "covers", "stands"),
    [
        (Place(division=DAOLI, address="经纬街1号"), OUT_OF_THE_ZONE, {}),
        (STILL_IN_NANGANG, Covers(from_school=False), {}),
        (STILL_IN_NANGANG, NO_ZONES, {}),
        (STILL_IN_NANGANG, IN_THE_ZONE, {"ground.in_zone": "refuse"}),
    ],
)
def test_the_residence_is_outside_the_old_zone(residence: Place, covers: Covers, stands: dict[str, str]) -> None:
    decision = asked(facts(covers=covers), application(residence=residence))
    assert against(decision) == stands
    assert ("ground.zone_unknown" in codes(decision)) == (covers.from_school is None)


SAME_COUNTY = school("2123000003", NANGANG)


@pytest.mark.clause("24.1.2")
@pytest.mark.parametrize(
    ("pupil", "to", "residence", "covers", "stands"),
    [
        (PUPIL, SAME_COUNTY, STILL_IN_NANGANG, Covers(from_school=False), {"ground.purchase": "needs_override"}),
        (PUPIL, SAME_COUNTY, STILL_IN_NANGANG, NO_ZONES, {"ground.purchase": "needs_override"}),
        (PUPIL, SAME_COUNTY, STILL_IN_NANGANG, IN_THE_ZONE, {"ground.in_zone": "refuse"}),
        (at(school("2123000001", NANGANG, locality="town")), SAME_COUNTY, STILL_IN_NANGANG, NO_ZONES,
         {"ground.purchase_not_urban": "refuse"}),
        (PUPIL, THERE, Place(division=DAOLI, address="1"), OUT_OF_THE_ZONE,
         {"ground.purchase_other_county": "refuse"}),
        (PUPIL, SAME_COUNTY, Place(division=DAOLI, address="1"), OUT_OF_THE_ZONE,
         {"ground.purchase_other_county": "refuse"}),
    ],
)  # fmt: skip
def test_a_house_bought_in_the_county_is_at_the_authoritys_discretion(
    pupil: Any, to: Any, residence: Place, covers: Covers, stands: dict[str, str]
) -> None:
    decision = asked(facts(pupil=pupil, to=to, covers=covers), application(Ground.HOUSE_PURCHASE, residence=residence))
    assert against(decision) == stands
    assert all(f.clause == "24.1.2" for f in decision.findings if f.code in stands)


@pytest.mark.clause("24.1.2", "24.3.2")
def test_of_an_urban_juniors_house_24_3_2_speaks() -> None:
    junior = school("3123000001", NANGANG, stages=("junior",))
    to = school("3123000002", NANGANG, stages=("junior",))
    decision = asked(
        facts(pupil=at(junior, grade=8), to=to, covers=Covers(from_school=False)),
        application(Ground.HOUSE_PURCHASE, residence=STILL_IN_NANGANG),
    )
    assert against(decision) == {"junior.within_county": "needs_override"}


@pytest.mark.clause("24.1.3")
def test_the_county_may_place_a_migrant_child_elsewhere() -> None:
    public = asked(for_=application(Ground.MIGRANT_CHILD))
    assert not against(public)
    assert one(public, "ground.migrant").outcome is Outcome.NOTE
    private = asked(facts(to=school("2123000002", DAOLI, ownership="private")), application(Ground.MIGRANT_CHILD))
    assert one(private, "ground.migrant_private").outcome is Outcome.NOTE


# ---- papers -------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.1.3")
def test_a_migrant_child_brings_two_papers_and_no_more() -> None:
    assert PAPERS[Ground.MIGRANT_CHILD].kinds == {EvidenceKind.RESIDENCE_PERMIT, EvidenceKind.HOUSEHOLD_REGISTER}
    assert [paper.kinds for paper in PAPERS[Ground.MIGRANT_CHILD].papers] == [
        (EvidenceKind.RESIDENCE_PERMIT,),
        (EvidenceKind.HOUSEHOLD_REGISTER,),
    ]


@pytest.mark.clause("24.1.1", "24.1.2", "24.1.3", "24.4")
@pytest.mark.parametrize("ground", list(Ground))
def test_each_paper_of_the_list_is_needed(ground: Ground) -> None:
    whole = application(ground)
    assert [str(f.outcome) for f in evidence_given(whole)] == ["pass"]
    for left_out in range(len(whole.evidence)):
        less = tuple(e for n, e in enumerate(whole.evidence) if n != left_out)
        (found,) = evidence_given(msgspec.structs.replace(whole, evidence=less))
        assert (found.outcome, found.code, found.clause) == (Outcome.REFUSE, "evidence.missing", PAPERS[ground].clause)
        assert PAPERS[ground].papers[left_out].title in (found.cure or "")


@pytest.mark.clause("24.1.2")
@pytest.mark.parametrize("kind", [EvidenceKind.RESIDENCE, EvidenceKind.RESIDENCE_PERMIT])
def test_a_deed_or_a_permit_does(kind: EvidenceKind) -> None:
    assert not against(asked(for_=application(evidence=given(kind))))
    other = asked(for_=application(evidence=given(EvidenceKind.HOUSEHOLD_REGISTER)))
    assert against(other) == {"evidence.missing": "refuse"}


@pytest.mark.clause("24.1.3")
def test_what_nobody_needs_stops_nothing() -> None:
    more = (*papers_of(Ground.MIGRANT_CHILD), *given(EvidenceKind.HEALTH))
    decision = asked(for_=application(Ground.MIGRANT_CHILD, evidence=more))
    assert not against(decision)
    assert EVIDENCE_TITLES[EvidenceKind.HEALTH] in one(decision, "evidence.not_needed").message


@pytest.mark.clause("24.1.3")
def test_the_list_says_what_has_been_given() -> None:
    of = application(Ground.MIGRANT_CHILD, evidence=given(EvidenceKind.HOUSEHOLD_REGISTER))
    assert [(paper.kinds, paper.given) for paper in papers_asked(of)] == [
        (("residence_permit",), False),
        (("household_register",), True),
    ]


@pytest.mark.clause("24.1.3")
@pytest.mark.parametrize(
    ("asks", "code"),
    [
        (("evidence.residence_permit",), "return.within_list"),
        (("evidence.household_register", "phone"), "return.within_list"),
        (("residence",), "return.within_list"),  # the address
        (("evidence.residence",), "return.asks_more"),  # the deed
        (("evidence.health",), "return.asks_more"),
        (("evidence.household_register", "evidence.award"), "return.asks_more"),
        (("household_register",), "return.asks_more"),
        (("number",), "return.asks_more"),  # another pupil is another case
        (("成绩单",), "return.asks_more"),
        ((), "return.nothing_asked"),
    ],
)
def test_a_return_asks_for_nothing_beyond_the_list(asks: tuple[str, ...], code: str) -> None:
    (found,) = may_ask(Ground.MIGRANT_CHILD, asks)
    assert found.code == code
    assert (found.outcome is Outcome.REFUSE) == (code != "return.within_list")


@any_of(ground=st.sampled_from(list(Ground)), kinds=st.lists(st.sampled_from(list(EvidenceKind)), min_size=1))
def test_no_paper_outside_the_list_can_ever_be_asked_for(ground: Ground, kinds: list[EvidenceKind]) -> None:
    (found,) = may_ask(ground, [f"evidence.{kind}" for kind in kinds])
    assert (found.outcome is Outcome.PASS) == (set(kinds) <= PAPERS[ground].kinds)


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("field", sorted(CORRECTABLE.keys() - {"exception"}))
@pytest.mark.parametrize("approved", [False, True])
def test_what_was_approved_is_not_changed_behind_the_approval(field: str, approved: bool) -> None:
    before = application(Ground.MIGRANT_CHILD)
    values: dict[str, Any] = {
        "ground": Ground.RESIDENCE_CHANGED,
        "residence": STILL_IN_NANGANG,
        "household": STILL_IN_NANGANG,
        "guardian": "李某",
        "phone": "13800000000",
        "alone_in_household": True,
        "record_moves": False,
        "agreed": True,
    }
    found = may_correct(before, msgspec.structs.replace(before, **{field: values[field]}), approved)
    assert bool(found) == (approved and field in JUDGED)
    assert all(f.fields == (field,) for f in found)


@pytest.mark.clause("24.5.1")
def test_a_correction_may_bring_papers_at_any_step() -> None:
    for approved in (False, True):
        assert not may_correct(application(evidence=()), application(), approved)


# ---- what never happens -------------------------------------------------------------------------------------------------


@any_of(asking=any_asking())
def test_nobody_is_transferred_on_a_ground_that_does_not_stand(asking: Asking) -> None:
    """No way around 23, a ground whose place lies in the old zone, or a missing paper."""
    of, for_, on = asking
    decision = asked(of, for_, on=on)
    if decision.refused or of.pupil is None:
        return
    assert of.pupil.held_by is None
    moved = for_.ground in (Ground.HOUSEHOLD_MOVED, Ground.RESIDENCE_CHANGED, Ground.HOUSE_PURCHASE)
    assert not (moved and of.covers.from_school)
    assert for_.ground is not Ground.HOUSEHOLD_MOVED or for_.household is not None
    assert all(paper.given for paper in papers_asked(for_))
    if for_.ground is Ground.HOUSE_PURCHASE:
        assert decision.needs_override or of.pupil.stage == "junior"
        assert of.pupil.school.division == of.to.division == for_.residence.division


def test_another_countys_zone_unknown_is_outside() -> None:
    decision = asked(
        facts(covers=NO_ZONES, to=school("2123000002", SHANGZHI)),
        application(residence=Place(division=SHANGZHI, address="1")),
    )
    assert "ground.outside_zone" in codes(decision)
