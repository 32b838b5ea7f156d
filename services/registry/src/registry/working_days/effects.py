"""The registry's own last days that are counted in working days: of cases, hearings, orders to rectify, archives
that follow a record.

Each is a day and a number of working days (`clock_from`, `clock_days`); a last day that a person has set by date has neither
and never moves.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import asyncpg
from casework.recounting import Clock, Looked, deadlines, effects, effects_on, last_day
from regulation.calendar import Calendar
from shared_contracts.working_days import MovedDeadlines

from registry.registration.chain import chain as registration
from registry.worklist.case_lines import KINDS


class Thing(NamedTuple):
    """What has a clock without being a case. `kind`: also its name in the work queues. `waits`: SQL, whether it still runs;
    `authority`: SQL, whose it is. `sets`: SQL, what else a change of it changes."""

    kind: str
    title: str
    table: str
    waits: str
    authority: str
    sets: str = ", version = x.version + 1"


THINGS = (
    # A pair of two authorities is decided by the one above both; here it counts for the first record's.
    Thing(
        "duplicate",
        "疑似重复学籍",
        "duplicate_pairs",
        "x.state = 'open'",
        "(SELECT coalesce(max(r.authority), '') FROM registrations r WHERE r.id = x.a)",
    ),
    Thing("finding", "责令改正", "inspection_findings", "x.state <> 'closed'", "x.authority"),
    Thing(
        "archive_handover",
        "纸质学籍档案移交",
        "archive_handovers",
        "x.state <> 'done'",
        "(SELECT coalesce(max(o.authority), '') FROM organisations o WHERE o.code = x.from_school AND o.valid_to IS NULL)",
        "",
    ),
)


def title_of(kind: str) -> str:
    for thing in THINGS:
        if thing.kind == kind:
            return thing.title
    told = KINDS.get(kind)
    return told.of().title if told else registration(1).title


async def own(connection: asyncpg.Connection[Any], calendar: Calendar, today: date) -> MovedDeadlines:
    """What another calendar would move here. Nothing is written."""
    found, running = await effects(connection, calendar, today, authority="c.parties ->> 'authority'")
    for thing in THINGS:
        moved, more = effects_on(await _alike(connection, thing), calendar, today)
        found += moved
        running += more
    return deadlines(found, running, title_of)


async def _alike(connection: asyncpg.Connection[Any], thing: Thing) -> list[asyncpg.Record]:
    return await connection.fetch(
        f"""SELECT $1::text AS kind, {thing.authority} AS authority, x.clock_from, x.clock_days, x.due_on,
                   count(*)::integer AS number
            FROM {thing.table} x WHERE {thing.waits} AND x.clock_from IS NOT NULL
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5""",  # noqa: S608 - our own words
        thing.kind,
    )


async def move(
    connection: asyncpg.Connection[Any], thing: Thing, calendar: Calendar, today: date, after: str, limit: int
) -> Looked:
    """Count the last days of some that still run anew, those after an id. Locks rows in the order of ids."""
    rows = await connection.fetch(
        f"""SELECT x.id, x.clock_from, x.clock_days, x.due_on FROM {thing.table} x
            WHERE x.id > $1 AND {thing.waits} AND x.clock_from IS NOT NULL ORDER BY x.id LIMIT $2 FOR UPDATE""",  # noqa: S608
        after,
        limit,
    )
    days = {
        row["id"]: becomes
        for row in rows
        if (
            becomes := last_day(calendar, Clock(row["clock_from"], row["clock_days"], row["due_on"], False), today).date
        )
        != row["due_on"]
    }
    if days:
        await connection.execute(
            f"""UPDATE {thing.table} x SET due_on = n.due_on{thing.sets}
                FROM unnest($1::text[], $2::date[]) AS n(id, due_on) WHERE x.id = n.id""",  # noqa: S608
            list(days),
            list(days.values()),
        )
    return Looked(tuple(days), rows[-1]["id"] if rows else "", len(rows))
