"""Every statement about children of age and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.crypto import FieldCipher
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from service_kit.ids import derived
from shared_contracts.discreet import Discreet
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.children.policy import Record
from registry.enrolment.children.tables import children as t
from registry.enrolment.children.tables import import_rows, imports


class Sealed(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a child only whoever asks for the one child is shown."""

    address: str
    guardian: str
    phone: str


def child_id(person_id: str, stage: str) -> str:
    return derived("child", person_id, stage)


def _context(child: str) -> bytes:
    return f"child:{child}".encode()


def seal(cipher: FieldCipher, child: str, sealed: Sealed) -> bytes:
    return cipher.seal_bytes(msgspec.msgpack.encode(sealed), _context(child))


def unseal(cipher: FieldCipher, child: str, blob: bytes) -> Sealed:
    return msgspec.msgpack.decode(cipher.open_bytes(blob, _context(child)), type=Sealed)


async def of_persons(tx: AsyncConnection, person_ids: Sequence[str], counties: Sequence[str]) -> Sequence[RowMapping]:
    """Children of these persons on the lists of these counties, whatever the stage."""
    query = sa.select(t).where(t.c.person_id.in_(list(person_ids)), t.c.county.in_(list(counties)))
    return await fetch_all(tx, query.order_by(t.c.id))


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the registry knows of a person. `listed_by`: county of the list; `admission`: (id, school) of an open one;
    `school`: that registers or has the pupil; `record`, `graduated_stage`: see `policy`."""

    child_id: str | None = None
    listed_by: str | None = None
    admission: tuple[str, str] | None = None
    school: str | None = None
    record: Record = ""
    graduated_stage: str = ""


async def standings(tx: AsyncConnection, person_ids: Sequence[str], stage: str) -> dict[str, Standing]:
    """By person; one statement, each part of it an index scan of `person_id`. A row that has left is on no list."""
    rows = await (await driver(tx)).fetch(
        """SELECT p.id AS person_id, c.id AS child_id, c.county, a.id AS admission_id, a.school AS admitted_to,
                  coalesce(s.school, r.school) AS school, s.school IS NOT NULL AS live, e.stage AS ended_stage
           FROM unnest($1::text[]) AS p(id)
           LEFT JOIN children c ON c.person_id = p.id AND c.stage = $2 AND c.state <> 'left'
           LEFT JOIN admissions a ON a.person_id = p.id AND a.stage = $2 AND a.state = 'open'
           LEFT JOIN students s ON s.person_id = p.id AND s.live
           LEFT JOIN registrations r ON r.person_id = p.id AND NOT r.closed AND r.registered_at IS NULL
           LEFT JOIN LATERAL (
               SELECT min(stage) AS stage FROM (
                   SELECT stage FROM students
                   WHERE person_id = p.id AND live AND state IN ('graduated', 'completed')
                   UNION ALL
                   SELECT stage FROM students
                   WHERE person_id = p.id AND NOT live AND state IN ('graduated', 'completed')) g) e ON true""",
        list(person_ids),
        stage,
    )
    return {
        row["person_id"]: Standing(
            child_id=row["child_id"],
            listed_by=row["county"],
            admission=(row["admission_id"], row["admitted_to"]) if row["admission_id"] else None,
            school=row["school"],
            record="ended" if row["ended_stage"] else "live" if row["live"] else "",
            graduated_stage=row["ended_stage"] or "",
        )
        for row in rows
    }


async def put(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Onto the list; one who stands on it already stays as he is, one who had left comes back. Returns the new ones."""
    made = await insert_rows(
        tx,
        t,
        rows,
        on_conflict="""(person_id, stage) DO UPDATE SET county = EXCLUDED.county, origin = EXCLUDED.origin,
            school_year = EXCLUDED.school_year, division = EXCLUDED.division, sealed = EXCLUDED.sealed,
            state = 'waiting', by_hand = '', reason = '', version = children.version + 1
            WHERE children.state = 'left'""",
        returning=("id",),
    )
    return {row["id"] for row in made}


async def get(tx: AsyncConnection, child: str) -> RowMapping | None:
    query = sa.select(t).where(t.c.id == child)
    return await fetch_one(tx, query)


async def lock(tx: AsyncConnection, children: Iterable[str]) -> dict[str, RowMapping]:
    """In the order of their ids, until the end of the transaction: after plans, before admissions."""
    query = sa.select(t).where(t.c.id.in_(sorted(set(children)))).order_by(t.c.id).with_for_update()
    return {row["id"]: row for row in await fetch_all(tx, query)}


async def set_state(
    tx: AsyncConnection,
    children: Sequence[str],
    state: str,
    *,
    reason: str | None = None,
    by_hand: Sequence[str] | None = None,
    school_year: int | None = None,
) -> None:
    """`by_hand`: in the order of the children; none where not given. What is None stays as it is."""
    await (await driver(tx)).execute(
        """UPDATE children c SET state = $2, by_hand = q.by_hand, reason = coalesce($4, c.reason),
                  school_year = coalesce($5, c.school_year), version = c.version + 1
           FROM unnest($1::text[], $3::text[]) AS q(id, by_hand) WHERE c.id = q.id""",
        list(children),
        state,
        list(by_hand) if by_hand is not None else [""] * len(children),
        reason,
        school_year,
    )


async def waiting(
    tx: AsyncConnection, county: str, school_year: int, stage: str, after: tuple[date, str] | None, limit: int
) -> list[Any]:
    """Children to place, the oldest first: this year's, and those whom earlier years have left."""
    rows = await (await driver(tx)).fetch(
        """SELECT id, person_id, birth_date, division, sealed, version FROM children
           WHERE county = $1 AND school_year <= $2 AND stage = $3 AND state = 'waiting' AND origin = 'household'
             AND ($4::date IS NULL OR (birth_date, id) > ($4, $5))
           ORDER BY birth_date, id LIMIT $6""",
        county,
        school_year,
        stage,
        after[0] if after else None,
        after[1] if after else "",
        limit,
    )
    return list(rows)


async def count_waiting(tx: AsyncConnection, county: str, school_year: int, stage: str) -> int:
    number: int = await (await driver(tx)).fetchval(
        """SELECT count(*) FROM children WHERE county = $1 AND school_year <= $2 AND stage = $3 AND state = 'waiting'
             AND origin = 'household'""",
        county,
        school_year,
        stage,
    )
    return number


async def page(
    tx: AsyncConnection,
    scope: sa.ColumnElement[bool],
    *,
    school_year: int,
    stage: str | None,
    state: str | None,
    by_hand: bool,
    name: str | None,
    after: str | None,
    limit: int,
) -> list[RowMapping]:
    """`state`: `deferred` are those on a later year's list, `waiting` also whom earlier years have left."""
    query = sa.select(t).where(scope)
    if state == "deferred":
        query = query.where(t.c.state == "waiting", t.c.school_year > school_year)
    elif state == "waiting":
        query = query.where(t.c.state == "waiting", t.c.school_year <= school_year)
    elif state is not None:
        query = query.where(t.c.state == state, t.c.school_year == school_year)
    else:
        query = query.where(t.c.school_year >= school_year)
    if stage is not None:
        query = query.where(t.c.stage == stage)
    if by_hand:
        query = query.where(t.c.by_hand != "", t.c.state == "waiting")
    if name is not None:
        query = query.where(t.c.name == name)
    if after is not None:
        query = query.where(t.c.id > after)
    return list(await fetch_all(tx, query.order_by(t.c.id).limit(limit)))


# ---- lists as they come in ----------------------------------------------------------------------------------------------


async def put_import(tx: AsyncConnection, head: dict[str, Any]) -> None:
    await insert_rows(tx, imports, [head])


async def get_import(tx: AsyncConnection, import_id: str, *, lock: bool = False) -> RowMapping | None:
    query = sa.select(imports).where(imports.c.id == import_id)
    return await fetch_one(tx, query.with_for_update() if lock else query)


async def page_of_imports(
    tx: AsyncConnection, scope: sa.ColumnElement[bool], after: str | None, limit: int
) -> list[RowMapping]:
    """Newest first: ids are made in the order of time."""
    query = sa.select(imports).where(scope)
    if after is not None:
        query = query.where(imports.c.id < after)
    return list(await fetch_all(tx, query.order_by(imports.c.id.desc()).limit(limit)))


async def page_of_rows(
    tx: AsyncConnection, import_id: str, outcome: str | None, after: int, limit: int
) -> list[RowMapping]:
    query = sa.select(import_rows).where(import_rows.c.import_id == import_id, import_rows.c.row > after)
    if outcome is not None:
        query = query.where(import_rows.c.outcome == outcome)
    return list(await fetch_all(tx, query.order_by(import_rows.c.row).limit(limit)))


async def taking(tx: AsyncConnection, import_id: str) -> None:
    await (await driver(tx)).execute(
        "UPDATE children_imports SET state = 'taking', version = version + 1 WHERE id = $1", import_id
    )
