"""Keeping the index of names, and the seam for those who change a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.search import facts, terms

BATCH = 500
_ONE_AT_A_TIME = 0x7365_6172_6368  # "search": the key of an advisory lock


async def renamed(tx: AsyncConnection, student_id: str, former: str, new: str, *, at: datetime | None = None) -> None:
    """A record's name was corrected: the former one still finds it. Called by whoever changes `students.name`.

    `at`: until when the former name held (`work.now`); without it, the moment of this transaction.
    """
    if former == new:
        return
    connection = await driver(tx)
    await connection.execute(
        """INSERT INTO former_names (student_id, ended_at, name)
           VALUES ($1, coalesce($2::timestamptz, transaction_timestamp()), $3) ON CONFLICT DO NOTHING""",
        student_id,
        at,
        former,
    )
    await connection.execute("INSERT INTO search_pending (student_ids) VALUES (ARRAY[$1::text])", student_id)


async def anybody_waits(tx: AsyncConnection) -> bool:
    found: bool = await (await driver(tx)).fetchval("SELECT EXISTS (SELECT FROM search_pending)")
    return found


# Whole rows, as many as hold a batch together; one that holds more comes alone.
_TAKE = """
DELETE FROM search_pending WHERE seq IN (
    SELECT seq FROM (
        SELECT seq, sum(cardinality(student_ids)) OVER w AS students, row_number() OVER w AS n
        FROM (SELECT seq, student_ids FROM search_pending ORDER BY seq LIMIT $1) oldest WINDOW w AS (ORDER BY seq)) counted
    WHERE students <= $1 OR n = 1)
RETURNING student_ids
"""


async def keep_up(tx: AsyncConnection) -> int:
    """Bring the index up to date for as many waiting students as fit a batch; how many waited, 0: none do.

    One copy of the service at a time, or two could write what they read of one student in the wrong order.
    """
    connection = await driver(tx)
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ONE_AT_A_TIME):
        return 0
    rows = await connection.fetch(_TAKE, BATCH)
    taken = [one for row in rows for one in row["student_ids"]]
    if taken:
        # A statement of its own: it sees what was committed before the rows were taken; what comes later waits anew.
        await _write(connection, await _present(connection, sorted(set(taken))))
    return len(taken)


async def ask_all(tx: AsyncConnection) -> int:
    """Have the worker go over every student again (after a change of what terms are); how many."""
    done = await (await driver(tx)).execute(
        "INSERT INTO search_pending (student_ids) SELECT ARRAY[id] FROM students ORDER BY id"
    )
    return int(done.rpartition(" ")[2])


async def _present(connection: asyncpg.Connection, ids: Sequence[str]) -> list[asyncpg.Record]:
    return await connection.fetch(
        f"""
        SELECT s.id, s.school, coalesce(s.keeper, o.authority, '') AS authority,
               s.name || coalesce((SELECT string_agg(E'\\n' || f.name, '') FROM former_names f
                                   WHERE f.student_id = s.id), '') AS names,
               {facts.group_of("k")} AS class_group, k.class_no, s.stage, s.state, s.placement,
               e.n, e.school AS old_school, e.authority AS old_authority, e.terms AS old_terms,
               e.class_group AS old_class_group, e.class_no AS old_class_no, e.stage::text AS old_stage,
               e.state::text AS old_state, e.placement::text AS old_placement
        FROM students s
        LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
        LEFT JOIN classes k ON k.id = m.class_id
        LEFT JOIN organisations o ON o.code = s.school AND o.valid_to IS NULL
        LEFT JOIN search_entries e ON e.student_id = s.id
        WHERE s.id = ANY($1::text[])
        ORDER BY s.school, s.id
        """,  # noqa: S608 - the words of facts.py
        ids,
    )


_COLUMNS = ("school", "authority", "terms", *facts.COLUMNS)
# An array a column. Letters come as texts and are cast where they are stored.
_ROWS = """unnest($1::{key}[], $2::text[], $3::text[], $4::text[],
            $5::smallint[], $6::smallint[], $7::text[], $8::text[], $9::text[])"""
_TERMS = f"""
    INSERT INTO search_terms (authority, term, n, {facts.NAMES})
    SELECT e.authority, t, e.n, {", ".join(f"e.{name}" for name in facts.COLUMNS)}
    FROM e, unnest(string_to_array(substr(e.terms, 2), E'\\n')) AS t
"""  # noqa: S608
_NEW = f"""
WITH e AS (
    INSERT INTO search_entries (student_id, {", ".join(_COLUMNS)}) SELECT * FROM {_ROWS.format(key="text")}
    RETURNING n, {", ".join(_COLUMNS)}
) {_TERMS}
"""  # noqa: S608
_GONE = """
DELETE FROM search_terms t
USING (SELECT u.n, u.authority, unnest(string_to_array(substr(u.terms, 2), E'\\n')) AS term
       FROM unnest($1::bigint[], $2::text[], $3::text[]) AS u(n, authority, terms)) old
WHERE t.authority = old.authority AND t.term = old.term AND t.n = old.n
"""
_CHANGED = f"""
WITH e AS (
    UPDATE search_entries e SET {", ".join(f"{name} = u.{name}" for name in _COLUMNS)}
    FROM {_ROWS.format(key="bigint")} AS u(n, {", ".join(_COLUMNS)})
    WHERE e.n = u.n
    RETURNING e.n, {", ".join(f"e.{name}" for name in _COLUMNS)}
) {_TERMS}
"""  # noqa: S608


async def _write(connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> None:
    fresh, changed, before = [], [], []
    for row in rows:
        new = (
            row["school"],
            row["authority"],
            terms.as_text(terms.terms(row["names"].split("\n"))),
            *facts.of(row["class_group"], row["class_no"], row["stage"], row["state"], row["placement"]),
        )
        if row["n"] is None:
            fresh.append((row["id"], *new))
        elif new != tuple(row[f"old_{name}"] for name in _COLUMNS):
            changed.append((row["n"], *new))
            before.append((row["n"], row["old_authority"], row["old_terms"]))
    if fresh:
        await connection.execute(_NEW, *map(list, zip(*fresh, strict=True)))
    if changed:
        await connection.execute(_GONE, *map(list, zip(*before, strict=True)))
        await connection.execute(_CHANGED, *map(list, zip(*changed, strict=True)))
