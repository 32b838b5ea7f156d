from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity import numbers
from regulation.documents import L_CAPACITY, check_digit, read_resident

BORN = date(2019, 10, 3)
RIGHT = "23010220191003001" + check_digit("23010220191003001")


def test_the_kind_a_school_chose_does_not_hide_an_identity_card() -> None:
    assert numbers.document_key("Z", RIGHT) == numbers.document_key("1", RIGHT)
    assert numbers.document_key("A", "E12345678") != numbers.document_key("Z", "E12345678")


def test_every_kind_is_searched() -> None:
    assert numbers.document_key("A", "E12345678") in set(numbers.document_keys("E12345678"))
    assert numbers.document_key("8", "E12345678") in set(numbers.document_keys("E12345678"))
    assert list(numbers.document_keys(RIGHT)) == [numbers.document_key("1", RIGHT)]
    assert list(numbers.document_keys("")) == []


def test_undocumented_pupils_are_one_person_inside_a_school_only() -> None:
    here = numbers.undocumented_key("S1", "王 小明", "1", BORN)
    assert here == numbers.undocumented_key("S1", "王小明", "1", BORN)
    assert here != numbers.undocumented_key("S2", "王小明", "1", BORN)
    assert here != numbers.undocumented_key("S1", "王小明", "2", BORN)


@pytest.mark.clause("15.3")
def test_forms() -> None:
    assert numbers.formal(RIGHT) == "G" + RIGHT
    made = numbers.temporary("230102", BORN, 0)
    assert len(made) == 19
    assert made[:15] == "L23010220191003"


@pytest.mark.clause("15.3")
@given(st.integers(0, L_CAPACITY - 1), st.dates(date(2000, 1, 1), date(2030, 12, 31)))
def test_a_temporary_number_is_nobodys_identity_number(serial: int, born: date) -> None:
    made = numbers.temporary("230102", born, serial)
    assert read_resident(made[1:]) is None
    assert numbers.read(made) == made


@pytest.mark.clause("15.3")
def test_the_last_serial_and_one_more() -> None:
    numbers.temporary("230102", BORN, L_CAPACITY - 1)
    with pytest.raises(ValueError, match="no serial left"):
        numbers.temporary("230102", BORN, L_CAPACITY)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("G" + RIGHT, "G" + RIGHT),
        (f" g{RIGHT.lower()} ", "G" + RIGHT),
        ("Ｇ" + RIGHT, "G" + RIGHT),
        ("J" + RIGHT, "J" + RIGHT),
        ("L230102201910030019", "L230102201910030019"),
        (RIGHT, None),
        ("G" + RIGHT[:-1], None),
        ("K" + RIGHT, None),
        ("", None),
    ],
)
def test_numbers_as_typed(typed: str, read: str | None) -> None:
    assert numbers.read(typed) == read


def test_a_mask_shows_the_letter_and_the_ends() -> None:
    assert numbers.mask("G" + RIGHT) == "G23" + "*" * 14 + RIGHT[-2:]
