"""The population: valid, unique, the same everywhere."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher import numbers
from matcher.population import (
    capacity,
    child,
    cohort,
    cohort_of,
    counties,
    current_school_year,
    people,
    person,
    place_of,
)

SEEDS = st.integers(0, 2**40)
PLACES = st.integers(0, capacity() - 1)


@settings(deadline=None)  # a new seed costs its tables, and the machine may be busy
@given(SEEDS, PLACES)
def test_a_person_is_the_same_each_time_and_its_number_says_what_the_person_says(seed: int, index: int) -> None:
    p = person(seed, index)
    assert p == person(seed, index)
    for who in (p, *p.guardians):
        assert numbers.is_valid(who.document_number)
        assert numbers.birth_date(who.document_number) == who.birth_date
        assert numbers.sex(who.document_number) == who.sex
        assert who.document_number.startswith(p.county)
    assert p.county in {c.code for c in counties()}
    father, mother = p.guardians
    assert (father.relation, father.sex, mother.relation, mother.sex) == ("父亲", "1", "母亲", "2")
    for g in p.guardians:
        assert 20 <= p.birth_date.year - g.birth_date.year <= 43
        assert len(g.phone) == 11 and g.phone.isdigit()
    assert p.address.startswith("黑龙江省") and len(p.postcode) == 6


@settings(deadline=None)  # a new seed costs its tables, and the machine may be busy
@given(SEEDS, PLACES, PLACES)
def test_two_places_never_share_a_number(seed: int, one: int, other: int) -> None:
    if one != other:
        a, b = person(seed, one), person(seed, other)
        assert place_of(one) != place_of(other)
        family = [w.document_number for p in (a, b) for w in (p, *p.guardians)]
        assert len(set(family)) == 6


def test_a_long_run_has_no_number_twice() -> None:
    line = list(people(7, 0, 40_000))
    assert len({w.document_number for p in line for w in (p, *p.guardians)}) == 120_000


@pytest.mark.parametrize("year", [2024, 2026, 2027])
def test_a_whole_column_of_the_grid_has_no_number_twice(year: int) -> None:
    """The last ordinals as well as the first: the permutation wraps, the numbers do not."""
    size = cohort(3, year).size
    ordinals = [*range(5000), *range(size // 2, size // 2 + 5000), *range(size - 5000, size)]
    assert len({child(3, year, o).document_number for o in ordinals}) == 15_000
    with pytest.raises(ValueError, match="holds"):
        child(3, year, size)


def test_places_outside_the_line_are_errors() -> None:
    person(1, capacity() - 1)
    for place in (-1, capacity()):
        with pytest.raises(ValueError):
            person(1, place)


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("born", "year"),
    [(date(2020, 8, 31), 2026), (date(2020, 9, 1), 2027), (date(2019, 9, 1), 2026), (date(2019, 8, 31), 2025)],
)
def test_the_cohort_of_a_birth_date(born: date, year: int) -> None:
    assert cohort_of(born) == year


@pytest.mark.parametrize(("today", "year"), [(date(2026, 7, 31), 2025), (date(2026, 8, 1), 2026)])
def test_the_current_school_year(today: date, year: int) -> None:
    assert current_school_year(today) == year


def test_most_children_enter_school_this_year_and_the_leap_day_is_among_them() -> None:
    line = list(people(20260901, 0, 32_000))
    years = Counter(cohort_of(p.birth_date) for p in line)
    assert years[2026] == 18_000 and years[2027] == years[2025] == years[2021] == 2_000
    assert (min(years), max(years), len(years)) == (2017, 2027, 11)
    assert any(p.birth_date == date(2020, 2, 29) for p in line)


def test_another_school_year_has_its_own_cohort() -> None:
    assert cohort_of(person(1, 0, school_year=2030).birth_date) == 2030


def test_names_look_like_names() -> None:
    line = list(people(20260901, 0, 30_000))
    surnames = Counter(p.name[0] for p in line)
    assert {s for s, _ in surnames.most_common(4)} == {"王", "李", "张", "刘"}
    assert 0.06 < surnames["王"] / len(line) < 0.12
    assert all(2 <= len(p.name) <= 12 for p in line)
    for rare in "䶮𠮷":
        assert any(rare in p.name for p in line)
    assert any("·" in p.name for p in line)
    shares = Counter(p.nationality for p in line)
    assert 0.93 < shares["01"] / len(line) < 0.97 and shares["11"] > shares["10"] > shares["03"]
    assert 0.47 < Counter(p.sex for p in line)["1"] / len(line) < 0.53


def test_other_seeds_are_other_people() -> None:
    one, other = ({p.document_number for p in people(seed, 0, 500)} for seed in (1, 2))
    assert len(one & other) < 5


def test_known_check_characters() -> None:
    """Two examples of the standard GB 11643-1999."""
    assert numbers.check_character("11010519491231002") == "X"
    assert numbers.check_character("44052418800101001") == "4"


@pytest.mark.parametrize(
    "number",
    ["", "11010519491231002", "110105194912310021", "11010519490231002X", "11010519491231002x", "1101051949123100²X"],
)
def test_invalid_numbers(number: str) -> None:
    assert not numbers.is_valid(number)


@pytest.mark.slow
def test_fast_enough_for_a_province() -> None:
    """At least 50,000 a second on an idle core; a tenth of it is asked for here, where others use the machine as well."""
    for i in range(200):
        person(9, i)
    begun = time.process_time()
    for i in range(10_000):
        person(9, i)
    assert 10_000 / (time.process_time() - begun) > 5_000
