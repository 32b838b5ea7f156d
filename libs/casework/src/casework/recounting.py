"""Last days counted anew when the calendar has got a new year's holidays.

A running clock is a day and a number of working days; its last day follows from them by the calendar. So counting twice is
counting once, and a case may be looked at in any order, by any copy, however often.

A recount goes through all cases with a running clock in batches, then through what else of the service has one, and keeps how
far it has come: a kill leaves it where its last transaction was, and none locks more rows than a batch. There are two rounds:
one as soon as the calendar is known, one on a later day, for cases that a copy of the service opened which had not heard of
it yet (`service_kit.policy.MARGIN`). A copy with an older calendar than one that has been counted with does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import asyncpg
from regulation.calendar import Calendar, Deadline
from regulation.mark import clause
from shared_contracts.working_days import MovedDeadline, MovedDeadlines

from casework.store import Connection

BATCH = 500
_LOCK = 0x5245434F  # one recount at a time in a database; the key has no other use


class Clock(NamedTuple):
    """`since`: the day on which it began; `days`: how many working days it runs; `due_on`: its last day until now."""

    since: date
    days: int
    due_on: date
    provisional: bool


class Moved(NamedTuple):
    """Cases with another last day, or of whose last day something else is known now. `more`: there are more to look at.
    `further`: of what else has a clock, in the order in which it was given: the ids of those that have moved."""

    ids: tuple[str, ...]
    more: bool
    further: tuple[tuple[str, ...], ...] = ()


class Looked(NamedTuple):
    """Some rows, in the order of ids. `moved`: ids of those with another last day; `last`: id of the last one that was looked
    at, empty where there was none; `seen`: how many were."""

    moved: tuple[str, ...]
    last: str
    seen: int


Further = Callable[[Connection, str, int], Awaitable[Looked]]
"""Counts anew what has a clock without being a case: at most so many, those after an id. Locks rows in the order of ids."""


@clause("24.6.4", "25.2")
def last_day(calendar: Calendar, clock: Clock, today: date) -> Deadline:
    """A clock's last day by this calendar.

    It never moves to a day before today, or where today is a day off before the next working day, and one that has passed
    never to an earlier day: whoever has to decide loses no day that he could still use, and what was escalated is not said to
    have been late for longer than it was.
    """
    counted = calendar.add_working_days(clock.since, clock.days)
    floor = min(clock.due_on, calendar.add_working_days(today - timedelta(days=1), 1).date)
    return counted if counted.date >= floor else Deadline(floor, counted.provisional)


_BEGIN = """
INSERT INTO {prefix}recounts (calendar, round, begun_on)
SELECT $1::bigint, 1::smallint, $2::date WHERE NOT EXISTS (SELECT FROM {prefix}recounts WHERE calendar >= $1)
UNION ALL
SELECT $1::bigint, 2::smallint, $2::date
WHERE EXISTS (SELECT FROM {prefix}recounts WHERE calendar = $1 AND round = 1 AND done AND begun_on < $3)
ON CONFLICT DO NOTHING
"""
_UNDONE = """
SELECT round, part, after FROM {prefix}recounts
WHERE calendar = $1 AND NOT done AND NOT EXISTS (SELECT FROM {prefix}recounts WHERE calendar > $1) ORDER BY round LIMIT 1
"""
# A walk down cases_pkey that stops after a batch; ended cases are passed over.
_CLOCKS = """
SELECT id, clock_from, clock_days, due_on, provisional FROM {prefix}cases
WHERE id > $1 AND status = 'open' AND clock_from IS NOT NULL AND due_on IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE
"""
_MOVE = """
UPDATE {prefix}cases c SET due_on = n.due_on, provisional = n.provisional, version = c.version + 1
FROM unnest($1::text[], $2::date[], $3::boolean[]) AS n(id, due_on, provisional) WHERE c.id = n.id
"""
_COME = """
UPDATE {prefix}recounts SET part = $3, after = $4, moved = moved + $5, done = $6 WHERE calendar = $1 AND round = $2
"""


async def recount(
    connection: Connection,
    calendar: Calendar,
    number: int,
    today: date,
    prefix: str = "",
    batch: int = BATCH,
    *,
    heard: date | None = None,
    further: Sequence[Further] = (),
) -> Moved | None:
    """One batch, in the caller's transaction, which also tells of what has moved. None: there is nothing to do.

    `number`: grows from calendar to calendar. `heard`: what was known before this day is known in every copy
    (`service_kit.policy.heard`); today where it is not given. `further`: what else has a clock; looked at after the cases, so
    many rows in all. Locks cases in the order of their ids, then those in theirs.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return None
    await connection.execute(_BEGIN.format(prefix=prefix), number, today, heard or today)
    under_way = await connection.fetchrow(_UNDONE.format(prefix=prefix), number)
    if under_way is None:
        return None

    async def cases(connection: Connection, after: str, limit: int) -> Looked:
        return await _cases(connection, calendar, today, prefix, after, limit)

    parts = (cases, *further)
    part, after, room = under_way["part"], under_way["after"], batch
    moved: list[tuple[str, ...]] = [()] * len(parts)
    while part < len(parts) and room:
        looked = await parts[part](connection, after, room)
        moved[part] = looked.moved
        if looked.seen == room:
            after = looked.last
            break
        part, after, room = part + 1, "", room - looked.seen
    more = part < len(parts)
    count = sum(len(ids) for ids in moved)
    await connection.execute(_COME.format(prefix=prefix), number, under_way["round"], part, after, count, not more)
    return Moved(moved[0], more, tuple(moved[1:]))


async def _cases(
    connection: Connection, calendar: Calendar, today: date, prefix: str, after: str, limit: int
) -> Looked:
    rows = await connection.fetch(_CLOCKS.format(prefix=prefix), after, limit)
    memo: dict[Clock, Deadline] = {}
    moved: list[tuple[str, Deadline]] = []
    for row in rows:
        clock = Clock(row["clock_from"], row["clock_days"], row["due_on"], row["provisional"])
        if (becomes := memo.get(clock)) is None:
            becomes = memo[clock] = last_day(calendar, clock, today)
        if (becomes.date, becomes.provisional) != (clock.due_on, clock.provisional):
            moved.append((row["id"], becomes))
    if moved:
        await connection.execute(
            _MOVE.format(prefix=prefix),
            [id_ for id_, _ in moved],
            [becomes.date for _, becomes in moved],
            [becomes.provisional for _, becomes in moved],
        )
    return Looked(tuple(id_ for id_, _ in moved), rows[-1]["id"] if rows else "", len(rows))


class Effect(NamedTuple):
    """So many cases of a kind, under one authority, whose last day would move."""

    kind: str
    authority: str
    was: date
    becomes: date
    number: int


_ALIKE = """
SELECT c.kind, {authority} AS authority, c.clock_from, c.clock_days, c.due_on, count(*)::integer AS number
FROM {prefix}cases c {joined}
WHERE c.status = 'open' AND c.clock_from IS NOT NULL AND c.due_on IS NOT NULL
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


async def effects(
    connection: Connection,
    calendar: Calendar,
    today: date,
    *,
    authority: str,
    joined: str = "",
    prefix: str = "",
) -> tuple[list[Effect], int]:
    """What another calendar would move, and how many clocks run. `authority`: SQL for the one that a case `c` is under now;
    `joined`: further tables for it. Nothing is written."""
    rows = await connection.fetch(_ALIKE.format(authority=authority, joined=joined, prefix=prefix))
    return effects_on(rows, calendar, today)


def effects_on(rows: Sequence[asyncpg.Record], calendar: Calendar, today: date) -> tuple[list[Effect], int]:
    """The same for clocks of whatever kind. `rows`: kind, authority, clock_from, clock_days, due_on, and in `number` how many
    are alike."""
    found: dict[tuple[str, str, date, date], int] = {}
    for row in rows:
        clock = Clock(row["clock_from"], row["clock_days"], row["due_on"], False)
        becomes = last_day(calendar, clock, today).date
        if becomes != clock.due_on:
            key = row["kind"], row["authority"] or "", clock.due_on, becomes
            found[key] = found.get(key, 0) + row["number"]
    return [Effect(*key, number) for key, number in found.items()], sum(row["number"] for row in rows)


def deadlines(found: Sequence[Effect], running: int, title: Callable[[str], str]) -> MovedDeadlines:
    """As a service answers. `title`: what a kind is called."""
    items = (
        MovedDeadline(
            kind=one.kind,
            kind_title=title(one.kind),
            authority=one.authority,
            was=one.was,
            becomes=one.becomes,
            count=one.number,
        )
        for one in found
    )
    return MovedDeadlines(items=tuple(items), open=running)
