"""Who holds a place now: what other parts of the enrolment ask of admissions."""

from __future__ import annotations

from collections.abc import Sequence

from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection


async def of_children(tx: AsyncConnection, children: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Open admissions by child: (id, school)."""
    rows = await (await driver(tx)).fetch(
        "SELECT child_id, id, school FROM admissions WHERE child_id = ANY($1::text[]) AND state = 'open'",
        list(children),
    )
    return {row["child_id"]: (row["id"], row["school"]) for row in rows}
