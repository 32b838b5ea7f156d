"""The rules of admission on both sides of every boundary, and what must never happen."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.enrolment.admission import policy
from registry.enrolment.admission.policy import SchoolChoice, ToPlace
from registry.enrolment.children import policy as lists
from registry.enrolment.children.policy import ChildFacts
from registry.enrolment.zones.matching import Area, ZoneOf, Zones, normalise
from registry.enrolment.zones.policy import day_fault, end_fault, faults
from registry_world import SCHOOL
from regulation.calendar import Calendar
from regulation.parameters import Parameters
from regulation.school_calendar import Season
from regulation.school_year import Stage
from shared_contracts.admission import AreaView, ZoneGiven
from shared_contracts.decisions import Outcome
from shared_contracts.evidence import EvidenceKind

COUNTY = "230102"
TODAY = date(2026, 7, 20)
PARAMETERS = Parameters.for_(COUNTY, TODAY)
PRIVATE = msgspec.structs.replace(SCHOOL, code="2123010009", ownership="private")
QUALIFIED = msgspec.structs.replace(SCHOOL, accepts_international=True)


def codes(findings):
    return [f.code for f in findings if f.outcome is Outcome.REFUSE]


# ---- zones -------------------------------------------------------------------------------------------------------------


def zones(**streets):
    return Zones(
        ZoneOf(zone_id=name, school=name, areas=(Area(division=COUNTY, streets=tuple(names)),))
        for name, names in streets.items()
    )


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("道里区新一路8号", [("B", "新一路")]),
        ("道里区一路8号", [("A", "一路")]),
        ("道里区十一路8号", []),
        ("道里区建设街 12 号", [("A", "建设街")]),
        ("道里区建设街道办事处", []),
        ("道里区　友谊路（南段）", [("A", "友谊路"), ("B", "友谊路")]),
        ("", []),
    ],
)
def test_the_longest_name_that_stands_in_the_address_wins(address, found):
    served = zones(A=["一路", "建设街", "友谊路"], B=["新一路", "友谊路"])
    assert [(m.school, m.street) for m in served.of(COUNTY, address)] == found


@pytest.mark.clause("5.2")
def test_a_street_goes_before_the_whole_division_and_no_other_division_counts():
    served = zones(A=["一路"], B=[])
    assert [m.school for m in served.of(COUNTY, "一路3号")] == ["A"]
    assert [(m.school, m.street) for m in served.of(COUNTY, "别处3号")] == [("B", "")]
    assert served.of("230103", "一路3号") == ()


@given(
    st.dictionaries(
        st.sampled_from("ABCDE"), st.lists(st.text("一二路街道新南北", min_size=1, max_size=4), max_size=4)
    ),
    st.text("一二路街道新南北0号", max_size=12),
)
@pytest.mark.clause("5.2")
def test_an_answer_never_depends_on_the_order_and_no_longer_name_is_missed(streets, address):
    served = zones(**streets)
    found = served.of(COUNTY, address)
    backwards = zones(**dict(reversed(streets.items()))).of(COUNTY, address)
    assert [(m.school, m.street) for m in found] == [(m.school, m.street) for m in backwards]
    assert len({len(normalise(m.street)) for m in found}) <= 1, "only names of one length are equal"
    for match in found:
        assert normalise(match.street) in normalise(address)


def zone(**changes):
    values = {"school": SCHOOL.code, "stage": "primary", "areas": (AreaView(division=COUNTY, streets=("一路",)),)}
    return ZoneGiven(**values | changes)


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("given_", "school", "wrong"),
    [
        (zone(), SCHOOL, []),
        (zone(areas=(AreaView(division=COUNTY),)), SCHOOL, []),
        (zone(areas=(AreaView(division="230103", streets=("近处街",)),)), SCHOOL, []),
        (zone(), PRIVATE, ["zone.private"]),
        (zone(stage="junior"), SCHOOL, ["zone.stage"]),
        (zone(areas=()), SCHOOL, ["zone.areas"]),
        (zone(areas=(AreaView(division="230202"),)), SCHOOL, ["zone.division"]),
        (zone(areas=(AreaView(division="230100"),)), SCHOOL, ["zone.division"]),
        (zone(areas=(AreaView(division=COUNTY), AreaView(division=COUNTY))), SCHOOL, ["zone.twice"]),
        (zone(areas=(AreaView(division=COUNTY, streets=("，",)),)), SCHOOL, ["zone.street"]),
        (zone(areas=(AreaView(division=COUNTY, streets=("一路", "一 路")),)), SCHOOL, ["zone.street_twice"]),
    ],
)
def test_what_a_zone_may_be(given_, school, wrong):
    assert codes(faults(given_, school)) == wrong


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("valid_from", "last", "wrong"),
    [
        (date(2026, 1, 1), None, None),
        (TODAY, date(2026, 7, 1), None),
        (TODAY - timedelta(days=1), date(2026, 7, 1), "zone.past"),
        (date(2026, 9, 1), date(2026, 9, 1), None),
        (date(2026, 8, 31), date(2026, 9, 1), "zone.too_early"),
    ],
)
def test_what_has_been_in_force_is_not_rewritten(valid_from, last, wrong):
    found = day_fault(valid_from, last, None, TODAY)
    assert (found and found.code) == wrong


@pytest.mark.clause("5.2")
def test_a_zone_ends_today_at_the_earliest_and_after_it_began():
    assert end_fault(TODAY, date(2026, 7, 1), TODAY) is None
    assert end_fault(TODAY - timedelta(days=1), date(2026, 7, 1), TODAY).code == "zone.past"
    assert end_fault(date(2026, 9, 1), date(2026, 9, 1), TODAY).code == "zone.too_early"


# ---- children ----------------------------------------------------------------------------------------------------------


def child(**changes):
    values = {
        "birth_date": date(2020, 3, 5),
        "division": COUNTY,
        "county": COUNTY,
        "school_year": 2026,
        "stage": Stage.PRIMARY,
        "parameters": PARAMETERS,
    }
    return ChildFacts(**values | changes)


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("born", "wrong"), [(date(2020, 8, 31), []), (date(2020, 9, 1), ["child.under_age"]), (date(2020, 1, 1), [])]
)
def test_six_years_on_31_august_that_day_included(born, wrong):
    assert codes(lists.decide(child(birth_date=born))) == wrong


@pytest.mark.clause("5.1")
@pytest.mark.parametrize(("born", "wrong"), [(date(2010, 9, 1), []), (date(2010, 8, 31), ["child.too_old"])])
def test_fifteen_years_and_no_more(born, wrong):
    assert codes(lists.decide(child(birth_date=born))) == wrong


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"division": "230103"}, ["child.other_household"]),
        ({"division": "230103", "household": False}, []),
        ({"listed_by": COUNTY}, []),
        ({"listed_by": "230202"}, ["child.listed_elsewhere"]),
        ({"admitted_to": SCHOOL.code}, ["child.admitted"]),
        ({"holder": SCHOOL.code}, ["child.registered"]),
        ({"holder": "230000"}, ["child.transferred_out"]),
    ],
)
def test_who_belongs_on_a_county_s_list(changes, wrong):
    assert codes(lists.decide(child(**changes))) == wrong


@pytest.mark.clause("12")
@pytest.mark.parametrize(
    ("stage", "record", "of", "wrong"),
    [
        (Stage.PRIMARY, "", "", []),
        (Stage.PRIMARY, "ended", "primary", ["child.graduate"]),
        (Stage.PRIMARY, "ended", "junior", ["child.graduate"]),
        (Stage.JUNIOR, "ended", "primary", []),
        (Stage.JUNIOR, "ended", "junior", ["child.graduate"]),
    ],
)
def test_a_graduate_never_begins_the_same_stage_again(stage, record, of, wrong):
    facts = child(stage=stage, record=record, graduated_stage=of, birth_date=date(2013, 3, 5))
    assert codes(lists.decide(facts)) == wrong


@pytest.mark.clause("6")
def test_who_is_two_years_late_is_noted():
    assert [f.code for f in lists.decide(child(birth_date=date(2018, 8, 31))) if f.outcome is Outcome.NOTE] == [
        "child.late"
    ]
    assert not [f for f in lists.decide(child(birth_date=date(2018, 9, 1))) if f.outcome is Outcome.NOTE]


@pytest.mark.clause("5.2")
def test_lists_are_a_county_s():
    assert lists.county_fault(COUNTY) is None
    assert lists.county_fault("230100").code == lists.county_fault("230000").code == "child.not_a_county"


# ---- places ------------------------------------------------------------------------------------------------------------

SEASON = Season(first=date(2026, 7, 1), last=date(2026, 9, 30))


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(
    ("day", "open_"),
    [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (date(2026, 9, 30), True), (date(2026, 10, 1), False)],
)
def test_the_season(day, open_):
    assert (policy.in_season(day, SEASON).outcome is Outcome.PASS) is open_


_schools = st.sampled_from("ABCD")


@given(
    st.lists(st.lists(_schools, unique=True, max_size=3), max_size=40),
    st.dictionaries(_schools, st.integers(0, 6)),
)
@pytest.mark.clause("4.3")
@pytest.mark.clause("5.2")
def test_no_school_is_ever_one_over_and_nobody_is_lost_or_placed_twice(wanted, free):
    children = [ToPlace(child=f"c{n}", schools=tuple((s, "街") for s in of)) for n, of in enumerate(wanted)]
    placed, by_hand = policy.place_by_zone(children, free, {}, frozenset())
    for school in "ABCD":
        assert sum(one.school == school for one in placed) <= free.get(school, 0)
    assert sorted([*(p.child for p in placed), *(b.child for b in by_hand)]) == sorted(c.child for c in children)
    served = {c.child: {s for s, _ in c.schools} for c in children}
    assert all(one.school in served[one.child] for one in placed)


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("school", "reason", "wrong"),
    [
        (SCHOOL, "统筹", []),
        (SCHOOL, " ", ["placement.reason"]),
        (msgspec.structs.replace(SCHOOL, stages=(Stage.JUNIOR,)), "统筹", ["placement.stage"]),
        (msgspec.structs.replace(SCHOOL, authority="230202", division="230202"), "统筹", ["placement.elsewhere"]),
        (msgspec.structs.replace(SCHOOL, authority="230100"), "统筹", []),
    ],
)
def test_placing_by_hand(school, reason, wrong):
    assert codes(policy.hand_faults(school, Stage.PRIMARY, COUNTY, reason)) == wrong


@pytest.mark.clause("4.3")
@pytest.mark.parametrize(("free", "code"), [(None, "placement.no_plan"), (0, "placement.full"), (1, "placement.room")])
def test_room_is_what_the_plan_has_left(free, code):
    assert policy.room(SCHOOL, Stage.PRIMARY, free).code == code


@pytest.mark.clause("5.2")
def test_the_county_places_in_public_schools():
    assert policy.public_first(SCHOOL).outcome is Outcome.PASS
    assert policy.public_first(PRIVATE).outcome is Outcome.REFUSE


# ---- applications ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("6")
@pytest.mark.parametrize(
    ("cause", "institution", "kinds", "wrong"),
    [
        ("health", "市第一医院", [EvidenceKind.MEDICAL], []),
        ("health", " ", [EvidenceKind.MEDICAL], ["deferral.institution"]),
        ("health", "市第一医院", [EvidenceKind.OTHER], ["deferral.diagnosis"]),
        ("other", "", [EvidenceKind.OTHER], []),
        ("other", "", [], ["deferral.proof"]),
    ],
)
def test_a_deferral_has_its_reason_and_its_paper(cause, institution, kinds, wrong):
    assert codes(policy.deferral_faults(SCHOOL, cause, institution, kinds, True)) == wrong


@pytest.mark.clause("6")
def test_a_deferral_is_received_by_a_public_school_for_a_child_of_the_household_list():
    assert codes(policy.deferral_faults(PRIVATE, "other", "", [EvidenceKind.OTHER], True)) == ["deferral.school"]
    assert codes(policy.deferral_faults(SCHOOL, "other", "", [EvidenceKind.OTHER], False)) == ["deferral.not_household"]


@given(st.lists(st.sampled_from(EvidenceKind), max_size=6))
@pytest.mark.clause("7")
def test_a_migrant_child_s_papers_are_two_kinds_and_never_another(kinds):
    allowed = {EvidenceKind.RESIDENCE_PERMIT, EvidenceKind.HOUSEHOLD_REGISTER}
    assert (codes(policy.migrant_papers(kinds)) == []) == (set(kinds) == allowed)


@pytest.mark.clause("7")
@pytest.mark.parametrize(
    ("division", "household", "wrong"),
    [
        (COUNTY, "", None),
        (COUNTY, "230202", None),
        (COUNTY, COUNTY, "migrant.household_here"),
        ("230202", "", "migrant.elsewhere"),
    ],
)
def test_a_migrant_child_lives_here_and_is_registered_elsewhere(division, household, wrong):
    found = policy.migrant_household(division, household, COUNTY)
    assert (found.code if found.outcome is Outcome.REFUSE else None) == wrong


@pytest.mark.clause("7")
def test_public_and_near_schools_come_first():
    def choice(code, ownership="public", division=COUNTY, served=False, free=5):
        return SchoolChoice(code=code, ownership=ownership, division=division, served=served, free=free)

    shuffled = [
        choice("private", "private", served=True),
        choice("far", division="230103"),
        choice("full", free=0, served=True),
        choice("roomy", free=9),
        choice("near", served=True, free=1),
        choice("same"),
    ]
    ordered = [c.code for c in policy.nearest_first(shuffled, COUNTY)]
    assert ordered == ["near", "roomy", "same", "far", "private"]


@pytest.mark.clause("7")
@pytest.mark.parametrize(
    ("school", "reason", "outcome"),
    [(SCHOOL, "", Outcome.PASS), (PRIVATE, " ", Outcome.REFUSE), (PRIVATE, "公办学位不足", Outcome.NOTE)],
)
def test_a_private_school_only_with_a_reason(school, reason, outcome):
    assert policy.public_mostly(school, reason).outcome is outcome


@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("school", "stage", "approved", "wrong"),
    [
        (PRIVATE, Stage.PRIMARY, True, []),
        (PRIVATE, Stage.PRIMARY, False, ["private.no_scheme"]),
        (PRIVATE, Stage.JUNIOR, True, ["private.stage"]),
        (SCHOOL, Stage.PRIMARY, True, ["private.public_school"]),
    ],
)
def test_a_private_school_admits_under_its_approved_scheme(school, stage, approved, wrong):
    assert codes(policy.private_faults(school, stage, approved)) == wrong


@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("applicants", "free", "code"),
    [(45, 45, "private.room"), (46, 45, "private.over_subscribed"), (1, None, "private.no_plan")],
)
def test_all_applicants_or_none(applicants, free, code):
    assert policy.private_room(applicants, free).code == code


@pytest.mark.clause("9")
@pytest.mark.parametrize(
    ("school", "kind", "papers", "wrong"),
    [
        (QUALIFIED, "A", [EvidenceKind.IDENTITY_DOCUMENT], []),
        (SCHOOL, "A", [EvidenceKind.IDENTITY_DOCUMENT], ["international.not_qualified"]),
        (QUALIFIED, "1", [EvidenceKind.IDENTITY_DOCUMENT], ["international.document"]),
        (QUALIFIED, "A", [], ["international.paper_missing"]),
    ],
)
def test_an_international_pupil_shows_a_foreign_document_at_a_qualified_school(school, kind, papers, wrong):
    assert codes(policy.international_faults(school, kind, papers)) == wrong


# ---- the first day and the month after ---------------------------------------------------------------------------------

FIRST = date(2026, 9, 1)


@pytest.mark.clause("10.1")
@pytest.mark.parametrize(
    ("admitted", "by"),
    [
        (date(2026, 7, 10), FIRST),
        (date(2026, 8, 31), FIRST),
        (FIRST, date(2026, 9, 8)),
        (date(2026, 9, 10), date(2026, 9, 17)),
    ],
)
def test_who_is_placed_after_the_first_day_has_a_week(admitted, by):
    assert policy.report_by(FIRST, admitted, 7) == by


@pytest.mark.clause("10.1")
@pytest.mark.parametrize(
    ("asked", "until", "outcomes"),
    [
        (date(2026, 8, 25), date(2026, 9, 15), ["pass"]),
        (date(2026, 8, 24), date(2026, 9, 15), ["refuse", "pass"]),
        (date(2026, 8, 31), date(2026, 9, 16), ["needs_override"]),
        (FIRST, date(2026, 9, 15), ["refuse", "pass"]),
        (date(2026, 8, 31), FIRST, ["refuse"]),
    ],
)
def test_a_week_to_ask_and_two_to_stay_away(asked, until, outcomes):
    found = policy.postponement(asked, until, FIRST, date(2026, 9, 5), PARAMETERS)
    assert [f.outcome for f in found] == outcomes


@pytest.mark.clause("10.2")
@pytest.mark.parametrize(
    ("postponed", "reported", "today", "missing"),
    [
        (None, False, FIRST, False),
        (None, False, date(2026, 9, 2), True),
        (None, True, date(2026, 9, 2), False),
        (date(2026, 9, 10), False, date(2026, 9, 10), False),
        (date(2026, 9, 10), False, date(2026, 9, 11), True),
    ],
)
def test_who_did_not_come(postponed, reported, today, missing):
    assert policy.no_show(FIRST, postponed, reported, today) is missing


@pytest.mark.clause("13.1")
@pytest.mark.parametrize(
    ("reported", "last"), [(date(2026, 9, 1), date(2026, 10, 8)), (date(2026, 9, 21), date(2026, 10, 21))]
)
def test_a_month_to_hand_in_and_the_last_day_is_in_time(reported, last):
    assert policy.hand_in_by(reported, 1, Calendar()) == last
    assert not policy.late_record(reported, 1, Calendar(), last)
    assert policy.late_record(reported, 1, Calendar(), last + timedelta(days=1))


@pytest.mark.clause("13.1")
def test_reminders_come_a_week_and_a_day_before_each_once():
    last = date(2026, 10, 21)
    assert policy.reminder(last, 0, date(2026, 10, 13)) is None
    assert policy.reminder(last, 0, date(2026, 10, 14)) == 1
    assert policy.reminder(last, 1, date(2026, 10, 19)) is None
    assert policy.reminder(last, 1, date(2026, 10, 20)) == 2
    assert policy.reminder(last, 2, date(2026, 10, 21)) is None
    assert policy.reminder(last, 0, date(2026, 10, 22)) is None
