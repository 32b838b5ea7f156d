"""Clause 43, sentence by sentence: trained first, for a school year, not replaced in the middle of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from access.appointments import policy
from access.appointments.policy import Appointing, Former, Person
from regulation.findings import decide
from regulation.school_year import MonthDay
from shared_contracts.actors import Actor, Role
from shared_contracts.appointments import Training
from shared_contracts.decisions import Finding, Outcome

pytestmark = pytest.mark.clause("43")

START = MonthDay(9, 1)
SCHOOL, COUNTY, CITY, NEIGHBOUR = "2123010001", "230103", "230100", "230184"
TRAINED = Training(title="学籍管理员岗前培训", organiser="哈尔滨市教育局", completed_on=date(2026, 9, 20))
FACTS = Appointing(
    school=SCHOOL,
    school_closed=False,
    username="li",
    person=Person(organisation=SCHOOL, registrar=True, sealed=False),
    training=TRAINED,
    school_year=2026,
    begins_on=date(2026, 10, 8),
    today=date(2026, 10, 8),
    year_start=START,
)
FORMER = Former(username="wang", school=SCHOOL, school_year=2026, begins_on=date(2026, 9, 1), over=False)


def facts(**changes: Any) -> Appointing:
    return msgspec.structs.replace(FACTS, **changes)


def training(**changes: Any) -> Training:
    return msgspec.structs.replace(TRAINED, **changes)


def against(findings: tuple[Finding, ...]) -> list[str]:
    return [f.code for f in findings if f.outcome is not Outcome.PASS]


def test_a_trained_person_of_the_school_may_be_appointed() -> None:
    findings = policy.appointing(FACTS)
    assert against(findings) == []
    assert [f.code for f in findings] == ["appointment.registrar", "appointment.trained", "appointment.period"]


def test_every_refusal_says_which_clause_and_how_to_go_on() -> None:
    wrong = (
        facts(school_closed=True, person=None, training=training(title=" "), school_year=2020, twice=True),
        facts(training=training(completed_on=date(2026, 12, 1)), begins_on=date(2027, 9, 1)),
        facts(replaces="a", former=None),
        facts(replaces="a", former=FORMER),
    )
    for one in wrong:
        for finding in policy.appointing(one):
            assert finding.clause == "43"
            assert (finding.outcome is Outcome.PASS) == (finding.cure is None)


# ---- 配备学籍管理员 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (None, "appointment.no_account"),
        (Person(organisation="2123010002", registrar=True, sealed=False), "appointment.no_account"),
        (Person(organisation=SCHOOL, registrar=False, sealed=False), "appointment.not_registrar"),
        (Person(organisation=SCHOOL, registrar=True, sealed=True), "appointment.sealed"),
    ],
)
def test_only_a_registrars_account_of_the_school_itself(person: Person | None, code: str) -> None:
    assert policy.is_its_registrar(facts(person=person)).code == code


def test_a_closed_school_has_no_registrar() -> None:
    assert policy.school_is_open(FACTS) is None
    assert against(policy.appointing(facts(school_closed=True))) == ["appointment.school_closed"]


# ---- 先培训后上岗 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completed_on", "begins_on", "trained"),
    [
        (date(2026, 10, 7), date(2026, 10, 8), True),
        (date(2026, 10, 8), date(2026, 10, 8), True),
        (date(2026, 10, 9), date(2026, 10, 8), False),
        (date(2026, 10, 8), date(2026, 11, 1), True),
        # A training that is still to come is none, though the appointment begins later still.
        (date(2026, 10, 9), date(2026, 11, 1), False),
    ],
)
def test_training_before_work(completed_on: date, begins_on: date, trained: bool) -> None:
    found = policy.trained_first(facts(training=training(completed_on=completed_on), begins_on=begins_on))
    assert found.outcome is (Outcome.PASS if trained else Outcome.REFUSE)
    assert found.code == ("appointment.trained" if trained else "appointment.untrained")


@pytest.mark.parametrize("field", ["title", "organiser"])
def test_a_training_has_a_name_and_somebody_who_held_it(field: str) -> None:
    found = policy.trained_first(facts(training=training(**{field: "  "})))
    assert found.code == "appointment.no_training" and found.fields == (f"training.{field}",)
    at_most = policy.trained_first(facts(training=training(**{field: "训" * policy.LONGEST_TEXT})))
    assert at_most.outcome is Outcome.PASS
    longer = policy.trained_first(facts(training=training(**{field: "训" * (policy.LONGEST_TEXT + 1)})))
    assert longer.code == "appointment.training_text"


# ---- the school year ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "year", "possible"),
    [
        (date(2026, 8, 31), 2025, True),
        (date(2026, 8, 31), 2026, True),
        (date(2026, 8, 31), 2027, False),
        (date(2026, 9, 1), 2025, False),
        (date(2026, 9, 1), 2026, True),
        (date(2026, 9, 1), 2027, True),
    ],
)
def test_for_the_present_school_year_or_the_next(today: date, year: int, possible: bool) -> None:
    found = policy.for_a_school_year(facts(today=today, school_year=year, begins_on=date(year, 9, 1)))
    assert (found.code == "appointment.period") is possible


@pytest.mark.parametrize(
    ("begins_on", "within"),
    [
        (date(2026, 8, 31), False),
        (date(2026, 9, 1), True),
        (date(2027, 8, 31), True),
        (date(2027, 9, 1), False),
    ],
)
def test_it_begins_within_its_school_year(begins_on: date, within: bool) -> None:
    found = policy.for_a_school_year(facts(begins_on=begins_on))
    assert (found.outcome is Outcome.PASS) is within


def test_a_school_year_lasts_until_the_day_before_the_next() -> None:
    assert policy.last_day(2026, START) == date(2027, 8, 31)
    assert policy.last_day(2026, MonthDay(3, 1)) == date(2027, 2, 28)


def test_nobody_is_appointed_twice() -> None:
    assert policy.appointed_once(FACTS) is None
    assert against(policy.appointing(facts(twice=True))) == ["appointment.twice"]


# ---- 学年中途原则上不更换 -----------------------------------------------------------------------------------------------


def test_a_first_one_and_a_further_one_replace_nobody() -> None:
    assert policy.kept_stable(FACTS) is None


@pytest.mark.parametrize(
    ("begins_on", "year", "outcome"),
    [
        (date(2026, 9, 1), 2026, Outcome.PASS),  # the turn itself
        (date(2026, 9, 2), 2026, Outcome.NEEDS_OVERRIDE),
        (date(2027, 8, 31), 2026, Outcome.NEEDS_OVERRIDE),
        (date(2027, 9, 1), 2027, Outcome.PASS),  # the former one's year is over then
    ],
)
def test_replacing_in_mid_year_is_for_the_authority(begins_on: date, year: int, outcome: Outcome) -> None:
    found = policy.kept_stable(facts(replaces="a", former=FORMER, begins_on=begins_on, school_year=year))
    assert found is not None and found.outcome is outcome


def test_one_that_has_not_begun_yet_may_be_replaced() -> None:
    later = msgspec.structs.replace(FORMER, begins_on=date(2026, 11, 1))
    for begins_on, outcome in ((date(2026, 11, 1), Outcome.PASS), (date(2026, 11, 2), Outcome.NEEDS_OVERRIDE)):
        found = policy.kept_stable(facts(replaces="a", former=later, begins_on=begins_on))
        assert found is not None and found.outcome is outcome


def test_one_that_begins_today_is_in_office() -> None:
    today = msgspec.structs.replace(FORMER, begins_on=FACTS.today)
    found = policy.kept_stable(facts(replaces="a", former=today))
    assert found is not None and found.outcome is Outcome.NEEDS_OVERRIDE
    (ended,) = policy.ending(today, FACTS.today, START)
    assert ended.outcome is Outcome.NEEDS_OVERRIDE
    tomorrow = msgspec.structs.replace(FORMER, begins_on=FACTS.today + timedelta(days=1))
    (ended,) = policy.ending(tomorrow, FACTS.today, START)
    assert ended.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("former", "code"),
    [
        (None, "appointment.replaces_unknown"),
        (msgspec.structs.replace(FORMER, school="2123010002"), "appointment.replaces_unknown"),
        (msgspec.structs.replace(FORMER, over=True), "appointment.replaces_over"),
        (msgspec.structs.replace(FORMER, username="li"), "appointment.replaces_self"),
    ],
)
def test_what_cannot_be_replaced_is_said(former: Former | None, code: str) -> None:
    found = policy.kept_stable(facts(replaces="a", former=former))
    assert found is not None and (found.code, found.outcome) == (code, Outcome.REFUSE)


@pytest.mark.parametrize(
    ("today", "outcome"),
    [
        (date(2026, 9, 1), Outcome.PASS),
        (date(2026, 9, 2), Outcome.NEEDS_OVERRIDE),
        (date(2027, 8, 31), Outcome.NEEDS_OVERRIDE),
    ],
)
def test_ending_in_mid_year_is_for_the_authority_too(today: date, outcome: Outcome) -> None:
    (found,) = policy.ending(FORMER, today, START)
    assert found.outcome is outcome
    (over,) = policy.ending(msgspec.structs.replace(FORMER, over=True), today, START)
    assert over.code == "appointment.over"


# ---- who overrides --------------------------------------------------------------------------------------------------


def actor(role: Role, organisation: str) -> Actor:
    return Actor(account="a", name="某人", organisation=organisation, roles=(role,))


MID_YEAR = decide(policy.ending(FORMER, date(2026, 11, 24), START))
REASON = "因病离岗"


@pytest.mark.parametrize(
    ("who", "reason", "stands"),
    [
        (actor(Role.AUTHORITY_OFFICER, COUNTY), REASON, True),
        (actor(Role.AUTHORITY_OFFICER, CITY), REASON, True),
        (actor(Role.AUTHORITY_OFFICER, COUNTY), " ", False),
        (actor(Role.AUTHORITY_OFFICER, NEIGHBOUR), REASON, False),
        (actor(Role.PRINCIPAL, SCHOOL), REASON, False),
        (actor(Role.ACCOUNT_ADMIN, COUNTY), REASON, False),
        (actor(Role.LEADER, COUNTY), REASON, False),
    ],
)
def test_only_an_officer_of_the_authority_goes_on_and_says_why(who: Actor, reason: str, stands: bool) -> None:
    found = policy.overridden(MID_YEAR, who, COUNTY, reason)
    assert (found is None) is stands
    if found is not None:
        assert found.code == "appointment.mid_year" and found.cure


def test_a_reason_has_an_end() -> None:
    officer = actor(Role.AUTHORITY_OFFICER, COUNTY)
    assert policy.overridden(MID_YEAR, officer, COUNTY, "因" * policy.LONGEST_REASON) is None
    found = policy.overridden(MID_YEAR, officer, COUNTY, "因" * (policy.LONGEST_REASON + 1))
    assert found is not None and found.code == "appointment.override_text"


def test_where_nothing_stands_against_it_nobody_is_asked_for_a_reason() -> None:
    assert policy.overridden(decide(policy.appointing(FACTS)), actor(Role.PRINCIPAL, SCHOOL), COUNTY, "") is None


def test_a_school_whose_authority_is_not_known_has_nobody_to_override() -> None:
    assert policy.overridden(MID_YEAR, actor(Role.AUTHORITY_OFFICER, COUNTY), None, REASON) is not None
