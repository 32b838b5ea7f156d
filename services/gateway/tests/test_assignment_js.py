"""The browser recomputes a class assignment with the same function as the registry: one is held against the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
import pytest
from console_engine import Browser
from hypothesis import given, settings
from hypothesis import strategies as st
from regulation import assignment as fair

pytestmark = pytest.mark.clause("17")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser("drawing.js", "assignment.js")
    yield made
    made.close()


@st.composite
def listings(draw: st.DrawFn) -> fair.Listing:
    size = draw(st.integers(0, 40))
    codes = [f"C{n:03}" for n in range(size)]
    value = st.sampled_from(["", "A", "B", "东街", "𠮷林里"])
    pupils = tuple(
        fair.Pupil(
            code=code,
            sex=draw(st.sampled_from(["1", "2"])),
            attributes={"home": draw(value), "level": draw(value)} if draw(st.booleans()) else {},
        )
        for code in codes
    )
    most = 3 if size > 1 else 0
    rule = st.lists(st.sampled_from(codes or ["none"]), min_size=min(size, 2), max_size=3, unique=True).map(tuple)
    return fair.Listing(
        number=f"FB-2026-2123010001-1-{draw(st.integers(1, 99)):02}",
        school="2123010001",
        school_year=2026,
        grade=1,
        standard=draw(st.integers(5, 45)),
        classes=tuple(
            fair.Klass(class_no=n, placed=draw(st.integers(0, 2))) for n in range(1, draw(st.integers(2, 7)))
        ),
        pupils=pupils,
        together=tuple(draw(st.lists(rule, max_size=most))),
        apart=tuple(draw(st.lists(rule, max_size=most))),
    )


@settings(max_examples=300, deadline=None)
@given(listing=listings(), seed=st.text("0123456789abcdef", min_size=1, max_size=8))
def test_both_compute_the_same(browser: Browser, listing: fair.Listing, seed: str) -> None:
    assert browser.call("listHash", listing) == fair.list_hash(listing)
    found = browser.call("assign", listing, seed)
    if fair.fault(listing) is not None:
        assert found is None
    else:
        assert found == fair.assign(listing, seed)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_both_hash_the_same(browser: Browser, text: str) -> None:
    assert browser.call("sha256", text) == hashlib.sha256(text.encode()).hexdigest()


def test_a_whole_grade_and_what_was_changed_in_it(browser: Browser) -> None:
    listing = fair.Listing(
        number="FB-2026-2123010001-7-01",
        school="2123010001",
        school_year=2026,
        grade=7,
        standard=50,
        classes=tuple(fair.Klass(class_no=n) for n in range(1, 11)),
        pupils=tuple(
            fair.Pupil(code=f"C{n:03}", sex="12"[n % 2], attributes={"boarding": "123"[n % 3]}) for n in range(480)
        ),
        together=(("C001", "C002"), ("C010", "C011")),
        apart=(("C001", "C010"),),
    )
    secret, value = "ab" * 32, "03 07 12 + 09"
    hash_ = fair.list_hash(listing)
    seed = fair.seed_of(secret, hash_, value)
    file = fair.Published(
        format=fair.FORMAT,
        listing=listing,
        list_sha256=hash_,
        commitment=fair.commitment_of(secret, hash_),
        public_source="双色球",
        secret=secret,
        public_value=value,
        seed=seed,
        result=tuple(fair.Placed(code=code, class_no=n) for code, n in fair.assign(listing, seed).items()),
    )
    assert all(good for _, good in browser.call("verify", file))
    first = file.result[0]
    for change in (
        {"secret": "cd" * 32},
        {"public_value": "03"},
        {"commitment": "00" * 32},
        {"result": (msgspec.structs.replace(first, class_no=first.class_no % 10 + 1), *file.result[1:])},
        {"result": file.result[1:]},
        {"listing": msgspec.structs.replace(listing, pupils=listing.pupils[1:])},
    ):
        assert not all(good for _, good in browser.call("verify", msgspec.structs.replace(file, **change)))
    closed = msgspec.structs.replace(file, secret=None, public_value=None, seed=None, result=())
    assert all(good for _, good in browser.call("verify", closed))
