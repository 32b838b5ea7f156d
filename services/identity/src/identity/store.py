"""Every statement of the waiting room, of persons and of claims; numbers and requests stand in `requests.py`.

Chunks of up to 500 rows cost a fixed number of round trips each: arrays go in, rows come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from service_kit.database import array_text, driver, insert_rows
from shared_contracts.actors import Actor
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import tables
from identity.policy import Known

# ---- the waiting room ---------------------------------------------------------------------------------------------

_INTAKE = "SELECT school, expires_at FROM intakes WHERE intake_id = $1"
_KEEP_INTAKE = f"{_INTAKE} FOR KEY SHARE"
_OPEN_INTAKE = """
INSERT INTO intakes (intake_id, school, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (intake_id) DO UPDATE SET expires_at = greatest(intakes.expires_at, excluded.expires_at)
RETURNING school
"""


async def open_intake(tx: AsyncConnection, intake_id: str, school: str, expires_at: datetime) -> str:
    """Make the intake, or prolong it; returns the school it belongs to. It cannot be dropped before this transaction
    ends, which says for 500 rows at once what a foreign key would say for each.

    Read first: chunks of one intake run side by side, and an upsert would make each wait for the other's commit.
    """
    connection = await driver(tx)
    known = await connection.fetchrow(_KEEP_INTAKE, intake_id)
    if known is not None and known["expires_at"] >= expires_at:
        return str(known["school"])
    return str(await connection.fetchval(_OPEN_INTAKE, intake_id, school, expires_at))


async def intake_school(tx: AsyncConnection, intake_id: str) -> str | None:
    known = await (await driver(tx)).fetchrow(_INTAKE, intake_id)
    return None if known is None else str(known["school"])


async def put_rows(tx: AsyncConnection, intake_id: str, sealed: Mapping[int, bytes]) -> None:
    await insert_rows(
        tx,
        tables.intake_rows,
        [{"intake_id": intake_id, "row": row, "sealed": blob} for row, blob in sorted(sealed.items())],
        on_conflict='(intake_id, "row") DO UPDATE SET sealed = excluded.sealed',
    )


async def sealed_rows(tx: AsyncConnection, intake_id: str, rows: Sequence[int]) -> dict[int, bytes]:
    found = await (await driver(tx)).fetch(
        'SELECT "row", sealed FROM intake_rows WHERE intake_id = $1 AND "row" = ANY($2::int[])', intake_id, rows
    )
    return {record["row"]: record["sealed"] for record in found}


async def drop_intake(tx: AsyncConnection, intake_id: str) -> None:
    connection = await driver(tx)
    await connection.execute("DELETE FROM intakes WHERE intake_id = $1", intake_id)  # waits for who is staging
    await connection.execute("DELETE FROM intake_rows WHERE intake_id = $1", intake_id)


async def sweep_intakes(tx: AsyncConnection, now: datetime, limit: int) -> int:
    """Forget expired intakes with their rows; returns how many."""
    connection = await driver(tx)
    gone = await connection.fetch(
        """
        DELETE FROM intakes WHERE intake_id IN (
            SELECT intake_id FROM intakes WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING intake_id
        """,
        now,
        limit,
    )
    await connection.execute(
        "DELETE FROM intake_rows WHERE intake_id = ANY($1::text[])", [record["intake_id"] for record in gone]
    )
    return len(gone)


# ---- persons ------------------------------------------------------------------------------------------------------

_KNOWN = """
    p.id, p.name, p.sex, p.birth_date, p.area, p.document_kind, p.masked_document, c.registration_id, c.school,
    EXISTS (SELECT FROM known_persons k WHERE k.person_id = p.id) AS listed,
    EXISTS (SELECT FROM student_numbers n WHERE n.person_id = p.id) AS numbered
"""


def _known(record: asyncpg.Record) -> Known:
    return Known(
        person_id=record["id"],
        name=record["name"],
        sex=record["sex"],
        birth_date=record["birth_date"],
        area=record["area"],
        document_kind=record["document_kind"],
        masked_document=record["masked_document"],
        registration_id=record["registration_id"],
        school=record["school"],
        listed=record["listed"],
        numbered=record["numbered"],
    )


async def persons_of(tx: AsyncConnection, indexes: Sequence[bytes], *, keep: bool = False) -> dict[bytes, Known]:
    """Persons by the index of their document. `keep`: they cannot be deleted before this transaction ends.

    Locked in the order of their indexes, as they are inserted: two schools with the same pupils wait for one another and
    never each for the other.
    """
    found = await (await driver(tx)).fetch(
        f"""
        SELECT p.document_index, {_KNOWN}
        FROM persons p LEFT JOIN record_claims c ON c.person_id = p.id
        WHERE p.document_index = ANY($1::bytea[])
        {"ORDER BY p.document_index FOR KEY SHARE OF p" if keep else ""}
        """,  # noqa: S608 - constants
        indexes,
    )
    return {record["document_index"]: _known(record) for record in found}


# 500 rows: the aggregate drives a nested loop over a bitmap scan of persons_name_keys, 10 us a row; a separate table of
# keys with a B-tree is no faster to read and half as fast to fill. The planner expects a thousand times as many
# rows as there are (it knows nothing of `keys`), and would hash all claims of the province to join them: LIMIT keeps
# it from that.
_NEAR = f"""
    SELECT q.place, {_KNOWN}
    FROM (SELECT place, array_agg(key) AS keys FROM unnest($1::int[], $2::bigint[]) AS u(place, key) GROUP BY place) q
    JOIN persons p ON p.name_keys && q.keys
    LEFT JOIN LATERAL (
        SELECT registration_id, school FROM record_claims WHERE person_id = p.id LIMIT 1
    ) c ON true
"""  # noqa: S608 - constants


async def persons_near(tx: AsyncConnection, keys: Sequence[tuple[int, ...]]) -> dict[int, list[Known]]:
    """Persons who share a key with the entry at each place of `keys`."""
    places = [place for place, own in enumerate(keys) for _ in own]
    found = await (await driver(tx)).fetch(_NEAR, places, [key for own in keys for key in own])
    near: dict[int, list[Known]] = {}
    for record in found:
        near.setdefault(record["place"], []).append(_known(record))
    return near


async def insert_persons(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert persons in the order given; returns the ids of those whose document nobody had."""
    made = await insert_rows(tx, tables.persons, rows, on_conflict="(document_index) DO NOTHING", returning=("id",))
    return {record["id"] for record in made}


async def know(tx: AsyncConnection, person_ids: Sequence[str], organisation: str, now: datetime) -> None:
    """They are not forgotten from now on; who is known already stays known as he was."""
    await insert_rows(
        tx,
        tables.known_persons,
        [{"person_id": person_id, "organisation": organisation, "known_at": now} for person_id in person_ids],
        on_conflict="(person_id) DO NOTHING",
    )


async def establish(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Persons known from a list alone become what their first registration says. The birth date is for ever."""
    connection = await driver(tx)
    await connection.execute(
        "SELECT establish_persons($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])",
        *([row[name] for row in rows] for name in ("id", "name", "sex", "area")),
        [array_text(row["name_keys"]) for row in rows],
    )
    await connection.execute(
        """
        UPDATE persons p SET members = q.members, member_keys = q.member_keys::bigint[],
                             former_names = q.former_names::text[]
        FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[]) AS q(id, members, member_keys, former_names)
        WHERE p.id = q.id
        """,
        *([row[name] for row in rows] for name in ("id", "members")),
        *([array_text(row[name]) for row in rows] for name in ("member_keys", "former_names")),
    )


# A number of another province counts once there is one of ours: an application that came to nothing finds nobody.
_ELSEWHERE = """
    SELECT e.number_index, e.person_id FROM elsewhere_numbers e
    WHERE EXISTS (SELECT FROM student_numbers n WHERE n.person_id = e.person_id)
"""


async def whose_numbers(tx: AsyncConnection, indexes: Sequence[bytes]) -> dict[bytes, set[str]]:
    """Who has or had these student numbers, here or in another province, by the number's index."""
    found = await (await driver(tx)).fetch(
        f"""
        SELECT number_index, person_id FROM student_numbers WHERE number_index = ANY($1::bytea[])
        UNION {_ELSEWHERE} AND e.number_index = ANY($1::bytea[])
        """,  # noqa: S608 - constants
        indexes,
    )
    owners: dict[bytes, set[str]] = {}
    for record in found:
        owners.setdefault(record["number_index"], set()).add(record["person_id"])
    return owners


async def tell_numbers(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Numbers that other provinces have given. Of a person without one of ours what is told last stands; of others all."""
    await (await driver(tx)).execute(
        """
        DELETE FROM elsewhere_numbers e USING unnest($1::text[], $2::bytea[]) AS q(person_id, number_index)
        WHERE e.person_id = q.person_id AND e.number_index <> q.number_index
          AND NOT EXISTS (SELECT FROM student_numbers n WHERE n.person_id = e.person_id)
        """,
        [row["person_id"] for row in rows],
        [row["number_index"] for row in rows],
    )
    await insert_rows(tx, tables.elsewhere_numbers, rows, on_conflict="(number_index, person_id) DO NOTHING")


async def persons_with_number(tx: AsyncConnection, number_index: bytes | None, documents: Sequence[bytes]) -> list[str]:
    """Persons who have or had this student number, here or in another province, or this document."""
    found = await (await driver(tx)).fetch(
        f"""
        SELECT person_id FROM student_numbers WHERE number_index = $1
        UNION SELECT person_id FROM ({_ELSEWHERE} AND e.number_index = $1) AS elsewhere
        UNION SELECT id FROM persons WHERE document_index = ANY($2::bytea[])
        UNION SELECT person_id FROM former_documents WHERE document_index = ANY($2::bytea[])
        ORDER BY 1
        """,  # noqa: S608 - constants
        number_index,
        documents,
    )
    return [record["person_id"] for record in found]


# ---- claims -------------------------------------------------------------------------------------------------------


async def claims_of(
    tx: AsyncConnection, registration_ids: Sequence[str], person_ids: Sequence[str] = ()
) -> list[asyncpg.Record]:
    """Live claims of these registrations or on these persons, with the person's index and masked document."""
    return await (await driver(tx)).fetch(
        """
        SELECT c.person_id, c.registration_id, c.school, p.document_index, p.masked_document
        FROM record_claims c JOIN persons p ON p.id = c.person_id
        WHERE c.registration_id = ANY($1::text[])
        UNION ALL
        SELECT c.person_id, c.registration_id, c.school, p.document_index, p.masked_document
        FROM record_claims c JOIN persons p ON p.id = c.person_id
        WHERE c.person_id = ANY($2::text[]) AND c.registration_id <> ALL($1::text[])
        """,
        registration_ids,
        person_ids,
    )


async def insert_claims(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Claim persons in the order given; returns the registrations that got theirs."""
    made = await insert_rows(tx, tables.record_claims, rows, on_conflict="DO NOTHING", returning=("registration_id",))
    return {record["registration_id"] for record in made}


async def release(
    tx: AsyncConnection, claims: Iterable[tuple[str, str]], reason: str, now: datetime
) -> tuple[list[str], list[str]]:
    """Let go of claims (registration, person) of persons who never got a number, and forget those persons.

    Returns the registrations let go of and those kept because a number exists. Persons without a record are not kept
    (unless they stand on a list of children): nothing of them is needed, and whoever registers the pupil anew states
    birth date and name anew. The requests are locked before numbers are looked for, so that a number is either seen here
    or never issued.
    """
    registrations, people = zip(*claims, strict=True)
    connection = await driver(tx)
    held = await connection.fetch(
        """
        SELECT c.person_id, c.registration_id
        FROM unnest($1::text[], $2::text[]) AS q(registration_id, person_id)
        JOIN record_claims c USING (registration_id, person_id)
        ORDER BY c.person_id FOR UPDATE OF c
        """,
        registrations,
        people,
    )
    by_person = {record["person_id"]: record["registration_id"] for record in held}
    await connection.execute(
        "SELECT FROM number_requests WHERE person_id = ANY($1::text[]) ORDER BY person_id FOR UPDATE", list(by_person)
    )
    numbered = await connection.fetch(
        "SELECT DISTINCT person_id FROM student_numbers WHERE person_id = ANY($1::text[])", list(by_person)
    )
    kept = [by_person.pop(record["person_id"]) for record in numbered]
    if by_person:
        gone = list(by_person)
        await connection.execute(
            "SELECT FROM persons WHERE id = ANY($1::text[]) ORDER BY document_index FOR UPDATE", gone
        )
        await connection.execute("DELETE FROM number_requests WHERE person_id = ANY($1::text[])", gone)
        await connection.execute(
            """
            WITH gone AS (DELETE FROM record_claims WHERE person_id = ANY($1::text[]) RETURNING *)
            INSERT INTO released_claims (person_id, registration_id, school, claimed_at, released_at, reason)
            SELECT person_id, registration_id, school, claimed_at, $2, $3 FROM gone
            """,
            gone,
            now,
            reason,
        )
        await connection.execute(
            """DELETE FROM persons p WHERE id = ANY($1::text[])
               AND NOT EXISTS (SELECT FROM known_persons k WHERE k.person_id = p.id)""",
            gone,
        )
    return list(by_person.values()), kept


async def pass_claim(tx: AsyncConnection, registration_id: str, from_school: str, to_school: str) -> str | None:
    """Let another school hold a claim. Returns who holds it then; None where nobody claims under this registration."""
    connection = await driver(tx)
    moved = await connection.fetchval(
        "UPDATE record_claims SET school = $3 WHERE registration_id = $1 AND school = $2 RETURNING school",
        registration_id,
        from_school,
        to_school,
    )
    if moved is not None:
        return to_school
    held: str | None = await connection.fetchval(
        "SELECT school FROM record_claims WHERE registration_id = $1", registration_id
    )
    return held


async def pass_claims(
    tx: AsyncConnection, registration_ids: Sequence[str], from_school: str, to_school: str
) -> dict[str, str]:
    """Let another school hold these claims. Who holds each then, by registration; those nobody claims are left out."""
    connection = await driver(tx)
    await connection.execute(
        """UPDATE record_claims c SET school = $3
           FROM (SELECT registration_id FROM record_claims WHERE registration_id = ANY($1::text[]) AND school = $2
                 ORDER BY registration_id FOR UPDATE) o
           WHERE c.registration_id = o.registration_id""",
        list(registration_ids),
        from_school,
        to_school,
    )
    rows = await connection.fetch(
        "SELECT registration_id, school FROM record_claims WHERE registration_id = ANY($1::text[])",
        list(registration_ids),
    )
    return {row["registration_id"]: row["school"] for row in rows}


# ---- showing ------------------------------------------------------------------------------------------------------


async def sealed_persons(tx: AsyncConnection, person_ids: Sequence[str]) -> list[asyncpg.Record]:
    """What is sealed of these persons: document, members, the open student number; with the claim's school."""
    return await (await driver(tx)).fetch(
        """
        SELECT p.id, p.document, p.members, n.number, c.school
        FROM unnest($1::text[]) WITH ORDINALITY AS q(id, place)
        JOIN persons p USING (id)
        LEFT JOIN student_numbers n ON n.person_id = p.id AND n.valid_to IS NULL
        LEFT JOIN record_claims c ON c.person_id = p.id
        ORDER BY q.place
        """,
        person_ids,
    )


async def record_reveal(
    tx: AsyncConnection, actor: Actor, purpose: str, person_ids: Sequence[str], now: datetime
) -> None:
    await (await driver(tx)).execute(
        """
        INSERT INTO reveals (at, account, organisation, roles, purpose, person_ids)
        VALUES ($1, $2, $3, $4::text[], $5, $6::text[])
        """,
        now,
        actor.account,
        actor.organisation,
        [role.value for role in actor.roles],
        purpose,
        list(person_ids),
    )
