"""What a list is asked for: never more than the account may see, never a place that is none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from service_kit import listing, paging
from shared_contracts.actors import Actor, Role
from shared_contracts.attendance import ListAttendanceChecks
from shared_contracts.decisions import Refused

SCHOOL = "2123010001"
REGISTRAR = Actor(account="r", name="于老师", organisation=SCHOOL, roles=(Role.REGISTRAR,))
NOBODY = Actor(account="n", name="无", organisation=SCHOOL, roles=())
MOMENT = datetime(2026, 9, 1, 8, tzinfo=UTC)


def test_the_first_page_begins_nowhere_and_reads_one_row_more() -> None:
    asked = listing.by_moment(ListAttendanceChecks(actor=REGISTRAR, limit=50))
    assert isinstance(asked, listing.Asked)
    assert (asked.reach.school, asked.after, asked.limit, asked.rows) == (SCHOOL, None, 50, 51)


@pytest.mark.parametrize(
    ("limit", "shown"), [(-1, 1), (0, 1), (1, 1), (paging.LONGEST, 200), (paging.LONGEST + 1, 200)]
)
def test_so_many_rows_as_are_reasonable(limit: int, shown: int) -> None:
    asked = listing.by_moment(ListAttendanceChecks(actor=REGISTRAR, limit=limit))
    assert isinstance(asked, listing.Asked)
    assert asked.limit == shown


def test_a_page_goes_on_behind_the_last_one() -> None:
    by_moment = listing.by_moment(ListAttendanceChecks(actor=REGISTRAR, cursor=paging.encode(MOMENT.isoformat(), "a")))
    by_day = listing.by_day(ListAttendanceChecks(actor=REGISTRAR, cursor=paging.encode("2026-09-01", "a")))
    assert isinstance(by_moment, listing.Asked)
    assert isinstance(by_day, listing.Asked)
    assert by_moment.after == (MOMENT, "a")
    assert by_day.after == (date(2026, 9, 1), "a")


@pytest.mark.parametrize("cursor", ["!", paging.encode("2026-09-01"), paging.encode("2026-09-01T08:00:00", "a")])
def test_a_place_that_is_none_is_refused(cursor: str) -> None:
    for ask in (listing.by_moment, listing.by_day):
        refused = ask(ListAttendanceChecks(actor=REGISTRAR, cursor=cursor))
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.detail) == ("invalid", paging.NO_CURSOR)


def test_who_may_see_none_of_it_is_told_so_whatever_the_place() -> None:
    refused = listing.by_moment(ListAttendanceChecks(actor=NOBODY, cursor="!"))
    assert isinstance(refused, Refused)
    assert refused.kind == "forbidden"
