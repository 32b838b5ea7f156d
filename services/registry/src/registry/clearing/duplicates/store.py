"""Every statement of pairs, statements and scans. Locks: the pair before its students."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from casework.recounting import Clock, last_day
from regulation.calendar import Calendar
from service_kit.database import driver, insert_rows
from service_kit.ids import derived
from shared_contracts.actors import Actor
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing import tables


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `a` < `b`."""

    id: str
    a: str
    b: str
    agreements: tuple[str, ...]
    reasons: tuple[str, ...]
    alike: int
    source: str
    state: str
    found_at: datetime
    due_on: date
    record_id: str | None
    cancellation_id: str | None
    decided_account: str | None
    decided_by: str | None
    decided_organisation: str | None
    decided_at: datetime | None
    decision_reason: str
    version: int


def pair_id(a: str, b: str) -> str:
    """The same for two records whoever names them first."""
    return derived("duplicate", *sorted((a, b)))


async def put(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """New pairs; those that are there stay as they are: a pair that was found to be two pupils never comes back.
    Returns the ids of the new ones."""
    ordered = sorted(rows, key=lambda row: row["id"])
    made = await insert_rows(tx, tables.pairs, ordered, on_conflict="(a, b) DO NOTHING", returning=("id",))
    return [record["id"] for record in made]


async def get(tx: AsyncConnection, pair: str) -> Pair | None:
    row = await (await driver(tx)).fetchrow("SELECT * FROM duplicate_pairs WHERE id = $1", pair)
    return None if row is None else _pair(row)


async def lock(tx: AsyncConnection, pair: str) -> Pair | None:
    row = await (await driver(tx)).fetchrow("SELECT * FROM duplicate_pairs WHERE id = $1 FOR UPDATE", pair)
    return None if row is None else _pair(row)


# The pairs are few (those that were found in the province) and are read newest first; each costs two look-ups of students
# or registrations. What a school's page skips is read and thrown away: measured before an index is thought of.
_PAGE = """
    SELECT d.* FROM duplicate_pairs d
    LEFT JOIN students sa ON sa.id = d.a LEFT JOIN registrations ra ON ra.id = d.a
    LEFT JOIN students sb ON sb.id = d.b LEFT JOIN registrations rb ON rb.id = d.b
    LEFT JOIN LATERAL (SELECT authority FROM organisations WHERE code = coalesce(sa.school, ra.school)
                       ORDER BY valid_from DESC LIMIT 1) oa ON true
    LEFT JOIN LATERAL (SELECT authority FROM organisations WHERE code = coalesce(sb.school, rb.school)
                       ORDER BY valid_from DESC LIMIT 1) ob ON true
    WHERE ($1::text IS NULL OR coalesce(sa.school, ra.school) = $1 OR coalesce(sb.school, rb.school) = $1)
      AND ($2::text IS NULL OR oa.authority LIKE $2 OR ob.authority LIKE $2)
      AND ($3::text IS NULL OR d.state = $3)
      AND ($4::text IS NULL OR lowest_common_authority(oa.authority, ob.authority) = $4)
      AND ($5::timestamptz IS NULL OR (d.found_at, d.id) < ($5, $6))
    ORDER BY d.found_at DESC, d.id DESC LIMIT $7
"""


async def page(
    tx: AsyncConnection,
    *,
    school: str | None,
    authority: str | None,
    state: str | None,
    decider: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Pair]:
    """Newest first. `authority`: a LIKE pattern; `decider`: only those that this authority decides."""
    rows = await (await driver(tx)).fetch(_PAGE, school, authority, state, decider, *(after or (None, None)), limit)
    return list(map(_pair, rows))


async def decide(
    tx: AsyncConnection,
    pair: str,
    state: str,
    actor: Actor,
    reason: str,
    now: datetime,
    *,
    record_id: str | None = None,
    cancellation_id: str | None = None,
) -> None:
    await (await driver(tx)).execute(
        """UPDATE duplicate_pairs SET state = $2, decided_account = $3, decided_by = $4, decided_organisation = $5,
               decision_reason = $6, decided_at = $7, record_id = $8, cancellation_id = $9, version = version + 1
           WHERE id = $1""",
        pair,
        state,
        actor.account,
        actor.name,
        actor.organisation,
        reason,
        now,
        record_id,
        cancellation_id,
    )


async def settle(tx: AsyncConnection, pair: str, state: str) -> None:
    """What was decided has been carried out: `merged`, `corrected`."""
    await (await driver(tx)).execute(
        "UPDATE duplicate_pairs SET state = $2, version = version + 1 WHERE id = $1", pair, state
    )


async def reopen(tx: AsyncConnection, pair: str, calendar: Calendar, today: date) -> None:
    """It waits for a decision again; who decided before stands in the journal and the audit log. Its last day follows the
    calendar of now: a recount passes over what nobody waits for (`working_days.effects`)."""
    connection = await driver(tx)
    row = await connection.fetchrow(
        "SELECT clock_from, clock_days, due_on FROM duplicate_pairs WHERE id = $1 FOR UPDATE", pair
    )
    if row is None:
        return
    due_on = row["due_on"]
    if row["clock_from"] is not None:
        due_on = last_day(calendar, Clock(row["clock_from"], row["clock_days"], due_on, False), today).date
    await connection.execute(
        """UPDATE duplicate_pairs SET state = 'open', decided_account = NULL, decided_by = NULL,
               decided_organisation = NULL, decision_reason = '', decided_at = NULL, record_id = NULL,
               cancellation_id = NULL, due_on = $2, version = version + 1
           WHERE id = $1""",
        pair,
        due_on,
    )


async def to_correct(tx: AsyncConnection, record_id: str) -> str | None:
    """The pair by which this record has to be corrected."""
    found: str | None = await (await driver(tx)).fetchval(
        "SELECT id FROM duplicate_pairs WHERE state = 'correcting' AND record_id = $1 ORDER BY decided_at LIMIT 1",
        record_id,
    )
    return found


# ---- what the schools say ----------------------------------------------------------------------------------------------


async def state(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the school has spoken already."""
    made = await insert_rows(tx, tables.statements, [row], on_conflict="DO NOTHING", returning=("school",))
    return bool(made)


async def statements(tx: AsyncConnection, pairs: Sequence[str]) -> dict[str, list[asyncpg.Record]]:
    rows = await (await driver(tx)).fetch(
        "SELECT * FROM duplicate_statements WHERE pair_id = ANY($1::text[]) ORDER BY pair_id, stated_at", list(pairs)
    )
    found: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["pair_id"], []).append(row)
    return found


def papers(pair: str, school: str) -> str:
    """What the evidence of a school's statement is attached to."""
    return f"duplicate:{pair}:{school}"


async def statement_papers(tx: AsyncConnection, pair: str) -> list[str]:
    """What evidence of the pair is attached to."""
    return [papers(pair, row["school"]) for row in (await statements(tx, [pair])).get(pair, [])]


# ---- scans --------------------------------------------------------------------------------------------------------------


ARRIVE = """
INSERT INTO duplicate_arrivals (record_ids, arrived_at)
SELECT array_agg(id), {0}::timestamptz FROM made HAVING count(*) > 0
"""
"""New records are to be compared with the others, soon: in the statement that makes them. `made` has their `id`."""


async def arrive(tx: AsyncConnection, record_ids: Sequence[str], now: datetime) -> None:
    """The same for records that were there before: what is compared has changed."""
    if record_ids:
        await insert_rows(tx, tables.arrivals, [{"record_ids": list(record_ids), "arrived_at": now}])


async def anybody_came(tx: AsyncConnection) -> bool:
    found: bool = await (await driver(tx)).fetchval("SELECT EXISTS (SELECT FROM duplicate_arrivals)")
    return found


async def take_arrivals(tx: AsyncConnection, limit: int) -> list[asyncpg.Record]:
    """The oldest, with their persons, taken off the list when this transaction commits: whole rows, as many as hold `limit`
    records together; one that holds more comes alone. Other copies step over them."""
    return await (await driver(tx)).fetch(_TAKE_ARRIVALS, limit)


_TAKE_ARRIVALS = """
WITH oldest AS (SELECT seq, record_ids FROM duplicate_arrivals ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED),
counted AS (
    SELECT seq, sum(cardinality(record_ids)) OVER w AS records, row_number() OVER w AS n
    FROM oldest WINDOW w AS (ORDER BY seq)),
taken AS (
    DELETE FROM duplicate_arrivals WHERE seq IN (SELECT seq FROM counted WHERE records <= $1 OR n = 1)
    RETURNING record_ids)
SELECT DISTINCT one.id, r.person_id, r.closed
FROM taken t CROSS JOIN unnest(t.record_ids) AS one(id) LEFT JOIN registrations r ON r.id = one.id
"""


async def put_scan(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where one of the same organisation has not ended."""
    made = await insert_rows(tx, tables.scans, [row], on_conflict="DO NOTHING", returning=("id",))
    return bool(made)


async def scan(tx: AsyncConnection, scan_id: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow("SELECT * FROM duplicate_scans WHERE id = $1", scan_id)


async def running_scan(tx: AsyncConnection, organisation: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        "SELECT * FROM duplicate_scans WHERE organisation = $1 AND state <> 'done'", organisation
    )


async def scans(
    tx: AsyncConnection,
    *,
    school: str | None,
    authority: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    return await (await driver(tx)).fetch(
        """SELECT n.* FROM duplicate_scans n
           LEFT JOIN LATERAL (SELECT kind, authority FROM organisations WHERE code = n.organisation
                              ORDER BY valid_from DESC LIMIT 1) o ON true
           WHERE ($1::text IS NULL OR n.organisation = $1)
             AND ($2::text IS NULL OR (CASE WHEN o.kind = 'school' THEN o.authority ELSE n.organisation END) LIKE $2)
             AND ($3::timestamptz IS NULL OR (n.requested_at, n.id) < ($3, $4))
           ORDER BY n.requested_at DESC, n.id DESC LIMIT $5""",
        school,
        authority,
        *(after or (None, None)),
        limit,
    )


async def take_scan(tx: AsyncConnection, now: datetime) -> asyncpg.Record | None:
    """A scan that has not ended, for one step of it: locked until the step commits."""
    return await (await driver(tx)).fetchrow(
        """SELECT * FROM duplicate_scans WHERE state <> 'done' AND (retry_at IS NULL OR retry_at <= $1)
           ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED""",
        now,
    )


# Both halves come off an index in the order asked for (students_of_school, registrations_of_school); the organisations of
# the subtree are hashed once.
_SCOPE = """
    WITH schools AS MATERIALIZED (
        SELECT code FROM organisations
        WHERE kind = 'school' AND valid_to IS NULL AND (code = $1 OR authority LIKE $2))
"""
_BATCH = f"""{_SCOPE}
    (SELECT s.school, s.id, s.person_id FROM students s JOIN schools o ON o.code = s.school
     WHERE s.live AND (s.school, s.id) > ($3, $4) ORDER BY s.school, s.id LIMIT $5)
    UNION ALL
    (SELECT r.school, r.id, r.person_id FROM registrations r JOIN schools o ON o.code = r.school
     WHERE NOT r.closed AND r.registered_at IS NULL AND (r.school, r.id) > ($3, $4) ORDER BY r.school, r.id LIMIT $5)
    ORDER BY 1, 2 LIMIT $5
"""  # noqa: S608 - constants


async def batch(
    tx: AsyncConnection, organisation: str, pattern: str, after: tuple[str, str], limit: int
) -> list[asyncpg.Record]:
    """The records of an organisation after this one, in the order of schools and ids."""
    return await (await driver(tx)).fetch(_BATCH, organisation, pattern, *after, limit)


async def count(tx: AsyncConnection, organisation: str, pattern: str) -> int:
    found: int = await (await driver(tx)).fetchval(
        f"""{_SCOPE}
            SELECT (SELECT count(*) FROM students s JOIN schools o ON o.code = s.school WHERE s.live)
                 + (SELECT count(*) FROM registrations r JOIN schools o ON o.code = r.school
                    WHERE NOT r.closed AND r.registered_at IS NULL)""",  # noqa: S608 - constants
        organisation,
        pattern,
    )
    return found


async def advance(
    tx: AsyncConnection, scan_id: str, *, done: int, found: int, after: tuple[str, str], total: int | None
) -> None:
    await (await driver(tx)).execute(
        """UPDATE duplicate_scans SET state = 'running', done = done + $2, found = found + $3, after_school = $4,
               after_id = $5, total = greatest(coalesce($6, total), done + $2), retry_at = NULL, failures = 0
           WHERE id = $1""",
        scan_id,
        done,
        found,
        *after,
        total,
    )


async def finish(tx: AsyncConnection, scan_id: str, now: datetime) -> None:
    await (await driver(tx)).execute(
        "UPDATE duplicate_scans SET state = 'done', finished_at = $2, total = done WHERE id = $1", scan_id, now
    )


async def put_off(tx: AsyncConnection, scan_id: str, until: datetime) -> None:
    await (await driver(tx)).execute(
        "UPDATE duplicate_scans SET retry_at = $2, failures = failures + 1 WHERE id = $1", scan_id, until
    )


def _pair(row: asyncpg.Record) -> Pair:
    values = {name: row[name] for name in Pair.__struct_fields__}  # the row has its clock beside them
    return Pair(**{**values, "agreements": tuple(row["agreements"]), "reasons": tuple(row["reasons"])})
