"""What every draw shares: commitment, seed, order."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regulation import drawing

pytestmark = [pytest.mark.clause("17"), pytest.mark.clause("24.5.4")]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.recursive(
    st.none() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(PLAIN)
def test_canonical_json_is_the_one_of_the_contracts(value: object) -> None:
    """Lists that were hashed by the contracts' encoder keep their hashes."""
    assert drawing.canonical(value) == msgspec.json.Encoder(order="sorted").encode(value)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, unique=True, max_size=30), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_codes_are_given(codes: list[str], chance: random.Random) -> None:
    mixed = chance.sample(codes, len(codes))
    assert drawing.in_order(mixed, "seed") == drawing.in_order(codes, "seed")
    assert sorted(drawing.in_order(codes, "seed")) == sorted(codes)


def test_all_parts_make_the_seed() -> None:
    true = drawing.seed_of("format", "list", "secret", "value")
    for other in (("x", "list", "secret", "value"), ("format", "x", "secret", "value"),
                  ("format", "list", "x", "value"), ("format", "list", "secret", "x")):  # fmt: skip
        assert drawing.seed_of(*other) != true
    assert drawing.commitment_of("format", "1", "secret") != drawing.commitment_of("format", "2", "secret")
    assert drawing.commitment_of("format", "1", "secret") != drawing.commitment_of("format", "1", "other")


def test_codes_are_readable_and_never_the_same() -> None:
    taken: set[str] = set()
    codes = [drawing.new_code(taken) for _ in range(500)]
    assert len(set(codes)) == 500 == len(taken)
    assert all(len(code) == 9 and set(code) <= {*drawing.CODE_LETTERS, "-"} for code in codes)
    assert not set("01ILOU") & set(drawing.CODE_LETTERS)
    assert len({drawing.new_secret() for _ in range(50)}) == 50 and len(drawing.new_secret()) == 64
