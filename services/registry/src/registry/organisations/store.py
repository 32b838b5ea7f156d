"""Every query about organisations. A school's facts are read once per roster chunk, never per row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from regulation.school_year import SchoolSystem, Stage
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from shared_contracts.organisations import OrganisationChanged, OrganisationRecord, OrganisationView
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations as t

CORRECTABLE = (
    "name",
    "parent",
    "authority",
    "division",
    "stages",
    "system",
    "ownership",
    "locality",
    "accepts_international",
)
"""What may change about an organisation; its code, kind and school type never do."""

_NONE: Mapping[str, int] = MappingProxyType({})


class SchoolChanged(Exception):
    """A school was closed or went to another authority while something was done with what it was. Do it again."""


async def school(tx: AsyncConnection, code: str, on: date | None = None) -> SchoolFacts | None:
    """A school as it is now, or as it was on a day; None where there is none (an authority is none)."""
    query = sa.select(t).where(t.c.code == code, t.c.kind == "school", *_valid(on))
    row = await fetch_one(tx, query)
    return None if row is None else facts(row)


async def schools(tx: AsyncConnection, codes: Collection[str]) -> dict[str, SchoolFacts]:
    """Schools as they are now, by code; what is none is left out."""
    query = sa.select(t).where(t.c.code.in_(list(codes)), t.c.kind == "school", *_valid(None))
    return {row["code"]: facts(row) for row in await fetch_all(tx, query)}


async def authority_of(tx: AsyncConnection, code: str) -> str | None:
    """The supervising authority (主管教育行政部门) of a school, or an authority's superior."""
    row = await fetch_one(tx, sa.select(t.c.authority).where(t.c.code == code, *_valid(None)))
    return None if row is None else row["authority"]


async def supervised(tx: AsyncConnection, authority: str) -> list[str]:
    """Codes of the schools that an authority supervises itself (clause 3.1: directly managed ones too)."""
    query = sa.select(t.c.code).where(t.c.authority == authority, t.c.kind == "school", *_valid(None))
    return [row["code"] for row in await fetch_all(tx, query.order_by(t.c.code))]


async def kinds(tx: AsyncConnection) -> dict[str, str]:
    """The kind of every authority of the province now, by code (schools and other provinces are nobody's superior)."""
    query = sa.select(t.c.code, t.c.kind).where(t.c.kind.not_in(("school", "external")), *_valid(None))
    return {row["code"]: row["kind"] for row in await fetch_all(tx, query)}


async def page(
    tx: AsyncConnection,
    *,
    parent: str | None = None,
    kind: str | None = None,
    on: date | None = None,
    name: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[OrganisationView]:
    """Organisations of a day after a code, in code order. `name`: a part of it."""
    query = sa.select(t).where(*_valid(on))
    if parent is not None:
        query = query.where(t.c.parent == parent)
    if kind is not None:
        query = query.where(t.c.kind == kind)
    if name is not None:
        query = query.where(t.c.name.contains(name, autoescape=True))
    if after is not None:
        query = query.where(t.c.code > after)
    return [view(row) for row in await fetch_all(tx, query.order_by(t.c.code).limit(limit))]


async def record(tx: AsyncConnection, code: str, on: date | None = None) -> OrganisationRecord | None:
    """One organisation as it was on a day; without a day as it is now, or was last where it is closed."""
    found = [r for r in await versions(tx, code) if on is None or _holds(r, on)]
    return found[-1] if found else None


async def versions(tx: AsyncConnection, code: str) -> list[OrganisationRecord]:
    """All versions of an organisation, first to last."""
    rows = await fetch_all(tx, sa.select(t).where(t.c.code == code).order_by(t.c.valid_from))
    return [
        OrganisationRecord(
            organisation=view(row),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            closed=rows[-1]["valid_to"] is not None,
            version=rows[-1]["version"],
        )
        for row in rows
    ]


def _holds(record: OrganisationRecord, on: date) -> bool:
    return record.valid_from <= on and (record.valid_to is None or on < record.valid_to)


async def known(
    tx: AsyncConnection, *, codes: Sequence[str] | None = None, after: str = "", limit: int | None = None
) -> list[OrganisationChanged]:
    """Organisations as they stand, closed ones too, in code order: what other services keep."""
    rows = await (await driver(tx)).fetch(
        """SELECT DISTINCT ON (code) code, name, kind, parent, authority, division, valid_from,
                  valid_to IS NOT NULL AS closed, version
           FROM organisations WHERE code > $1 AND ($2::text[] IS NULL OR code = ANY($2))
           ORDER BY code, valid_from DESC LIMIT $3""",
        after,
        None if codes is None else list(codes),
        limit,
    )
    return [OrganisationChanged(**row) for row in rows]


# ---- changing ---------------------------------------------------------------------------------------------------------


async def lock(tx: AsyncConnection) -> None:
    """One change of the tree at a time, until the end of the transaction: a rule about one looks at others."""
    await (await driver(tx)).execute("SELECT pg_advisory_xact_lock(hashtext('organisations'))")


async def lock_versions(tx: AsyncConnection, codes: Sequence[str]) -> list[Any]:
    """The newest version of each code, open or closed, locked in order against `hold`."""
    rows = await (await driver(tx)).fetch(
        """SELECT o.* FROM organisations o
           WHERE o.code = ANY($1::text[])
             AND o.valid_from = (SELECT max(n.valid_from) FROM organisations n WHERE n.code = o.code)
           ORDER BY o.code FOR UPDATE""",
        list(codes),
    )
    return list(rows)


async def hold(tx: AsyncConnection, school: SchoolFacts) -> None:
    """Keep a school as it is until the end of the transaction, which writes what depends on its authority.

    Raises SchoolChanged where it is closed, or supervised by another authority than these facts say.
    """
    authority = await (await driver(tx)).fetchval(
        "SELECT authority FROM organisations WHERE code = $1 AND valid_to IS NULL FOR SHARE", school.code
    )
    if authority != school.authority:
        raise SchoolChanged(school.code)


async def share(tx: AsyncConnection, codes: Sequence[str]) -> None:
    """Keep schools as they are until the end of the transaction."""
    await (await driver(tx)).execute(
        """SELECT code FROM organisations WHERE code = ANY($1::text[]) AND valid_to IS NULL
           ORDER BY code FOR SHARE""",
        list(codes),
    )


_SHARED = """
SELECT * FROM organisations WHERE code = ANY($1::text[]) AND kind = 'school' AND valid_to IS NULL ORDER BY code FOR SHARE
"""


async def shared(tx: AsyncConnection, codes: Collection[str]) -> dict[str, SchoolFacts]:
    """Schools as they are now and stay until the end of the transaction, by code; what is none is left out."""
    wanted, connection = list(set(codes)), await driver(tx)
    rows = await connection.fetch(_SHARED, wanted)
    if len(rows) < len(wanted):  # one whose next version was waited for is seen by a second look only
        rows = await connection.fetch(_SHARED, wanted)
    return {row["code"]: facts(row) for row in rows}


async def close_versions(tx: AsyncConnection, codes: Sequence[str], on: date) -> None:
    """End what holds now, because another version follows."""
    await (await driver(tx)).execute(
        "UPDATE organisations SET valid_to = $2 WHERE code = ANY($1::text[]) AND valid_to IS NULL",
        list(codes),
        on,
    )


async def close(tx: AsyncConnection, code: str, on: date) -> None:
    """End an organisation: nothing follows."""
    await (await driver(tx)).execute(
        "UPDATE organisations SET valid_to = $2, version = version + 1 WHERE code = $1 AND valid_to IS NULL", code, on
    )


async def put_versions(
    tx: AsyncConnection, views: Sequence[OrganisationView], valid_from: date, numbers: Mapping[str, int] = _NONE
) -> None:
    """Insert versions that begin on a day; one that already begins there is corrected in place. `numbers`: the version
    number of each code, 1 where there was none before."""
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*CORRECTABLE, "version"))
    await insert_rows(
        tx,
        t,
        [_row(v, valid_from) | {"version": numbers.get(v.code, 1)} for v in views],
        on_conflict=f"(code, valid_from) DO UPDATE SET {changed}, loaded_at = now()",
    )


async def depending(tx: AsyncConnection, code: str) -> tuple[int, int, int]:
    """How many organisations are below, student records kept, registrations and rosters under way."""
    row = await (await driver(tx)).fetchrow(
        """SELECT (SELECT count(*) FROM organisations
                   WHERE valid_to IS NULL AND (parent = $1 OR authority = $1)) AS below,
                  (SELECT count(*) FROM students WHERE school = $1 AND live) AS students,
                  (SELECT count(*) FROM registrations
                   WHERE school = $1 AND NOT closed AND registered_at IS NULL)
                + (SELECT count(*) FROM rosters WHERE school = $1 AND state = 'confirming') AS under_way""",
        code,
    )
    assert row is not None
    return row["below"], row["students"], row["under_way"]


# Index scans on children_waiting (or the county's own list) and on applications by county; both are small for a county.
_ADMITTING = """
SELECT o.code,
       (SELECT count(*) FROM children c WHERE c.county = o.code AND c.state = 'waiting')
     + (SELECT count(*) FROM admission_applications a JOIN cases k ON k.id = a.id
        WHERE a.county = o.code AND k.status IN ('open', 'returned')) AS n
FROM unnest($1::text[]) AS o(code)
"""


async def admitting(tx: AsyncConnection, codes: Sequence[str]) -> dict[str, int]:
    """Children who wait for a place on a county's lists, and applications that it has not decided; counties without any are
    left out."""
    rows = await (await driver(tx)).fetch(_ADMITTING, list(codes))
    return {row["code"]: row["n"] for row in rows if row["n"]}


# Index scans on the partial indexes of open holds and on expected_arrivals_at; the open cases of a school are a few.
_TRANSFERRING = """
SELECT o.code, count(DISTINCT x.case_id) AS n FROM unnest($1::text[]) AS o(code) CROSS JOIN LATERAL (
    SELECT case_id FROM change_holds WHERE seat_school = o.code AND state = 'held'
    UNION ALL SELECT case_id FROM expected_arrivals WHERE school = o.code AND open
    UNION ALL SELECT h.case_id FROM change_holds h JOIN students s ON s.id = h.student_id
              WHERE s.school = o.code AND h.state = 'held') x
GROUP BY o.code
"""


async def transferring(tx: AsyncConnection, codes: Sequence[str]) -> dict[str, int]:
    """Open transfers by which a pupil is to come to each school (with a place, or from another province) or to leave it;
    schools without any are left out."""
    return {row["code"]: row["n"] for row in await (await driver(tx)).fetch(_TRANSFERRING, list(codes))}


def _row(view: OrganisationView, valid_from: date) -> dict[str, Any]:
    return {
        "code": view.code,
        "valid_from": valid_from,
        "kind": view.kind,
        "school_type": view.school_type,
        **{name: getattr(view, name) for name in CORRECTABLE},
    }


def view(row: Any) -> OrganisationView:
    return OrganisationView(
        code=row["code"],
        name=row["name"],
        kind=row["kind"],
        parent=row["parent"],
        authority=row["authority"],
        division=row["division"],
        school_type=row["school_type"],
        stages=tuple(row["stages"]),
        system=row["system"],
        ownership=row["ownership"],
        locality=row["locality"],
        accepts_international=row["accepts_international"],
    )


def facts(row: Any) -> SchoolFacts:
    """A school's row as rules see it."""
    return SchoolFacts(
        code=row["code"],
        name=row["name"],
        school_type=row["school_type"],
        stages=tuple(Stage(stage) for stage in row["stages"]),
        system=SchoolSystem(row["system"]),
        ownership=row["ownership"],
        locality=row["locality"],
        accepts_international=row["accepts_international"],
        division=row["division"],
        authority=row["authority"],
    )


def _valid(on: date | None) -> tuple[sa.ColumnElement[bool], ...]:
    if on is None:
        return (t.c.valid_to.is_(None),)
    return (t.c.valid_from <= on, sa.or_(t.c.valid_to.is_(None), t.c.valid_to > on))
