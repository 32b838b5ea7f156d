"""Cursors: what comes back is ours, or it is refused before it reaches the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from service_kit import paging
from shared_contracts.decisions import Refused, refused


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


@given(st.datetimes(timezones=st.timezones()), st.uuids())
def test_a_moment_comes_back_as_itself(moment: datetime, id_: UUID):
    assume(datetime(2, 1, 1, tzinfo=UTC) < moment < datetime(9998, 1, 1, tzinfo=UTC))
    moment = moment.astimezone(timezone(timedelta(hours=8)))
    assert paging.by_moment(paging.encode(moment.isoformat(), str(id_))) == (moment, str(id_))


@given(st.dates(), st.uuids())
def test_a_day_comes_back_as_itself(day: date, id_: UUID):
    assert paging.by_day(paging.encode(day.isoformat(), str(id_))) == (day, str(id_))


@pytest.mark.parametrize("decode", [paging.by_moment, paging.by_day])
@pytest.mark.parametrize(
    "key",
    [
        ("", "a"),
        ("yesterday", "a"),
        ("2026-09-01T08:00:00", "a"),  # of no zone
        ("0001-01-01T00:00:00+14:00", "a"),  # before the first day that there is
        ("9999-12-31T23:59:59-12:00", "a"),
        ("2026-02-30", "a"),
        ("2026-09-01", "\x00"),
        ("2026-09-01T08:00:00+08:00", 1),
        ("2026-09-01",),
        (20260901, "a"),
    ],
)
def test_what_is_no_moment_and_no_day_is_refused(decode: Any, key: tuple[Any, ...]):
    assert decode(paging.encode(*key)) == refused("invalid", paging.NO_CURSOR)


def test_the_first_page_has_no_place_before_it():
    assert paging.by_moment(None) is None and paging.by_day(None) is None


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
