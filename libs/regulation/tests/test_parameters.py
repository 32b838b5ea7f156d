import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation.clauses import CLAUSES
from regulation.divisions import chain
from regulation.parameters import (
    LocalValue,
    Parameters,
    ParameterValue,
    PolicyBook,
    PolicyError,
    province_parameters,
)
from regulation.school_year import MonthDay, Stage, month_day

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
@pytest.mark.parametrize("value", [5, 8])
def test_a_value_outside_the_province_bounds_is_refused(value: int) -> None:
    with pytest.raises(PolicyError, match="6至7"):
        book(local(SHANGZHI, value))


@pytest.mark.parametrize("value", ["7", -1, 10_000_001, True])
def test_a_number_is_a_number_of_some_sense(value: int | str) -> None:
    with pytest.raises(PolicyError, match="应为0以上的整数"):
        book(local(SHANGZHI, value))


@pytest.mark.clause("4.1", "49")
@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("enrolment_from", ("07-01", "08-31"), ("06-30", "09-01")),
        ("enrolment_to", ("09-01", "09-30"), ("08-31", "10-01")),
        ("autumn_term_start", ("09-01", "09-10"), ("08-31", "09-11")),
        ("autumn_term_end", ("01-01", "01-31"), ("02-01", "12-31")),
        ("spring_term_start", ("02-15", "03-15"), ("02-14", "03-16")),
        ("spring_term_end", ("07-01", "07-31"), ("06-30", "08-01")),
    ],
)
def test_days_of_the_year_have_bounds_and_both_ends_are_allowed(
    key: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    for value in right:
        held = book(local(SHANGZHI, value, key=key)).parameters(SHANGZHI, AUTUMN)
        assert getattr(held, key) == month_day(value)
    for value in wrong:
        with pytest.raises(PolicyError, match="超出上级230000规定的"):
            book(local(SHANGZHI, value, key=key))


@pytest.mark.parametrize("value", ["2-15", "02-29", "02-30", "13-01", "0815", "", 901, "09-01\n"])
def test_a_day_of_the_year_is_one_that_every_year_has(value: int | str) -> None:
    with pytest.raises(PolicyError, match="应为“月-日”"):
        book(local(SHANGZHI, value, key="autumn_term_start"))


@pytest.mark.clause("11", "24.2.1")
@pytest.mark.parametrize(
    ("key", "most"),
    [
        ("class_size_primary", 45),
        ("class_size_junior", 50),
        ("large_school_single", 2000),
        ("large_school_combined", 2500),
    ],
)
def test_sizes_may_be_lowered_never_raised(key: str, most: int) -> None:
    for value in (1, most - 1, most):
        assert getattr(book(local(SHANGZHI, value, key=key)).parameters(SHANGZHI, AUTUMN), key) == value
    for value in (0, most + 1):
        with pytest.raises(PolicyError, match=f"1至{most}人"):
            book(local(SHANGZHI, value, key=key))


@pytest.mark.clause("29")
def test_the_year_end_is_one_for_the_whole_province() -> None:
    p = Parameters.for_(DAOLI, AUTUMN)
    assert [p.graduating_freeze, p.graduation_deadline, p.promotion_from, p.promotion_to] == [
        MonthDay(7, 1),
        MonthDay(7, 30),
        MonthDay(8, 1),
        MonthDay(8, 10),
    ]
    for key in ("graduating_freeze", "graduation_deadline", "promotion_from", "promotion_to"):
        with pytest.raises(PolicyError, match="没有授权"):
            book(local(HARBIN, "07-05", key=key))


@pytest.mark.clause("49")
def test_the_province_sets_its_own_successors() -> None:
    later = book(local("230000", 40, key="class_size_primary", since=date(2027, 1, 1), low=30, high=40))
    assert later.parameters(DAOLI, date(2026, 12, 31)).class_size_primary == 45
    assert later.parameters(DAOLI, date(2027, 1, 1)).class_size_primary == 40
    assert later.parameters(DAOLI, date(2027, 1, 1)).version == "230000@2027-01-01"


@pytest.mark.clause("49")
def test_what_an_authority_sets_lies_within_what_it_leaves_to_others() -> None:
    with pytest.raises(PolicyError, match="不在留给下级的范围7至7周岁内"):
        book(local(HARBIN, 6, low=7, high=7))


@pytest.mark.clause("49")
def test_everything_that_is_wrong_is_told_at_once() -> None:
    rows = [
        local(SHANGZHI, 44, key="class_size_primary", since=date(2026, 3, 1)),
        local("230281", 43, key="class_size_primary", since=date(2026, 3, 1)),
        local("230281", 39, key="class_size_primary", since=date(2027, 9, 1)),
        local("230000", 40, key="class_size_primary", since=date(2027, 1, 1), low=1, high=40),
    ]
    _, faults = PolicyBook.examine(province_parameters(), rows)
    assert [(f.own.division, f.own.value, f.day) for f in faults] == [
        (SHANGZHI, 44, date(2027, 1, 1)),
        ("230281", 43, date(2027, 1, 1)),
    ]
    assert all(f.upper is not None and f.upper.division == "230000" and "1至40人" in f.message for f in faults)


def test_a_value_that_was_replaced_in_time_is_no_fault() -> None:
    rows = [
        local(SHANGZHI, 44, key="class_size_primary", since=date(2026, 3, 1)),
        local(SHANGZHI, 40, key="class_size_primary", since=date(2027, 1, 1)),
        local("230000", 40, key="class_size_primary", since=date(2027, 1, 1), low=1, high=40),
    ]
    assert PolicyBook.examine(province_parameters(), rows)[1] == ()


@pytest.mark.parametrize(("value", "fits"), [("08-10", True), ("08-09", True), ("07-31", False)])
def test_days_of_a_season_stay_in_order(value: str, fits: bool) -> None:
    row = local("230000", value, key="promotion_to", since=date(2027, 1, 1))
    faults = PolicyBook.examine(province_parameters(), [row])[1]
    assert (not faults) is fits
    if not fits:
        assert "“自动升级开始日”（08-01）晚于“自动升级结束日”（07-31）" in faults[0].message


def test_who_holds_what_along_the_chain() -> None:
    policy = book(local(HARBIN, 6, low=6, high=7), local(SHANGZHI, 7, since=date(2026, 5, 1)))
    assert [v.division for v in policy.held("entry_age", SHANGZHI, date(2026, 4, 30))] == ["230000", HARBIN]
    assert [v.value for v in policy.held("entry_age", SHANGZHI, date(2026, 5, 1))] == [6, 6, 7]
    assert policy.held("entry_age", SHANGZHI, date(2000, 1, 1)) == ()
    with pytest.raises(KeyError):
        policy.held("no_such", SHANGZHI, AUTUMN)


DIVISIONS_TRIED = ("230000", HARBIN, "230200", SHANGZHI, DAOLI, "230281")


@pytest.mark.clause("49")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(DIVISIONS_TRIED),
            st.integers(0, 50),
            st.one_of(st.none(), st.tuples(st.integers(0, 50), st.integers(0, 50))),
            st.dates(date(2026, 1, 1), date(2026, 1, 6)),
        ),
        max_size=8,
        unique_by=lambda row: (row[0], row[3]),
    ),
    st.sampled_from(DIVISIONS_TRIED),
    st.dates(date(2025, 12, 31), date(2026, 1, 8)),
)
def test_no_value_outside_the_bounds_above_ever_holds(
    rows: list[tuple[str, int, tuple[int, int] | None, date]], division: str, day: date
) -> None:
    """Whatever a book accepts: what holds lies within every bound above it, and comes from an ancestor."""
    made = [
        local(code, value, key="class_size_primary", since=since, low=b and b[0], high=b and b[1])
        for code, value, b, since in rows
    ]
    policy, faults = PolicyBook.examine(province_parameters(), made)
    if faults:
        with pytest.raises(PolicyError):
            book(*made)
        return
    held = policy.held("class_size_primary", division, day)
    assert [v.division for v in held] == [code for code in chain(division) if code in {v.division for v in held}]
    for above, below in itertools.combinations(held, 2):
        assert isinstance(above.min, int)
        assert isinstance(above.max, int)
        assert above.min <= int(below.value) <= above.max
    assert policy.parameters(division, day).class_size_primary == held[-1].value
    named = {part.split("@")[0] for part in policy.parameters(division, day).version.split()}
    assert held[-1].division in named <= set(chain(division))


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
