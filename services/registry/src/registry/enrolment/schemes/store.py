"""Every statement about admission schemes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from service_kit.database import driver, insert_rows
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.schemes.tables import schemes


async def approved(tx: AsyncConnection, school: str, school_year: int) -> bool:
    """Whether a private school may register new pupils of a school year (clause 8)."""
    found: bool = await (await driver(tx)).fetchval(
        """SELECT EXISTS (SELECT 1 FROM admission_schemes
                          WHERE school = $1 AND school_year = $2 AND state = 'approved')""",
        school,
        school_year,
    )
    return found


async def lock(tx: AsyncConnection, scheme_id: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow("SELECT * FROM admission_schemes WHERE id = $1 FOR UPDATE", scheme_id)


async def put(tx: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False where the school has one for that year that was not rejected."""
    return bool(await insert_rows(tx, schemes, [row], on_conflict="DO NOTHING", returning=("id",)))


async def change(tx: AsyncConnection, scheme_id: str, values: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{name} = ${at}" for at, name in enumerate(values, start=2))
    await (await driver(tx)).execute(
        f"UPDATE admission_schemes SET {assignments}, version = version + 1 WHERE id = $1",  # noqa: S608 - our names
        scheme_id,
        *values.values(),
    )
