"""Every statement about imports of organisations and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from shared_contracts.decisions import Finding
from shared_contracts.organisations import ImportRow, ImportTotals, OrganisationImport, OrganisationView
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.tables import import_rows, imports


async def put(tx: AsyncConnection, head: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    await insert_rows(tx, imports, [head])
    await insert_rows(tx, import_rows, rows)


async def get(tx: AsyncConnection, import_id: str, *, lock: bool = False) -> RowMapping | None:
    query = sa.select(imports).where(imports.c.id == import_id)
    return await fetch_one(tx, query.with_for_update() if lock else query)


async def confirmed(tx: AsyncConnection, import_id: str, account: str, at: Any) -> None:
    await (await driver(tx)).execute(
        """UPDATE organisation_imports SET state = 'confirmed', version = version + 1, confirmed_by = $2,
                  confirmed_at = $3 WHERE id = $1""",
        import_id,
        account,
        at,
    )


async def planned(tx: AsyncConnection, import_id: str) -> list[tuple[int, str, OrganisationView]]:
    """What the rows were shown to do: row, outcome, organisation."""
    query = sa.select(import_rows).where(import_rows.c.import_id == import_id).order_by(import_rows.c.row)
    return [
        (row["row"], row["outcome"], msgspec.convert(row["organisation"], OrganisationView))
        for row in await fetch_all(tx, query)
    ]


async def page(tx: AsyncConnection, import_id: str, outcome: str | None, after: int, limit: int) -> list[ImportRow]:
    query = sa.select(import_rows).where(import_rows.c.import_id == import_id, import_rows.c.row > after)
    if outcome is not None:
        query = query.where(import_rows.c.outcome == outcome)
    return [
        ImportRow(
            row=row["row"],
            outcome=row["outcome"],
            code=row["code"],
            name=row["name"],
            changes=msgspec.convert(row["changes"], dict[str, tuple[str, str]]),
            findings=msgspec.convert(row["findings"], tuple[Finding, ...]),
        )
        for row in await fetch_all(tx, query.order_by(import_rows.c.row).limit(limit))
    ]


def view(row: RowMapping) -> OrganisationImport:
    return OrganisationImport(
        id=row["id"],
        file_name=row["file_name"],
        effective_from=row["effective_from"],
        state=row["state"],
        totals=ImportTotals(**{name: row[name] for name in ImportTotals.__struct_fields__}),
        created_at=row["created_at"],
        created_by=row["created_by"],
        version=row["version"],
    )
