"""Every statement of number requests and student numbers: a constant number of round trips for a batch of 500."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from service_kit.database import driver, insert_rows
from shared_contracts.discreet import Discreet
from shared_contracts.identity import NumberKind, Verification
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import tables


class Lane(StrEnum):
    """`first`: a registration waits for its number. `again`: an L that may become a G."""

    FIRST = "first"
    AGAIN = "again"


class Request(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """One leased request with what the matcher has to be told. `document` is sealed."""

    person_id: str
    registration_id: str
    lane: Lane
    requested_at: datetime
    attempts: int
    verification: Verification
    trace: dict[str, str]
    name: str
    sex: str
    birth_date: date
    area: str
    document_kind: str
    document: bytes | None


class Standing(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """What holds at the moment of issuing. `kind`, `masked`: the person's open number; `taken`: somebody else has or
    had the G number that the person would get."""

    kind: NumberKind | None
    masked: str | None
    taken: bool


class Reschedule(msgspec.Struct, frozen=True, kw_only=True):
    """A request that stays: what was said, and when to ask again (None: after a correction)."""

    person_id: str
    verification: Verification
    next_attempt_at: datetime | None


async def request_numbers(
    tx: AsyncConnection, approved: Sequence[tuple[str, str]], now: datetime, trace: Mapping[str, str]
) -> int:
    """Ask for the numbers of approved (registration, person) whose claim stands; returns how many are asked for.

    A repeat changes nothing while the request is open. A person who is registered anew keeps his number: his open
    request moves to the new registration.
    """
    registrations, people = zip(*approved, strict=True)
    found = await (await driver(tx)).fetch(
        """
        WITH standing AS (
            SELECT c.person_id, c.registration_id
            FROM unnest($1::text[], $2::text[]) AS q(registration_id, person_id)
            JOIN record_claims c USING (registration_id, person_id)
            ORDER BY c.person_id FOR KEY SHARE OF c
        ), asked AS (
            INSERT INTO number_requests (person_id, registration_id, lane, requested_at, next_attempt_at, trace)
            SELECT person_id, registration_id, 'first', $3, $3, $4::jsonb FROM standing
            ON CONFLICT (person_id) DO UPDATE SET registration_id = excluded.registration_id, lane = 'first',
                requested_at = excluded.requested_at, next_attempt_at = excluded.next_attempt_at, trace = excluded.trace
            WHERE number_requests.registration_id <> excluded.registration_id
        )
        SELECT person_id FROM standing
        """,
        registrations,
        people,
        now,
        msgspec.json.encode(dict(trace)).decode(),
    )
    return len(found)


async def lease(
    tx: AsyncConnection, lane: Lane, token: str, *, now: datetime, until: datetime, limit: int
) -> list[Request]:
    """Take up to `limit` due requests for ourselves until `until`: other copies step over them.

    The oldest first. `lease` and `leased_until` are not indexed, so the update is HOT.
    """
    found = await (await driver(tx)).fetch(
        """
        WITH due AS (
            SELECT person_id FROM number_requests
            WHERE lane = $1 AND next_attempt_at <= $2 AND (leased_until IS NULL OR leased_until < $2)
            ORDER BY next_attempt_at LIMIT $5 FOR UPDATE SKIP LOCKED
        )
        UPDATE number_requests r SET lease = $3, leased_until = $4
        FROM due JOIN persons p ON p.id = due.person_id
        WHERE r.person_id = due.person_id
        RETURNING r.person_id, r.registration_id, r.requested_at, r.attempts, r.verification, r.trace::text AS trace,
            p.name, p.sex, p.birth_date, p.area, p.document_kind, p.document
        """,
        lane.value,
        now,
        token,
        until,
        limit,
    )
    return [
        Request(
            **{name: record[name] for name in _PLAIN},
            lane=lane,
            verification=Verification(record["verification"]),
            trace=msgspec.json.decode(record["trace"], type=dict[str, str]),
        )
        for record in found
    ]


_PLAIN = (
    "person_id", "registration_id", "requested_at", "attempts", "name", "sex", "birth_date", "area", "document_kind",
    "document",
)  # fmt: skip


async def hold(
    tx: AsyncConnection, token: str, people: Sequence[str], formal: Sequence[bytes | None]
) -> dict[str, Standing]:
    """Lock the requests that are still ours, and see what stands. `formal`: index of the G each person would get."""
    found = await (await driver(tx)).fetch(
        """
        SELECT r.person_id, n.kind, n.masked, g.person_id IS NOT NULL AS taken
        FROM unnest($2::text[], $3::bytea[]) AS q(person_id, formal)
        JOIN number_requests r ON r.person_id = q.person_id AND r.lease = $1
        LEFT JOIN student_numbers n ON n.person_id = r.person_id AND n.valid_to IS NULL
        LEFT JOIN student_numbers g ON g.number_index = q.formal AND g.person_id <> r.person_id
        ORDER BY r.person_id FOR UPDATE OF r
        """,
        token,
        people,
        formal,
    )
    return {
        record["person_id"]: Standing(
            kind=NumberKind(record["kind"]) if record["kind"] else None,
            masked=record["masked"],
            taken=record["taken"],
        )
        for record in found
    }


async def take_serials(tx: AsyncConnection, wanted: Mapping[tuple[str, date], int]) -> dict[tuple[str, date], int]:
    """Use up so many L serials of each area and birth date; returns the first of each. One statement, locks in order."""
    places = sorted(wanted)
    found = await (await driver(tx)).fetch(
        """
        INSERT INTO l_serials AS s (area, birth_date, used)
        SELECT area, birth_date, wanted FROM unnest($1::text[], $2::date[], $3::int[]) AS q(area, birth_date, wanted)
        ON CONFLICT (area, birth_date) DO UPDATE SET used = s.used + excluded.used
        RETURNING area, birth_date, used
        """,
        [area for area, _ in places],
        [birth_date for _, birth_date in places],
        [wanted[place] for place in places],
    )
    return {
        (record["area"], record["birth_date"]): record["used"] - wanted[record["area"], record["birth_date"]]
        for record in found
    }


async def add_verifications(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    await insert_rows(tx, tables.verifications, rows)


async def end_numbers(tx: AsyncConnection, people: Sequence[str], now: datetime) -> None:
    """End the open numbers of these persons (never a G: the database refuses it)."""
    await (await driver(tx)).execute(
        "UPDATE student_numbers SET valid_to = $2 WHERE person_id = ANY($1::text[]) AND valid_to IS NULL", people, now
    )


async def add_numbers(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    await insert_rows(tx, tables.student_numbers, rows)


async def close(tx: AsyncConnection, people: Iterable[str]) -> None:
    """Nothing is left to ask about these; what was said stays in `verifications`."""
    await (await driver(tx)).execute("DELETE FROM number_requests WHERE person_id = ANY($1::text[])", list(people))


async def reschedule(tx: AsyncConnection, rows: Sequence[Reschedule]) -> None:
    """Hand the lease back and ask again later, as an upgrade."""
    await (await driver(tx)).execute(
        """
        UPDATE number_requests r
        SET lane = 'again', verification = q.verification, next_attempt_at = q.next_attempt_at,
            attempts = r.attempts + 1, lease = NULL, leased_until = NULL
        FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS q(person_id, verification, next_attempt_at)
        WHERE r.person_id = q.person_id
        """,
        [row.person_id for row in rows],
        [row.verification.value for row in rows],
        [row.next_attempt_at for row in rows],
    )


async def postpone(tx: AsyncConnection, people: Sequence[str], until: datetime) -> None:
    """No number could be made: the request stays as it is and is taken up again later."""
    await (await driver(tx)).execute(
        """
        UPDATE number_requests SET next_attempt_at = $2, attempts = attempts + 1, lease = NULL, leased_until = NULL
        WHERE person_id = ANY($1::text[])
        """,
        people,
        until,
    )


async def count_open(tx: AsyncConnection) -> dict[str, int]:
    """Requests by lane, `correction` being those that wait for one: a gauge for operators."""
    found = await (await driver(tx)).fetch(
        """
        SELECT CASE WHEN next_attempt_at IS NULL THEN 'correction' ELSE lane END AS state, count(*) AS n
        FROM number_requests GROUP BY 1
        """
    )
    return {record["state"]: record["n"] for record in found}
