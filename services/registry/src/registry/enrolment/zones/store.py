"""Every statement about attendance zones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from service_kit.database import driver, insert_rows
from shared_contracts.admission import StageName
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.zones.matching import Area, ZoneOf, Zones
from registry.enrolment.zones.tables import zones as t

_COLUMNS = (
    """id, school, stage, authority, valid_from, valid_to, areas::text AS areas, reason, set_by, set_at, version"""
)


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `valid_to`: exclusive, None while nothing follows."""

    id: str
    school: str
    stage: StageName
    authority: str
    valid_from: date
    valid_to: date | None
    areas: tuple[Area, ...]
    reason: str
    set_by: str
    set_at: Any
    version: int


def _zone(row: Any) -> Zone:
    return Zone(**{**row, "areas": msgspec.json.decode(row["areas"], type=tuple[Area, ...])})


async def holding(tx: AsyncConnection, divisions: Sequence[str], stage: str, on: date) -> Zones:
    """All zones that have something of these divisions on a day, ready for addresses."""
    rows = await (await driver(tx)).fetch(
        """SELECT id, school, areas::text AS areas FROM attendance_zones
           WHERE divisions && $1::text[] AND stage = $2 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)
           ORDER BY school""",
        list(set(divisions)),
        stage,
        on,
    )
    return zones_of(rows)


def zones_of(rows: Iterable[Any]) -> Zones:
    """Rows with `id`, `school` and `areas` (as text) of one stage and day, ready for addresses."""
    return Zones(
        ZoneOf(
            zone_id=row["id"],
            school=row["school"],
            areas=msgspec.json.decode(row["areas"], type=tuple[Area, ...]),
        )
        for row in rows
    )


async def lock(tx: AsyncConnection, named: Sequence[tuple[str, StageName]]) -> dict[tuple[str, StageName], Zone]:
    """The last version of each school's and stage's zone: no other change of them until the transaction ends."""
    names = sorted(f"zone:{school}:{stage}" for school, stage in named)
    await (await driver(tx)).execute(
        "SELECT pg_advisory_xact_lock(hashtext(name)) FROM unnest($1::text[]) AS q(name)", names
    )
    return await last_of(tx, [school for school, _ in named])


async def last_of(tx: AsyncConnection, schools: Sequence[str]) -> dict[tuple[str, StageName], Zone]:
    """The last version of every zone of these schools, by school and stage; it may have ended, or not begun."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT DISTINCT ON (school, stage) {_COLUMNS} FROM attendance_zones WHERE school = ANY($1::text[])
            ORDER BY school, stage, valid_from DESC""",  # noqa: S608 - constants
        sorted(set(schools)),
    )
    return {(row["school"], row["stage"]): _zone(row) for row in rows}


async def versions(tx: AsyncConnection, school: str, stage: str) -> list[Zone]:
    rows = await (await driver(tx)).fetch(
        f"SELECT {_COLUMNS} FROM attendance_zones WHERE school = $1 AND stage = $2 ORDER BY valid_from",  # noqa: S608
        school,
        stage,
    )
    return [_zone(row) for row in rows]


async def put(tx: AsyncConnection, row: dict[str, Any]) -> None:
    """A version; one that already begins on its day is replaced."""
    await insert_rows(
        tx,
        t,
        [row],
        on_conflict="""(school, stage, valid_from) DO UPDATE SET areas = EXCLUDED.areas, divisions = EXCLUDED.divisions,
            reason = EXCLUDED.reason, set_by = EXCLUDED.set_by, account = EXCLUDED.account, set_at = EXCLUDED.set_at,
            version = EXCLUDED.version""",
    )


async def end(tx: AsyncConnection, zone_id: str, on: date, version: int) -> None:
    await (await driver(tx)).execute(
        "UPDATE attendance_zones SET valid_to = $2, version = $3 WHERE id = $1", zone_id, on, version
    )


async def page(
    tx: AsyncConnection,
    *,
    on: date,
    school: str | None,
    division: str | None,
    stage: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Zone]:
    """Zones that hold on a day or are set for a later one, by school and stage."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT {_COLUMNS} FROM attendance_zones
            WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1)
              AND ($2::text IS NULL OR school = $2) AND ($3::text IS NULL OR divisions @> ARRAY[$3])
              AND ($4::text IS NULL OR stage = $4) AND ($5::text IS NULL OR (school, stage) > ($5, $6))
            ORDER BY school, stage LIMIT $7""",  # noqa: S608 - constants
        on,
        school,
        division,
        stage,
        after[0] if after else None,
        after[1] if after else "",
        limit,
    )
    return [_zone(row) for row in rows]
