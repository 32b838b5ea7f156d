"""The browser recomputes a lottery with the same function as the service: one is held against the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from console_engine import Browser
from hypothesis import given, settings
from hypothesis import strategies as st
from regulation import lottery

pytestmark = pytest.mark.clause("24.5.4")
SECRET, VALUE = "ab" * 32, "03 07 12 + 09"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser("drawing.js", "lottery.js")
    yield made
    made.close()


def notice(number: str = "YH-2026-1-2123010001-3-01", source: str = "双色球 2026101 期") -> lottery.Notice:
    return lottery.Notice(
        number=number,
        school="2123010001",
        school_year=2026,
        term=1,
        grade=3,
        closes_on="2026-09-03",
        commitment=lottery.commitment_of(number, SECRET),
        public_source=source,
        public_at="2026-09-06T21:15:00+08:00",
    )


ratios = st.sampled_from(["0", "1", "1/3", "1/5", "1/7", "1/9", "1/10", "2/19"])
counts = st.integers(0, 200)


@st.composite
def listings(draw: st.DrawFn) -> lottery.Listing:
    free, taken, ratio = draw(counts), draw(counts), draw(ratios)
    codes = draw(st.lists(st.text("23456789ABCD-", min_size=1, max_size=9), unique=True, max_size=40))
    return lottery.Listing(
        free=free,
        taken=taken,
        ratio=ratio,
        places=lottery.transferable(free, taken, Fraction(ratio)),
        applicants=tuple(codes),
    )


@settings(max_examples=200, deadline=None)
@given(listing=listings(), seed=st.text("0123456789abcdef", min_size=1, max_size=8), source=st.text(max_size=9))
def test_both_compute_the_same(browser: Browser, listing: lottery.Listing, seed: str, source: str) -> None:
    left = listing.applicants[::3]
    sign = notice(source=source)
    assert browser.call("listHash", sign, listing) == lottery.list_hash(sign, listing)
    order, winners = lottery.draw(listing, seed, left)
    assert browser.call("draw", listing, seed, left) == [list(order), list(winners)]
    assert browser.call("isDrawn", listing, left) == lottery.is_drawn(listing, left)


@settings(max_examples=300, deadline=None)
@given(free=st.integers(-5, 400), taken=counts, ratio=ratios)
def test_both_find_as_many_places(browser: Browser, free: int, taken: int, ratio: str) -> None:
    assert browser.call("transferable", free, taken, ratio) == lottery.transferable(free, taken, Fraction(ratio))


def published(applicants: int, left: tuple[str, ...] = ()) -> lottery.Published:
    of = lottery.Listing(
        free=30, taken=3, ratio="1/3", places=8, applicants=tuple(f"C{n:03}" for n in range(applicants))
    )
    hash_ = lottery.list_hash(notice(), of)
    begun = lottery.Published(
        format=lottery.FORMAT, notice=notice(), listing=of, list_sha256=hash_, left=left, secret=SECRET
    )
    if not lottery.is_drawn(of, left):
        return dataclasses.replace(begun, winners=tuple(code for code in of.applicants if code not in left))
    seed = lottery.seed_of(SECRET, hash_, VALUE)
    order, winners = lottery.draw(of, seed, left)
    return dataclasses.replace(begun, public_value=VALUE, seed=seed, order=order, winners=winners)


def test_a_whole_file_and_what_was_changed_in_it(browser: Browser) -> None:
    for true in (published(20), published(20, ("C003", "C004")), published(8), published(9, ("C001",))):
        checks = browser.call("verify", true)
        assert all(good for _, good in checks)
        assert len(checks) == len(lottery.verify(true))
    true = published(20)
    assert true.listing is not None
    changes: tuple[dict[str, Any], ...] = (
        {"format": "x"},
        {"secret": "cd" * 32},
        {"public_value": "03"},
        {"seed": "00" * 32},
        {"left": ["X999"]},
        {"order": true.order[::-1]},
        {"winners": true.order[-8:]},
        {"notice": dataclasses.replace(true.notice, commitment="00" * 32)},
        {"notice": dataclasses.replace(true.notice, public_at="2026-09-07T21:15:00+08:00")},
        {"listing": dataclasses.replace(true.listing, places=9)},
        {"listing": dataclasses.replace(true.listing, ratio="1/2")},
        {"listing": dataclasses.replace(true.listing, applicants=true.listing.applicants[1:])},
    )
    for change in changes:
        false = dataclasses.replace(true, **change)
        assert not all(good for _, good in browser.call("verify", false)), change
        assert not all(good for _, good in lottery.verify(false)), change
    full = published(8)
    assert not all(good for _, good in browser.call("verify", dataclasses.replace(full, winners=full.winners[1:])))
    closed = dataclasses.replace(true, secret=None, public_value=None, seed=None, order=(), winners=())
    opened = dataclasses.replace(closed, listing=None, list_sha256=None)
    for early in (closed, opened):
        assert all(good for _, good in browser.call("verify", early))
