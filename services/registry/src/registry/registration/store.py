"""Every statement about registrations. Where one stands is its case: they are read together.

Locks are taken in one order everywhere: cases by id, then registrations, then rosters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from casework.state import Standing, day_of
from casework.store import standing
from service_kit.database import driver, insert_rows
from shared_contracts.decisions import Decision
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.registration import tables

_decode_decision = msgspec.json.Decoder(Decision).decode


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A registration under lock, with as much of it as a decision asks for.

    `authority`: who supervises the school. `decider`: the case's party, read under its lock: a school that goes to
    another authority meanwhile is not decided about by the former one.
    """

    id: str
    person_id: str
    roster_id: str | None
    school: str
    authority: str
    decider: str
    grade: int
    class_no: int
    sheet_printed_at: datetime | None
    registered: bool
    revision: int
    entered_by: str
    standing: Standing

    @property
    def parties(self) -> dict[str, str]:
        return {"school": self.school, "authority": self.decider}

    @property
    def printed_on(self) -> date | None:
        return None if self.sheet_printed_at is None else day_of(self.sheet_printed_at)

    @property
    def version(self) -> int:
        return self.standing.version + self.revision


class Alike(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Registrations under lock that stand alike: what a decision asks is answered by `first` for all of them.

    `ids`, `people`: all of them, `first` too, in one order.
    """

    first: Waiting
    ids: tuple[str, ...]
    people: tuple[str, ...]

    @classmethod
    def only(cls, registration: Waiting) -> Alike:
        return cls(first=registration, ids=(registration.id,), people=(registration.person_id,))


_WAITING = """
    SELECT r.id, r.person_id, r.roster_id, r.school, r.authority, c.parties ->> 'authority' AS decider,
           r.grade, r.class_no, r.sheet_printed_at,
           r.registered_at IS NOT NULL AS registered, r.revision, c.entered_by, c.status, c.step, c.due_on,
           c.provisional, c.clock_from, c.clock_days, c.days_left, c.deciders::text AS deciders, c.version
    FROM cases c JOIN registrations r ON r.id = c.id
"""


# Both rows: whoever has waited for the case reads the registration as it is then, too. Printing a sheet changes that alone.
async def lock(tx: AsyncConnection, registration_id: str) -> Waiting | None:
    rows = await (await driver(tx)).fetch(
        _WAITING + "WHERE c.id = $1 FOR UPDATE OF c FOR NO KEY UPDATE OF r", registration_id
    )
    return _waiting(rows[0]) if rows else None


# Grouped by the server: a class of a roster is one row here, and thousands of registrations a hundred.
_LOCK_WAITING = f"""
    WITH waiting AS MATERIALIZED ({_WAITING}
        WHERE r.roster_id = $1 AND c.status = 'open' AND c.step = $2 ORDER BY c.id FOR UPDATE OF c FOR NO KEY UPDATE OF r)
    SELECT array_agg(id) AS ids, array_agg(person_id) AS people, roster_id, school, authority, decider, grade,
           class_no, sheet_printed_at, registered, revision, entered_by, status, step, due_on, provisional, clock_from,
           clock_days, days_left, deciders, version
    FROM waiting
    GROUP BY roster_id, school, authority, decider, grade, class_no, sheet_printed_at, registered, revision, entered_by,
             status, step, due_on, provisional, clock_from, clock_days, days_left, deciders, version
    ORDER BY grade, class_no
"""  # noqa: S608


async def lock_waiting(tx: AsyncConnection, roster_id: str, step: str) -> list[Alike]:
    """Registrations of a roster that wait for a step."""
    rows = await (await driver(tx)).fetch(_LOCK_WAITING, roster_id, step)
    return [
        Alike(
            first=_waiting({**row, "id": row["ids"][0], "person_id": row["people"][0]}),
            ids=tuple(row["ids"]),
            people=tuple(row["people"]),
        )
        for row in rows
    ]


async def any_of_roster(tx: AsyncConnection, roster_id: str) -> Waiting | None:
    """Any registration of a roster: whose it is."""
    rows = await (await driver(tx)).fetch(_WAITING + "WHERE r.roster_id = $1 ORDER BY r.row LIMIT 1", roster_id)
    return _waiting(rows[0]) if rows else None


async def open_of_roster(tx: AsyncConnection, roster_id: str) -> Waiting | None:
    """A registration of a roster, those on their way first: why nothing waits there."""
    rows = await (await driver(tx)).fetch(
        _WAITING + "WHERE r.roster_id = $1 ORDER BY c.status <> 'open', r.row LIMIT 1", roster_id
    )
    return _waiting(rows[0]) if rows else None


# Found by their keys and looked at here, not in the statement that changes them: where the statistics are of a moment
# without approved cases or without missing numbers, a condition on either makes the planner compare each with each.
async def lock_approved(tx: AsyncConnection, ids: Sequence[str]) -> list[asyncpg.Record]:
    """Registrations for which numbers have come, with the status of their cases."""
    return await (await driver(tx)).fetch(
        """SELECT r.id, r.student_number, c.status
           FROM registrations r JOIN cases c ON c.id = r.id
           WHERE r.id = ANY($1::text[]) ORDER BY r.id FOR UPDATE OF r""",
        list(ids),
    )


async def seat_of(tx: AsyncConnection, registration_id: str) -> tuple[str, int, int]:
    """Whose place a registration may have: its kind, grade and school year."""
    row = await (await driver(tx)).fetchrow(
        "SELECT kind, grade, school_year FROM registrations WHERE id = $1", registration_id
    )
    assert row is not None
    return row["kind"], row["grade"], row["school_year"]


async def applied_on(tx: AsyncConnection, registration_id: str) -> date:
    """The day on which a registration was handed in for the first time."""
    at: datetime = await (await driver(tx)).fetchval("SELECT opened_at FROM cases WHERE id = $1", registration_id)
    return day_of(at)


async def lock_admissions(tx: AsyncConnection, ids: Sequence[str], school: str) -> set[str]:
    """Those of these admissions to a school that are open still and that no other registration has come of, locked."""
    if not ids:
        return set()
    rows = await (await driver(tx)).fetch(
        """SELECT a.id FROM admissions a
           WHERE a.id = ANY($1::text[]) AND a.school = $2 AND a.state = 'open'
             AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.admission_id = a.id AND NOT r.closed)
           ORDER BY a.id FOR UPDATE OF a""",
        list(ids),
        school,
    )
    return {row["id"] for row in rows}


# The place of an admission stays the child's, who may be registered anew; another registration's is free again with this.
async def close(tx: AsyncConnection, ids: Sequence[str]) -> list[str]:
    """Rejected or withdrawn: the person is free for another registration. Returns the transfers from another province whose
    children these were."""
    rows = await (await driver(tx)).fetch(
        """UPDATE registrations r SET closed = true WHERE id = ANY($1::text[]) AND NOT closed
           RETURNING (SELECT a.case_id FROM expected_arrivals a WHERE a.registration_id = r.id) AS arrival""",
        list(ids),
    )
    return [row["arrival"] for row in rows if row["arrival"] is not None]


async def mark_printed(tx: AsyncConnection, ids: Sequence[str], at: datetime) -> int:
    """The confirmation sheets of these have been printed. Returns how many there are."""
    done: int = await (await driver(tx)).fetchval(
        """WITH u AS (UPDATE registrations SET sheet_printed_at = $2, revision = revision + 1
                      WHERE id = ANY($1::text[]) AND registered_at IS NULL AND NOT closed RETURNING 1)
           SELECT count(*) FROM u""",
        list(ids),
        at,
    )
    return done


async def set_corrections(tx: AsyncConnection, texts: Mapping[str, str | None]) -> None:
    """What a school has to clear up (clause 15.3), or None where there is nothing any more."""
    await (await driver(tx)).execute(
        """UPDATE registrations r SET correction = n.correction
           FROM unnest($1::text[], $2::text[]) AS n(id, correction)
           WHERE r.id = n.id AND r.correction IS DISTINCT FROM n.correction""",
        list(texts),
        list(texts.values()),
    )


async def put_decisions(tx: AsyncConnection, decisions: Sequence[Decision]) -> list[str]:
    """Decisions by their content: the ids, in the order given; each distinct one is written once."""
    ids: dict[int, str] = {}
    bodies: dict[str, bytes] = {}
    for decision in decisions:
        if id(decision) not in ids:
            body = msgspec.json.encode(decision)
            ids[id(decision)] = key = hashlib.sha256(body).hexdigest()[:32]
            bodies[key] = body
    rows = [{"id": key, "body": body} for key, body in sorted(bodies.items())]
    await insert_rows(tx, tables.policy_decisions, rows, on_conflict="DO NOTHING")
    return [ids[id(decision)] for decision in decisions]


async def decision(tx: AsyncConnection, decision_id: str) -> Decision | None:
    body = await (await driver(tx)).fetchval("SELECT body FROM policy_decisions WHERE id = $1", decision_id)
    return None if body is None else _decode_decision(body)


async def decisions(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, Decision]:
    rows = await (await driver(tx)).fetch("SELECT id, body FROM policy_decisions WHERE id = ANY($1::text[])", list(ids))
    return {row["id"]: _decode_decision(row["body"]) for row in rows}


async def forms(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, bytes]:
    """The sealed forms of registrations or students."""
    rows = await (await driver(tx)).fetch("SELECT id, form FROM profiles WHERE id = ANY($1::text[])", list(ids))
    return {row["id"]: row["form"] for row in rows}


async def form(tx: AsyncConnection, registration_id: str) -> bytes | None:
    """The sealed form of a registration or student."""
    blob: bytes | None = await (await driver(tx)).fetchval("SELECT form FROM profiles WHERE id = $1", registration_id)
    return blob


async def correct(tx: AsyncConnection, registration_id: str, values: Mapping[str, Any], form_blob: bytes) -> None:
    """What a correction may change; the sheet has to be printed and signed anew."""
    await (await driver(tx)).execute(
        """WITH p AS (UPDATE profiles SET form = $11 WHERE id = $1)
           UPDATE registrations
           SET overseas = $2, disability = $3, placement = $4, kind = $5, grade = $6, class_no = $7, class_id = $8,
               enrolled_month = $9, decision_id = $10, sheet_printed_at = NULL
           WHERE id = $1""",
        registration_id,
        *(
            values[name]
            for name in (
                "overseas", "disability", "placement", "kind", "grade", "class_no", "class_id", "enrolled_month",
                "decision_id",
            )
        ),
        form_blob,
    )  # fmt: skip


def _waiting(row: Mapping[str, Any]) -> Waiting:
    return Waiting(
        id=row["id"],
        person_id=row["person_id"],
        roster_id=row["roster_id"],
        school=row["school"],
        authority=row["authority"],
        decider=row["decider"],
        grade=row["grade"],
        class_no=row["class_no"],
        sheet_printed_at=row["sheet_printed_at"],
        registered=row["registered"],
        revision=row["revision"],
        entered_by=row["entered_by"],
        standing=standing(dict(row)),
    )
