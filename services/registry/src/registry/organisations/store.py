"""Every query about organisations. A school's facts are read once per roster chunk, never per row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from regulation.school_year import SchoolSystem, Stage
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from shared_contracts.registry import OrganisationView
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


async def school(tx: AsyncConnection, code: str, on: date | None = None) -> SchoolFacts | None:
    """A school as it is now, or as it was on a day; None where there is none (an authority is none)."""
    query = sa.select(t).where(t.c.code == code, t.c.kind == "school", *_valid(on))
    row = await fetch_one(tx, query)
    return None if row is None else _school(row)


async def authority_of(tx: AsyncConnection, code: str) -> str | None:
    """The supervising authority (主管教育行政部门) of a school, or an authority's superior."""
    row = await fetch_one(tx, sa.select(t.c.authority).where(t.c.code == code, *_valid(None)))
    return None if row is None else row["authority"]


async def supervised(tx: AsyncConnection, authority: str) -> list[str]:
    """Codes of the schools that an authority supervises itself (clause 3.1: directly managed ones too)."""
    query = sa.select(t.c.code).where(t.c.authority == authority, t.c.kind == "school", *_valid(None))
    return [row["code"] for row in await fetch_all(tx, query.order_by(t.c.code))]


async def kinds(tx: AsyncConnection) -> dict[str, str]:
    """The kind of every authority there is now, by code (schools are nobody's superior)."""
    query = sa.select(t.c.code, t.c.kind).where(t.c.kind != "school", *_valid(None))
    return {row["code"]: row["kind"] for row in await fetch_all(tx, query)}


async def page(
    tx: AsyncConnection, parent: str | None, kind: str | None, after: str | None, limit: int
) -> list[OrganisationView]:
    """Present organisations after a code, in code order."""
    query = sa.select(t).where(*_valid(None))
    if parent is not None:
        query = query.where(t.c.parent == parent)
    if kind is not None:
        query = query.where(t.c.kind == kind)
    if after is not None:
        query = query.where(t.c.code > after)
    return [view(row) for row in await fetch_all(tx, query.order_by(t.c.code).limit(limit))]


async def lock_versions(tx: AsyncConnection, codes: Sequence[str]) -> list[Any]:
    """The newest version of each code, open or closed, locked in order so that two loads do not meet."""
    rows = await (await driver(tx)).fetch(
        """SELECT o.* FROM organisations o
           WHERE o.code = ANY($1::text[])
             AND o.valid_from = (SELECT max(n.valid_from) FROM organisations n WHERE n.code = o.code)
           ORDER BY o.code FOR UPDATE""",
        list(codes),
    )
    return list(rows)


async def close_versions(tx: AsyncConnection, codes: Sequence[str], on: date) -> None:
    await (await driver(tx)).execute(
        "UPDATE organisations SET valid_to = $2 WHERE code = ANY($1::text[]) AND valid_to IS NULL",
        list(codes),
        on,
    )


async def put_versions(tx: AsyncConnection, views: Sequence[OrganisationView], valid_from: date) -> None:
    """Insert versions that begin on a day; one that already begins there is corrected in place."""
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in CORRECTABLE)
    await insert_rows(
        tx,
        t,
        [_row(v, valid_from) for v in views],
        on_conflict=f"(code, valid_from) DO UPDATE SET {changed}, loaded_at = now()",
    )


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


def _school(row: Any) -> SchoolFacts:
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
