"""Every statement about ratios, rounds and applications.

Locks: a round, then its applications, then what a case needs (`cases.holding`, the case). Whoever puts a case on a list
shares its round (`open_round`), so that nobody closes it meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import asyncpg
import msgspec
from regulation.authorisation import Reach, subtree_pattern
from service_kit.database import driver, insert_rows
from sqlalchemy.ext.asyncio import AsyncConnection

from transfer.private_places.tables import applications, ratios, rounds
from transfer.rules.case import Intake

Row = asyncpg.Record


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An application with its case. `gone`: the case has ended, or goes elsewhere; `gone_at`: not before this moment."""

    transfer_id: str
    code: str
    gone: bool
    gone_at: datetime | None


# ---- ratios -----------------------------------------------------------------------------------------------------------

_RATIOS = """
SELECT r.*, coalesce(o.name, r.school) AS school_name, o.authority,
       r.state = 'approved' AND NOT EXISTS (
           SELECT FROM private_ratios n WHERE n.school = r.school AND n.school_year = r.school_year AND n.stage = r.stage
           AND n.state = 'approved' AND (n.decided_at, n.id) > (r.decided_at, r.id)) AS in_force
FROM private_ratios r LEFT JOIN organisation_replica o ON o.code = r.school
"""


async def put_ratio(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where one of the stage and year waits already, or the id is taken."""
    return bool(await insert_rows(tx, ratios, [row], on_conflict="DO NOTHING", returning=("id",)))


async def ratio(tx: AsyncConnection, ratio_id: str, *, lock: bool = False) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        f"{_RATIOS} WHERE r.id = $1{' FOR UPDATE OF r' if lock else ''}",
        ratio_id,
    )


async def decide_ratio(tx: AsyncConnection, ratio_id: str, values: Mapping[str, Any]) -> None:
    await _change(tx, "private_ratios", ratio_id, values)


async def ratio_in_force(tx: AsyncConnection, school: str, school_year: int, stage: str) -> Fraction | None:
    """The newest approved one; None without one."""
    row = await (await driver(tx)).fetchrow(
        """SELECT numerator, denominator FROM private_ratios
           WHERE school = $1 AND school_year = $2 AND stage = $3 AND state = 'approved'
           ORDER BY decided_at DESC, id DESC LIMIT 1""",
        school,
        school_year,
        stage,
    )
    return None if row is None else Fraction(row["numerator"], row["denominator"])


async def ratio_page(
    tx: AsyncConnection,
    reach: Reach,
    *,
    school: str | None,
    school_year: int | None,
    state: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Newest first."""
    asked = _Asked(reach, "r.school", "o.authority")
    asked.equal("r.school", school)
    asked.equal("r.school_year", school_year)
    asked.equal("r.state", state)
    asked.before("r.proposed_at, r.id", after)
    return await asked.fetch(tx, _RATIOS, "r.proposed_at DESC, r.id DESC", limit)


# ---- rounds -----------------------------------------------------------------------------------------------------------

# The lateral counts walk one round's applications by their primary key: pages are of 50.
_ROUNDS = """
SELECT r.*, o.authority, a.*
FROM private_rounds r
LEFT JOIN organisation_replica o ON o.code = r.school
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE a.listed OR r.state = 'open'))::int AS applicants,
           (count(*) FILTER (WHERE a.settled_at IS NOT NULL AND a.listed))::int AS settled
    FROM private_applications a WHERE a.round_id = r.id
) a
"""


async def put_round(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the grade has a round that is not settled yet, or the id or the number is taken."""
    return bool(await insert_rows(tx, rounds, [row], on_conflict="DO NOTHING", returning=("id",)))


async def numbers_like(tx: AsyncConnection, prefix: str) -> int:
    """How many rounds there have been of a grade in a term."""
    found: int = await (await driver(tx)).fetchval(
        "SELECT count(*)::int FROM private_rounds WHERE starts_with(number, $1)", prefix
    )
    return found


async def round_(tx: AsyncConnection, round_id: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(f"{_ROUNDS} WHERE r.id = $1", round_id)


async def round_of_number(tx: AsyncConnection, number: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(f"{_ROUNDS} WHERE r.number = $1", number)


async def lock_round(tx: AsyncConnection, round_id: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(
        """SELECT r.*, o.authority FROM private_rounds r LEFT JOIN organisation_replica o ON o.code = r.school
           WHERE r.id = $1 FOR UPDATE OF r""",
        round_id,
    )


async def running(tx: AsyncConnection, school: str, grade: int | None = None) -> dict[int, asyncpg.Record]:
    """The rounds of a school's grades that are not settled, by grade."""
    rows = await (await driver(tx)).fetch(
        """SELECT * FROM private_rounds
           WHERE school = $1 AND state <> 'settled' AND ($2::int IS NULL OR grade = $2) ORDER BY grade""",
        school,
        grade,
    )
    return {row["grade"]: row for row in rows}


async def open_round(tx: AsyncConnection, school: str, grade: int) -> asyncpg.Record | None:
    """The list that a case may be put on; it is not closed before the transaction ends."""
    return await (await driver(tx)).fetchrow(
        "SELECT * FROM private_rounds WHERE school = $1 AND grade = $2 AND state = 'open' FOR SHARE", school, grade
    )


async def to_close(tx: AsyncConnection, today: date) -> asyncpg.Record | None:
    """A round whose last day is over, under lock; one that another copy is closing is passed over."""
    return await (await driver(tx)).fetchrow(
        """SELECT * FROM private_rounds WHERE state = 'open' AND closes_on < $1
           ORDER BY closes_on, id LIMIT 1 FOR UPDATE SKIP LOCKED""",
        today,
    )


async def change_round(tx: AsyncConnection, round_id: str, values: Mapping[str, Any]) -> None:
    """Columns of a round under lock; its version grows."""
    await _change(tx, "private_rounds", round_id, values)


async def round_page(
    tx: AsyncConnection,
    reach: Reach,
    *,
    school: str | None,
    state: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Newest first."""
    asked = _Asked(reach, "r.school", "o.authority")
    asked.equal("r.school", school)
    asked.equal("r.state", state)
    asked.before("r.opened_at, r.id", after)
    return await asked.fetch(tx, _ROUNDS, "r.opened_at DESC, r.id DESC", limit)


# ---- applications -----------------------------------------------------------------------------------------------------

# A case has gone where it has ended, or where the authority has sent it to another school.
_GONE = """coalesce(NOT (t.to_school = r.school AND (t.outcome IN ('moving', 'attention', 'moved')
                          OR t.outcome IS NULL AND c.status IN ('open', 'returned'))), true)"""


async def put_application(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the case is on a list already."""
    return bool(await insert_rows(tx, applications, [row], on_conflict="DO NOTHING", returning=("code",)))


async def codes(tx: AsyncConnection, round_id: str) -> set[str]:
    rows = await (await driver(tx)).fetch("SELECT code FROM private_applications WHERE round_id = $1", round_id)
    return {row["code"] for row in rows}


async def application_of(tx: AsyncConnection, transfer_id: str) -> asyncpg.Record | None:
    """A case's application with its round's number, state and days."""
    return await (await driver(tx)).fetchrow(
        """SELECT a.*, r.number, r.state, r.school, r.school_name, r.closes_on, r.public_at
           FROM private_applications a JOIN private_rounds r ON r.id = a.round_id WHERE a.transfer_id = $1""",
        transfer_id,
    )


async def on_list(tx: AsyncConnection, round_id: str, *, listed: bool) -> list[Found]:
    """Everybody who applied, or everybody on the closed list, by code."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT a.transfer_id, a.code, {_GONE} AS gone, t.moved_at AS gone_at
            FROM private_applications a JOIN private_rounds r ON r.id = a.round_id
            LEFT JOIN transfers t ON t.id = a.transfer_id LEFT JOIN cases c ON c.id = a.transfer_id
            WHERE a.round_id = $1 AND (a.listed OR NOT $2) ORDER BY a.code""",  # noqa: S608 - our own words
        round_id,
        listed,
    )
    return [Found(**row) for row in rows]


async def put_list(tx: AsyncConnection, round_id: str, listed: Collection[str], at: datetime) -> None:
    """Before the round is closed: who is on the list; whoever has gone is settled."""
    connection = await driver(tx)
    await connection.execute(
        "UPDATE private_applications SET listed = true WHERE round_id = $1 AND code = ANY($2::text[])",
        round_id,
        list(listed),
    )
    await connection.execute(
        """UPDATE private_applications SET outcome = 'left', settled_at = $2
           WHERE round_id = $1 AND NOT listed AND outcome IS NULL""",
        round_id,
        at,
    )


async def put_outcomes(tx: AsyncConnection, round_id: str, outcomes: Mapping[str, str], at: datetime) -> None:
    """By code, in one statement; whoever has left is settled with it."""
    await (await driver(tx)).execute(
        """UPDATE private_applications a
           SET outcome = o.outcome, settled_at = CASE WHEN o.outcome = 'left' THEN $4::timestamptz END
           FROM unnest($2::text[], $3::text[]) AS o(code, outcome)
           WHERE a.round_id = $1 AND a.code = o.code AND a.listed AND a.outcome IS NULL""",
        round_id,
        list(outcomes),
        list(outcomes.values()),
        at,
    )


async def unsettled(tx: AsyncConnection, *, problems: bool, limit: int = 500) -> list[str]:
    """Cases that have to go on, winners first: their seats are given before anybody else is sent away. `problems`: those
    that could not go on before, or those that nobody has tried yet."""
    rows = await (await driver(tx)).fetch(
        """SELECT a.transfer_id FROM private_applications a JOIN private_rounds r ON r.id = a.round_id
           WHERE r.state = 'decided' AND a.outcome IS NOT NULL AND a.settled_at IS NULL AND (a.problem <> '') = $1
           ORDER BY a.outcome DESC, a.round_id, a.code LIMIT $2""",
        problems,
        limit,
    )
    return [row["transfer_id"] for row in rows]


async def lock_unsettled(tx: AsyncConnection, transfer_id: str) -> asyncpg.Record | None:
    """An application whose case has to go on, under lock; None where another copy has it or it has gone on."""
    return await (await driver(tx)).fetchrow(
        f"""SELECT a.transfer_id, a.outcome, a.problem, r.number, r.school_name, r.lottery, r.listing, {_GONE} AS gone
            FROM private_applications a JOIN private_rounds r ON r.id = a.round_id
            LEFT JOIN transfers t ON t.id = a.transfer_id LEFT JOIN cases c ON c.id = a.transfer_id
            WHERE a.transfer_id = $1 AND a.outcome IS NOT NULL AND a.settled_at IS NULL
            FOR UPDATE OF a SKIP LOCKED""",  # noqa: S608 - our own words
        transfer_id,
    )


async def settle(tx: AsyncConnection, transfer_id: str, at: datetime) -> None:
    await (await driver(tx)).execute(
        "UPDATE private_applications SET settled_at = $2, problem = '' WHERE transfer_id = $1", transfer_id, at
    )


async def put_problem(tx: AsyncConnection, transfer_id: str, problem: str) -> None:
    """Why a case has not gone on: it is tried again after the others."""
    await (await driver(tx)).execute(
        "UPDATE private_applications SET problem = $2 WHERE transfer_id = $1", transfer_id, problem
    )


async def finish(tx: AsyncConnection, at: datetime) -> int:
    """Rounds whose applicants have all gone on are settled; how many."""
    rows = await (await driver(tx)).fetch(
        """UPDATE private_rounds r SET state = 'settled', settled_at = $1, version = version + 1
           WHERE r.id IN (SELECT d.id FROM private_rounds d WHERE d.state = 'decided' AND NOT EXISTS (
               SELECT FROM private_applications a WHERE a.round_id = d.id AND a.outcome IS NOT NULL
               AND a.settled_at IS NULL) FOR UPDATE SKIP LOCKED)
           RETURNING r.id""",
        at,
    )
    return len(rows)


async def intake(
    tx: AsyncConnection, school: str, stage: str, grade: int, school_year: int, *, without: str | None = None
) -> Intake:
    """The ratio in force and the seats that rounds of the school year have given, for the rules. `without`: a case whose
    own seat does not count."""
    taken: int = await (await driver(tx)).fetchval(
        f"""SELECT count(*)::int FROM private_rounds r JOIN private_applications a ON a.round_id = r.id
            JOIN transfers t ON t.id = a.transfer_id JOIN cases c ON c.id = a.transfer_id
            WHERE r.school = $1 AND r.grade = $2 AND r.school_year = $3 AND a.outcome = 'won'
              AND NOT {_GONE} AND a.transfer_id IS DISTINCT FROM $4""",  # noqa: S608
        school,
        grade,
        school_year,
        without,
    )
    return Intake(ratio=await ratio_in_force(tx, school, school_year, stage), taken=taken)


async def named(tx: AsyncConnection, round_id: str, *, after: str | None, limit: int) -> list[asyncpg.Record]:
    """Applications with their cases' numbers and pupils, by code."""
    return await (await driver(tx)).fetch(
        """SELECT a.*, t.number AS transfer_number, t.student_id, t.name, array_position(r.ranked, a.code) AS rank
           FROM private_applications a JOIN private_rounds r ON r.id = a.round_id JOIN transfers t ON t.id = a.transfer_id
           WHERE a.round_id = $1 AND ($2::text IS NULL OR a.code > $2) ORDER BY a.code LIMIT $3""",
        round_id,
        after,
        limit,
    )


# ---- what the statements share ----------------------------------------------------------------------------------------


async def _change(tx: AsyncConnection, table: str, key: str, values: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = ${at}" for at, name in enumerate(values, start=2))
    await (await driver(tx)).execute(
        f"UPDATE {table} SET {sets}, version = version + 1 WHERE id = $1",  # noqa: S608 - our own names
        key,
        *values.values(),
    )


class _Asked:
    """The conditions of a page, and their values."""

    def __init__(self, reach: Reach, school: str, authority: str) -> None:
        self.values: list[Any] = []
        self.conditions: list[str] = []
        if not reach.everything:
            ways = []
            if reach.school is not None:
                ways.append(f"{school} = {self._value(reach.school)}")
            if reach.subtree is not None:
                ways.append(f"{authority} LIKE {self._value(subtree_pattern(reach.subtree))}")
            self.conditions.append(f"({' OR '.join(ways) or 'false'})")

    def _value(self, one: Any) -> str:
        self.values.append(one)
        return f"${len(self.values)}"

    def equal(self, column: str, value: Any) -> None:
        if value is not None:
            self.conditions.append(f"{column} = {self._value(value)}")

    def before(self, columns: str, after: Sequence[Any] | None) -> None:
        if after is not None:
            self.conditions.append(f"({columns}) < ({', '.join(self._value(one) for one in after)})")

    async def fetch(self, tx: AsyncConnection, select: str, order: str, limit: int) -> list[asyncpg.Record]:
        where = " AND ".join(self.conditions) or "true"
        return await (await driver(tx)).fetch(
            f"{select} WHERE {where} ORDER BY {order} LIMIT {self._value(limit)}", *self.values
        )
