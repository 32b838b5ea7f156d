"""Last days counted anew: day 9, 10 and 11 across the Spring Festival, before and after its notice; twice is once; nobody
loses a day that he could still use (24.6.4)."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg
import msgspec
import pytest
from casework import store
from casework.recounting import Clock, Looked, effects, last_day, recount
from casework.state import advance, opened
from casework_samples import TRANSFER as SHORT
from hypothesis import given
from hypothesis import strategies as st
from regulation.calendar import Calendar, Notice
from test_store import OPENED, PARTIES, transaction, url  # noqa: F401 - the fixture

BEFORE = Calendar()
SPRING = Notice(
    year=2027,
    holidays=(
        *(date(2027, 1, day) for day in (1, 2, 3)),
        *(date(2027, 2, day) for day in range(5, 13)),
        *(date(2027, 4, day) for day in (3, 4, 5)),
        *(date(2027, 5, day) for day in range(1, 6)),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *(date(2027, 10, day) for day in range(1, 8)),
    ),
    worked=(date(2027, 1, 31), date(2027, 2, 14)),
)
"""As the notice for 2027 might be: eight days off around the Spring Festival, two Sundays worked for them."""
AFTER = Calendar(notices=[SPRING])
TRANSFER = msgspec.structs.replace(SHORT, steps=(msgspec.structs.replace(SHORT.first, days=10), *SHORT.steps[1:]))
D = date
BEGUN = D(2027, 1, 27)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("days", "before", "after"),
    [
        (9, D(2027, 2, 9), D(2027, 2, 15)),
        (10, D(2027, 2, 10), D(2027, 2, 16)),
        (11, D(2027, 2, 11), D(2027, 2, 17)),
    ],
)
def test_a_clock_across_the_spring_festival(days: int, before: date, after: date) -> None:
    """Begun on Wednesday, 27 January: by weekends alone, and with the festival and its two worked Sundays."""
    found = BEFORE.add_working_days(D(2027, 1, 27), days)
    assert (found.date, found.provisional) == (before, True)
    moved = last_day(AFTER, Clock(D(2027, 1, 27), days, before, True), D(2027, 1, 28))
    assert (moved.date, moved.provisional) == (after, False)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(
    ("today", "due", "becomes"),
    [
        # Two working days: the 5th and the 8th by weekends, the 14th and the 15th by the notice.
        (D(2027, 2, 4), D(2027, 2, 8), D(2027, 2, 15)),
        (D(2027, 2, 8), D(2027, 2, 8), D(2027, 2, 15)),  # its last day, heard of late
        (D(2027, 2, 9), D(2027, 2, 8), D(2027, 2, 15)),  # escalated by mistake: it runs again
        # A clock that was counted with days off which are worked after all becomes shorter, but not by a day gone.
        (D(2027, 2, 12), D(2027, 2, 17), D(2027, 2, 15)),
        (D(2027, 2, 15), D(2027, 2, 17), D(2027, 2, 15)),
        (D(2027, 2, 16), D(2027, 2, 17), D(2027, 2, 16)),
        (D(2027, 2, 17), D(2027, 2, 17), D(2027, 2, 17)),
        (D(2027, 2, 18), D(2027, 2, 17), D(2027, 2, 17)),  # has passed: not to an earlier day
        # Heard of on a day off: the next working day can still be used, and no more than it.
        (D(2027, 2, 19), D(2027, 2, 23), D(2027, 2, 19)),
        (D(2027, 2, 20), D(2027, 2, 23), D(2027, 2, 22)),
        (D(2027, 2, 21), D(2027, 2, 23), D(2027, 2, 22)),
        (D(2027, 2, 21), D(2027, 2, 21), D(2027, 2, 21)),
    ],
)
def test_never_to_a_day_before_today(today: date, due: date, becomes: date) -> None:
    assert last_day(AFTER, Clock(D(2027, 2, 4), 2, due, True), today).date == becomes


_days = st.dates(D(2026, 12, 1), D(2027, 12, 31))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    days = draw(st.sets(st.dates(D(2027, 1, 1), D(2027, 12, 28)), min_size=1, max_size=60))
    weekend = {day for day in days if day.weekday() > 4}
    off = tuple(sorted(days - weekend)) or (D(2027, 1, 1),)
    return Calendar(notices=[Notice(year=2027, holidays=off, worked=tuple(sorted(weekend)))])


@pytest.mark.clause("24.6.4")
@given(since=_days, days=st.integers(1, 30), today=_days, calendar=calendars(), later=st.integers(0, 40))
def test_twice_is_once_and_no_day_is_lost(since: date, days: int, today: date, calendar: Calendar, later: int) -> None:
    until = BEFORE.add_working_days(since, days)
    first = last_day(calendar, Clock(since, days, until.date, until.provisional), today)
    assert last_day(calendar, Clock(since, days, first.date, first.provisional), today) == first
    # Another copy, another day, or the second round: the same.
    assert last_day(calendar, Clock(since, days, first.date, first.provisional), today + timedelta(later)) == first
    assert first.date >= min(until.date, today)
    if until.date < today:  # it may have been escalated: never further back
        assert first.date >= until.date
    if until.date >= today:
        assert first.date >= today or first.date >= until.date
        assert first.date >= min(until.date, calendar.add_working_days(today - timedelta(days=1), 1).date)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("heard", [False, True])
def test_a_stopped_clock_has_the_same_days_left_whether_its_last_day_has_moved_or_not(heard: bool) -> None:
    """Returned on 4 February after seven of ten days: three are left, also where the recount has not come to it yet."""
    case = opened(TRANSFER, D(2027, 1, 27), AFTER if heard else BEFORE)
    returned = advance(TRANSFER, case, "return", "a", day=D(2027, 2, 4), calendar=AFTER)
    assert (returned.days_left, returned.due_on, returned.clock_from, returned.clock_days) == (3, None, None, None)
    again = advance(TRANSFER, returned, "resubmit", "a", day=D(2027, 2, 20), calendar=AFTER)
    assert (again.due_on, again.clock_from, again.clock_days) == (D(2027, 2, 24), D(2027, 2, 20), 3)


# ---- in the database --------------------------------------------------------------------------------------------------


async def _open(url: str, *ids: str, day: date = BEGUN) -> None:  # noqa: F811
    async with transaction(url) as tx:
        await store.open_cases(
            tx,
            TRANSFER,
            [store.NewCase(id=one, subject_id=f"s-{one}", parties=PARTIES, entered_by="e") for one in ids],
            standing=opened(TRANSFER, day, BEFORE),
            at=OPENED,
            prefix="x_",
        )


async def _count(url: str, number: int, today: date, calendar: Calendar = AFTER, batch: int = 2) -> list[str]:  # noqa: F811
    """All batches, each a transaction."""
    moved: list[str] = []
    while True:
        async with transaction(url) as tx:
            found = await recount(tx, calendar, number, today, "x_", batch)
        if found is None:
            return moved
        moved += found.ids


async def _due(url: str) -> dict[str, tuple[date, bool, int]]:  # noqa: F811
    async with transaction(url) as tx:
        rows = await tx.fetch("SELECT id, due_on, provisional, version FROM x_cases ORDER BY id")
    return {row["id"]: (row["due_on"], row["provisional"], row["version"]) for row in rows}


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_all_cases_are_counted_anew_once_in_batches(url: str) -> None:  # noqa: F811
    await _open(url, *"abcde")
    assert (await _due(url))["a"] == (D(2027, 2, 10), True, 0)
    assert await _count(url, 1, D(2027, 1, 28)) == list("abcde")
    assert set((await _due(url)).values()) == {(D(2027, 2, 16), False, 1)}
    assert await _count(url, 1, D(2027, 1, 28)) == []
    # A copy that had not heard of it opens another: the next day's round finds it, and no later one looks again.
    await _open(url, "bb")
    assert await _count(url, 1, D(2027, 1, 29)) == ["bb"]
    await _open(url, "f")
    assert await _count(url, 1, D(2027, 1, 30)) == []
    # A copy with an older calendar does nothing; a correction counts all anew, and is told of where it changes something.
    assert await _count(url, 0, D(2027, 1, 30), BEFORE) == []
    assert await _count(url, 2, D(2027, 1, 30)) == ["f"]


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_killed_between_two_batches_it_goes_on_where_it_was(url: str) -> None:  # noqa: F811
    await _open(url, *"abcde")
    async with transaction(url) as tx:
        found = await recount(tx, AFTER, 1, D(2027, 1, 28), "x_", 2)
    assert found is not None
    assert (found.ids, found.more) == (("a", "b"), True)
    connection = await asyncpg.connect(url)
    outer = connection.transaction()
    await outer.start()
    lost = await recount(connection, AFTER, 1, D(2027, 1, 28), "x_", 2)
    assert lost is not None
    assert lost.ids == ("c", "d")
    async with transaction(url) as tx:  # another copy, while one is at it
        assert await recount(tx, AFTER, 1, D(2027, 1, 28), "x_", 2) is None
    await outer.rollback()  # killed before its commit
    await connection.close()
    assert await _count(url, 1, D(2027, 1, 28)) == ["c", "d", "e"]
    assert {version for _, _, version in (await _due(url)).values()} == {1}


class Things:
    """What else has a clock: rows that are counted anew by being looked at."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.asked = ids, list[tuple[str, int]]()

    async def some(self, _connection: object, after: str, limit: int) -> Looked:
        self.asked.append((after, limit))
        found = [one for one in self.ids if one > after][:limit]
        return Looked(tuple(found), found[-1] if found else "", len(found))


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 8, 9, 500])
async def test_what_else_has_a_clock_comes_after_the_cases_in_batches_of_all_together(url: str, batch: int) -> None:  # noqa: F811
    """Whatever the batch is: everything once in its order, none of the transactions with more rows, none after the end."""
    await _open(url, *"abc")
    things = [Things(*"pqr"), Things(), Things(*"xy")]
    seen: list[str] = []
    while True:
        async with transaction(url) as tx:
            found = await recount(tx, AFTER, 1, D(2027, 1, 28), "x_", batch, further=[one.some for one in things])
        if found is None:
            break
        of_batch = [*found.ids, *(id_ for ids in found.further for id_ in ids)]
        assert len(of_batch) <= batch
        seen += of_batch
    assert seen == list("abcpqrxy")
    assert all(limit <= batch for one in things for _, limit in one.asked)
    async with transaction(url) as tx:
        (row,) = await tx.fetch("SELECT part, moved, done FROM x_recounts")
    assert tuple(row) == (4, 8, True)


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_what_a_notice_would_do_is_counted_and_nothing_written(url: str) -> None:  # noqa: F811
    await _open(url, *"abc")
    await _open(url, "d", day=D(2027, 3, 1))
    before = await _due(url)
    async with transaction(url) as tx:
        found, running = await effects(tx, AFTER, D(2027, 1, 28), authority="c.parties ->> 'to_authority'", prefix="x_")
    assert running == 4
    assert [tuple(one) for one in found] == [("transfer", "B", D(2027, 2, 10), D(2027, 2, 16), 3)]
    assert await _due(url) == before
