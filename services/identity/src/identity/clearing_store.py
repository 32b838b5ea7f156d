"""Every statement of duplicates, corrections and ended records; a constant number of them for a chunk of persons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec
from service_kit.database import driver
from shared_contracts.discreet import Discreet
from shared_contracts.identity import PersonEntry
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import names
from identity.policy import Compared
from identity.vault import Vault

# Two GIN look-ups a person (bitmap scans of persons_name_keys and persons_member_keys, 10 us each); ids alone travel, so
# that the planner, who expects a thousand times as many rows, has nothing wide to hash.
_CANDIDATES = """
    SELECT least(a.id, b.id) AS a, greatest(a.id, b.id) AS b
    FROM persons a JOIN persons b ON b.name_keys && a.name_keys AND b.id <> a.id
    WHERE a.id = ANY($1::text[])
    UNION
    SELECT least(a.id, b.id), greatest(a.id, b.id)
    FROM persons a JOIN persons b ON b.member_keys && a.member_keys AND b.id <> a.id
    WHERE a.id = ANY($1::text[]) AND a.member_keys <> '{}'
"""


async def candidates(tx: AsyncConnection, person_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Pairs of persons, one of them of these, who share a key of a name and birth date or of a guardian."""
    found = await (await driver(tx)).fetch(_CANDIDATES, list(person_ids))
    return {(record["a"], record["b"]) for record in found}


async def living(tx: AsyncConnection, person_ids: Collection[str]) -> dict[str, Compared]:
    """Those of these persons who hold a record now, as they are compared."""
    found = await (await driver(tx)).fetch(
        """
        SELECT p.id AS person_id, c.registration_id, p.name, p.sex, p.birth_date, p.area, p.document_kind, p.member_keys,
               p.former_names, n.kind AS number_kind
        FROM unnest($1::text[]) AS q(id)
        JOIN persons p USING (id)
        JOIN record_claims c ON c.person_id = p.id
        LEFT JOIN student_numbers n ON n.person_id = p.id AND n.valid_to IS NULL
        """,
        sorted(person_ids),
    )
    return {
        record["person_id"]: Compared(
            **{
                **record,
                "member_keys": frozenset(record["member_keys"]),
                "former_names": tuple(record["former_names"]),
            }
        )
        for record in found
    }


async def alike(tx: AsyncConnection, pairs: Sequence[tuple[Compared, Compared]]) -> dict[int, int]:
    """How many pupils with a record have one of a pair's names and one of its birth dates, by the pair's place."""
    keys = [
        (place, names.key(name, born), name, born)
        for place, (a, b) in enumerate(pairs)
        for name in {a.name, b.name}
        for born in {a.birth_date, b.birth_date}
    ]
    if not keys:
        return {}
    places, hashes, written, born = zip(*keys, strict=True)
    found = await (await driver(tx)).fetch(
        """
        SELECT q.place, count(DISTINCT p.id) AS n
        FROM unnest($1::int[], $2::bigint[], $3::text[], $4::date[]) AS q(place, key, name, born)
        JOIN persons p ON p.name_keys && ARRAY[q.key] AND p.name = q.name AND p.birth_date = q.born
        JOIN record_claims c ON c.person_id = p.id
        GROUP BY q.place
        """,
        places,
        hashes,
        written,
        born,
    )
    return {record["place"]: record["n"] for record in found}


# ---- one person -----------------------------------------------------------------------------------------------------


class Person(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A person with what a correction looks at. `entry`: as it would be entered today, the document in the clear;
    `registration_id`, `school`: of the live claim; `number_kind`: of the open number."""

    person_id: str
    entry: PersonEntry
    index: bytes
    former_names: tuple[str, ...]
    registration_id: str | None
    school: str | None
    number_kind: str | None


async def person(tx: AsyncConnection, person_id: str, vault: Vault, *, lock: bool = False) -> Person | None:
    record = await (await driver(tx)).fetchrow(
        f"""
        SELECT p.id, p.name, p.sex, p.birth_date, p.area, p.document_kind, p.document, p.document_index, p.former_names,
               p.members, c.registration_id, c.school,
               (SELECT kind FROM student_numbers n WHERE n.person_id = p.id AND n.valid_to IS NULL) AS number_kind
        FROM persons p LEFT JOIN record_claims c ON c.person_id = p.id
        WHERE p.id = $1 {"FOR UPDATE OF p" if lock else ""}
        """,  # noqa: S608 - constants
        person_id,
    )
    return None if record is None else _person(record, vault)


def _person(record: asyncpg.Record, vault: Vault) -> Person:
    return Person(
        person_id=record["id"],
        entry=PersonEntry(
            row=0,
            name=record["name"],
            sex=record["sex"],
            birth_date=record["birth_date"],
            document_kind=record["document_kind"],
            document_number=vault.open_document(record["id"], record["document"]),
            area=record["area"],
            members=vault.open_members(record["id"], record["members"]),
        ),
        index=record["document_index"],
        former_names=tuple(record["former_names"]),
        registration_id=record["registration_id"],
        school=record["school"],
        number_kind=record["number_kind"],
    )


async def others_with(tx: AsyncConnection, index: bytes, person_id: str) -> bool:
    """Whether another person has this document now."""
    found: bool = await (await driver(tx)).fetchval(
        "SELECT EXISTS (SELECT FROM persons WHERE document_index = $1 AND id <> $2)", index, person_id
    )
    return found


async def correct(tx: AsyncConnection, staging_id: str, values: Mapping[str, Any], now: datetime) -> bool:
    """Write what a case asked for; a document that is replaced is kept as a former one. False where no case asks any more.

    `values`: name, sex, kind, sealed document, its index, its mask, name keys, former names, sealed documents of
    family members, their keys. Raises UniqueViolationError
    where somebody took the document this moment.
    """
    done: bool = await (await driver(tx)).fetchval(
        "SELECT correct_person($1, $2, $3, $4, $5, $6, $7, $8, $9::bigint[], $10::text[], $11, $12::bigint[])",
        staging_id,
        now,
        *values.values(),
    )
    return done


async def ask_again(tx: AsyncConnection, person: Person, now: datetime) -> None:
    """The matcher is asked about a person anew, at once; what a batch under way hears of the old values is not used."""
    await (await driver(tx)).execute(
        """
        INSERT INTO number_requests (person_id, registration_id, lane, requested_at, next_attempt_at, trace)
        VALUES ($1, $2, 'again', $3, $3, '{}')
        ON CONFLICT (person_id) DO UPDATE SET registration_id = excluded.registration_id,
            next_attempt_at = excluded.next_attempt_at, attempts = 0, verification = 'pending', lease = NULL,
            leased_until = NULL
        """,
        person.person_id,
        person.registration_id,
        now,
    )


# ---- what waits for an approval -------------------------------------------------------------------------------------


async def stage(tx: AsyncConnection, staging_id: str, person: Person, sealed: bytes, expires_at: datetime) -> None:
    await (await driver(tx)).execute(
        """
        INSERT INTO staged_corrections (staging_id, person_id, registration_id, sealed, expires_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (staging_id) DO UPDATE SET sealed = excluded.sealed
        """,
        staging_id,
        person.person_id,
        person.registration_id,
        sealed,
        expires_at,
    )


async def keep_staged(tx: AsyncConnection, staging_id: str) -> None:
    await (await driver(tx)).execute(
        "UPDATE staged_corrections SET expires_at = NULL WHERE staging_id = $1", staging_id
    )


async def drop_staged(tx: AsyncConnection, staging_id: str) -> None:
    await (await driver(tx)).execute("DELETE FROM staged_corrections WHERE staging_id = $1", staging_id)


class Staged(NamedTuple):
    """`kept`: a case asks for it."""

    sealed: bytes
    kept: bool


async def lock_staged(tx: AsyncConnection, staging_id: str) -> Staged | None:
    record = await (await driver(tx)).fetchrow(
        "SELECT sealed, expires_at IS NULL AS kept FROM staged_corrections WHERE staging_id = $1 FOR UPDATE", staging_id
    )
    return None if record is None else Staged(record["sealed"], record["kept"])


async def sweep_staged(tx: AsyncConnection, now: datetime) -> int:
    """Forget what no case asked for in time; returns how many."""
    gone = await (await driver(tx)).fetch(
        "DELETE FROM staged_corrections WHERE expires_at < $1 RETURNING staging_id", now
    )
    return len(gone)


# ---- claims ---------------------------------------------------------------------------------------------------------


async def end_claim(tx: AsyncConnection, registration_id: str, person_id: str, reason: str, now: datetime) -> bool:
    """A cancelled record lets go of its person, who stays, with the numbers. False where it held nobody."""
    connection = await driver(tx)
    await connection.fetchval("SELECT 1 FROM record_claims WHERE person_id = $1 FOR UPDATE", person_id)
    await connection.execute(
        "DELETE FROM number_requests WHERE person_id = $1 AND registration_id = $2", person_id, registration_id
    )
    ended = await connection.fetchval(
        """
        WITH gone AS (DELETE FROM record_claims WHERE registration_id = $1 AND person_id = $2 RETURNING *)
        INSERT INTO released_claims (person_id, registration_id, school, claimed_at, released_at, reason)
        SELECT person_id, registration_id, school, claimed_at, $3, $4 FROM gone RETURNING id
        """,
        registration_id,
        person_id,
        now,
        reason,
    )
    return ended is not None


async def holds(tx: AsyncConnection, registration_id: str) -> bool:
    found: bool = await (await driver(tx)).fetchval(
        "SELECT EXISTS (SELECT FROM record_claims WHERE registration_id = $1)", registration_id
    )
    return found


async def restore_claim(tx: AsyncConnection, registration_id: str, person_id: str, school: str, now: datetime) -> bool:
    """Whether the record holds its person again."""
    connection = await driver(tx)
    await connection.execute(
        """
        INSERT INTO record_claims (person_id, registration_id, school, claimed_at)
        SELECT id, $2, $3, $4 FROM persons WHERE id = $1 ON CONFLICT DO NOTHING
        """,
        person_id,
        registration_id,
        school,
        now,
    )
    return await holds(tx, registration_id)
