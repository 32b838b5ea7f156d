"""Cursors: what comes back is ours, or it is refused before it reaches the database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit import paging
from shared_contracts.decisions import Refused


@given(st.text().filter(lambda text: "\x00" not in text), st.integers(-(2**31), 2**31 - 1))
def test_what_was_given_out_comes_back(text: str, number: int):
    assert paging.decode(paging.encode(text, number), str, int) == (text, number)


@pytest.mark.parametrize(
    ("number", "kind", "ours"),
    [
        (2**31 - 1, int, True),
        (2**31, int, False),
        (-(2**31), int, True),
        (-(2**31) - 1, int, False),
        (2**31, paging.Long, True),
        (2**63 - 1, paging.Long, True),
        (2**63, paging.Long, False),
        (-(2**63) - 1, paging.Long, False),
    ],
)
def test_a_number_that_the_column_cannot_hold_is_none_of_ours(number: int, kind: Any, ours: bool):
    found = paging.decode(paging.encode(number), kind)
    assert found == (number,) if ours else isinstance(found, Refused) and found.kind == "invalid"


@given(st.text(max_size=40))
def test_nothing_that_somebody_makes_up_breaks_it(text: str):
    found = paging.decode(text, str, int)
    assert isinstance(found, Refused | tuple)


@pytest.mark.parametrize(
    "cursor", ["", "x", "好", paging.encode("a\x00b", 1), paging.encode(1, "a"), paging.encode("a")]
)
def test_what_is_none_of_ours_is_refused(cursor: str):
    found = paging.decode(cursor, str, int)
    assert isinstance(found, Refused) and found.detail == paging.NO_CURSOR
