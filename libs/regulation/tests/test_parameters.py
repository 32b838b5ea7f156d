from datetime import date

import pytest
from regulation.clauses import CLAUSES
from regulation.parameters import (
    LocalValue,
    Parameters,
    ParameterValue,
    PolicyBook,
    PolicyError,
    province_parameters,
)
from regulation.school_year import MonthDay, Stage

SHANGZHI, HARBIN, DAOLI = "230183", "230100", "230102"
AUTUMN = date(2026, 9, 1)


def local(
    division: str,
    value: int | str,
    *,
    key: str = "entry_age",
    since: date = date(2026, 1, 1),
    low: int | None = None,
    high: int | None = None,
) -> LocalValue:
    row = ParameterValue(division=division, valid_from=since, value=value, min=low, max=high)
    return LocalValue(key=key, value=row)


def book(*rows: LocalValue) -> PolicyBook:
    return PolicyBook(province_parameters(), rows)


@pytest.mark.clause("5.1")
def test_the_province_values() -> None:
    p = Parameters.for_(DAOLI, AUTUMN)
    assert (p.entry_age, p.last_age, p.disabled_last_age) == (6, 15, 20)
    assert p.age_cutoff == MonthDay(8, 31)
    assert p.school_year_start == MonthDay(9, 1)
    assert p.registration_months == 1
    assert p.approval_working_days == 10
    assert p.version == "230000@2006-09-01"


@pytest.mark.clause("11")
def test_class_sizes_by_stage() -> None:
    p = Parameters.for_(DAOLI, AUTUMN)
    assert p.class_size(Stage.PRIMARY) == 45
    assert p.class_size(Stage.JUNIOR) == 50


@pytest.mark.clause("5.1", "49")
def test_a_county_may_choose_7_from_a_date_on_and_the_version_says_so() -> None:
    policy = book(local(SHANGZHI, 7))
    before, after = date(2025, 12, 31), date(2026, 1, 1)
    assert policy.parameters(SHANGZHI, before).entry_age == 6
    p = policy.parameters(SHANGZHI, after)
    assert (p.entry_age, p.last_age) == (7, 16)
    assert p.version == "230000@2006-09-01 230183@2026-01-01"
    assert policy.parameters(DAOLI, after).entry_age == 6


@pytest.mark.clause("49")
@pytest.mark.parametrize("value", [5, 8, "7"])
def test_a_value_outside_the_province_bounds_is_refused(value: int | str) -> None:
    with pytest.raises(PolicyError, match="6至7"):
        book(local(SHANGZHI, value))


@pytest.mark.clause("49")
def test_what_the_province_keeps_for_itself_nobody_sets() -> None:
    with pytest.raises(PolicyError, match="没有授权"):
        book(local(HARBIN, 18, key="disabled_last_age"))


@pytest.mark.clause("49")
def test_a_city_binds_its_counties_and_no_other() -> None:
    city = local(HARBIN, 6, low=6, high=6)
    with pytest.raises(PolicyError, match="上级230100"):
        book(city, local(SHANGZHI, 7))
    assert book(city, local("230281", 7)).parameters("230281", AUTUMN).entry_age == 7


@pytest.mark.clause("49")
def test_a_city_cannot_widen_what_the_province_left() -> None:
    with pytest.raises(PolicyError, match="6至7"):
        book(local(HARBIN, 6, low=6, high=9))


@pytest.mark.clause("49")
def test_a_later_narrowing_from_above_shows_the_county_value_that_no_longer_fits() -> None:
    with pytest.raises(PolicyError, match="上级230100"):
        book(local(SHANGZHI, 7), local(HARBIN, 6, since=date(2027, 1, 1), low=6, high=6))


def test_later_values_replace_earlier_ones() -> None:
    policy = book(local(SHANGZHI, 7), local(SHANGZHI, 6, since=date(2027, 1, 1)))
    assert [policy.parameters(SHANGZHI, date(y, 6, 1)).entry_age for y in (2025, 2026, 2027)] == [6, 7, 6]


def test_no_policy_before_its_first_day_or_outside_the_province() -> None:
    with pytest.raises(LookupError, match="2006-08-31"):
        Parameters.for_(DAOLI, date(2006, 8, 31))
    with pytest.raises(LookupError, match="110101"):
        Parameters.for_("110101", AUTUMN)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(PolicyError, match="没有名为"):
        book(local(SHANGZHI, 1, key="no_such"))


def test_every_parameter_cites_a_clause_and_has_words() -> None:
    for p in province_parameters():
        assert CLAUSES[p.clause]
        assert p.title
        assert p.unit
