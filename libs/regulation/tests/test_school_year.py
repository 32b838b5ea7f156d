from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation.school_year import (
    AGE_CUTOFF,
    MonthDay,
    SchoolSystem,
    Stage,
    age_at_cutoff,
    age_on,
    cohort,
    entry_grades,
    expected_grade,
    grade_name,
    grade_of_cohort,
    grades_of,
    graduating_grades,
    latest_birth_date,
    month_day,
    school_year,
    school_year_of_entry,
    stage_of,
)

SIX, FIVE = SchoolSystem.SIX_THREE, SchoolSystem.FIVE_FOUR


def test_the_school_year_turns_on_1_september() -> None:
    assert school_year(date(2026, 8, 31)) == 2025
    assert school_year(date(2026, 9, 1)) == 2026
    assert school_year(date(2027, 1, 1)) == 2026


def test_an_entry_date_from_august_on_belongs_to_the_new_year() -> None:
    assert school_year_of_entry(2026, 7) == 2025
    assert school_year_of_entry(2026, 8) == 2026
    assert school_year_of_entry(2026, 9) == 2026


@pytest.mark.clause("24.6.2")
def test_grade_6_is_primary_in_a_6_3_school_and_junior_in_a_5_4_school() -> None:
    assert [stage_of(g, SIX) for g in (5, 6, 7)] == [Stage.PRIMARY, Stage.PRIMARY, Stage.JUNIOR]
    assert [stage_of(g, FIVE) for g in (5, 6, 7)] == [Stage.PRIMARY, Stage.JUNIOR, Stage.JUNIOR]
    for outside in (0, 10):
        with pytest.raises(ValueError, match="no grade"):
            stage_of(outside, SIX)


@pytest.mark.parametrize("system", SchoolSystem)
def test_the_stages_divide_the_nine_grades(system: SchoolSystem) -> None:
    primary, junior = (grades_of(stage, system) for stage in Stage)
    assert [*primary, *junior] == list(range(1, 10))
    assert (len(primary), len(junior)) == (system.primary_years, system.junior_years)
    assert all(stage_of(g, system) is Stage.PRIMARY for g in primary)
    assert all(stage_of(g, system) is Stage.JUNIOR for g in junior)


def test_start_and_graduating_grades_depend_on_the_system() -> None:
    assert entry_grades(SIX) == {1, 7}
    assert entry_grades(FIVE) == {1, 6}
    assert graduating_grades(SIX) == {6, 9}
    assert graduating_grades(FIVE) == {5, 9}


@pytest.mark.clause("5.1")
def test_the_cut_off_day_itself_counts() -> None:
    assert age_at_cutoff(date(2020, 8, 31), 2026) == 6
    assert age_at_cutoff(date(2020, 9, 1), 2026) == 5
    assert latest_birth_date(2026, 6) == date(2020, 8, 31)
    assert age_at_cutoff(date(2020, 9, 1), 2026, MonthDay(9, 1)) == 6


def test_one_born_on_29_february_is_older_on_1_march_in_common_years() -> None:
    assert age_on(date(2020, 2, 29), date(2026, 2, 28)) == 5
    assert age_on(date(2020, 2, 29), date(2026, 3, 1)) == 6
    assert age_on(date(2020, 2, 29), date(2028, 2, 29)) == 8


@pytest.mark.clause("20.2")
def test_the_expected_grade_follows_the_age_and_the_entry_age() -> None:
    assert expected_grade(date(2020, 8, 31), 2026, 6) == 1
    assert expected_grade(date(2020, 9, 1), 2026, 6) == 0
    assert expected_grade(date(2014, 3, 1), 2026, 6) == 7
    assert expected_grade(date(2014, 3, 1), 2026, 7) == 6


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(2010, 2040), st.sampled_from([6, 7]))
def test_a_year_later_the_expected_grade_is_one_higher(birth: date, year: int, entry_age: int) -> None:
    assert expected_grade(birth, year + 1, entry_age) == expected_grade(birth, year, entry_age) + 1


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(2010, 2040), st.integers(3, 20))
def test_the_latest_birth_date_is_the_edge_of_the_age(birth: date, year: int, age: int) -> None:
    assert (birth <= latest_birth_date(year, age)) == (age_at_cutoff(birth, year, AGE_CUTOFF) >= age)


@given(st.integers(1, 9), st.integers(2000, 2050))
def test_the_cohort_stays_while_the_grade_rises(grade: int, year: int) -> None:
    assert grade_of_cohort(cohort(grade, year), year) == grade
    assert grade_of_cohort(cohort(grade, year), year + 1) == grade + 1


def test_month_day_refuses_days_that_not_every_year_has() -> None:
    assert month_day("08-31") == AGE_CUTOFF
    for bad in ("02-29", "13-01", "8月31日"):
        with pytest.raises(ValueError, match=r"."):
            month_day(bad)


def test_words() -> None:
    assert grade_name(7) == "七年级"
    assert [s.zh for s in Stage] == ["小学", "初中"]
