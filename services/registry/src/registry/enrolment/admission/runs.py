"""Every statement about placements of a whole county on their way."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.database import driver
from service_kit.leases import Lease, LostLease
from shared_contracts.admission import PlacementRun
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

LEASE = Lease(table="placement_runs", open="state = 'running'", order="started_at")


class Run(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """`after_child`: `birth date|id` of the last child looked at, empty at the beginning."""

    id: str
    county: str
    school_year: int
    stage: str
    account: str
    started_by: str
    after_child: str
    failures: int

    @property
    def after(self) -> tuple[date, str] | None:
        if not self.after_child:
            return None
        day, _, child = self.after_child.partition("|")
        return date.fromisoformat(day), child


async def put(tx: AsyncConnection, run_id: str, values: dict[str, Any]) -> bool:
    """False where one of the same county, year and stage is on its way."""
    names = ", ".join(values)
    marks = ", ".join(f"${n}" for n in range(2, 2 + len(values)))
    made = await (await driver(tx)).fetchval(
        f"INSERT INTO placement_runs (id, {names}) VALUES ($1, {marks}) ON CONFLICT DO NOTHING RETURNING 1",  # noqa: S608
        run_id,
        *values.values(),
    )
    return bool(made)


async def get(tx: AsyncConnection, run_id: str) -> PlacementRun | None:
    row = (
        (
            await tx.execute(
                sa.text(
                    """SELECT id, county, school_year, stage, state, waiting, placed, by_hand, started_at, started_by,
                          finished_at, version FROM placement_runs WHERE id = :id"""
                ),
                {"id": run_id},
            )
        )
        .mappings()
        .first()
    )
    return None if row is None else PlacementRun(**row)


async def take(tx: AsyncConnection, owner: str) -> Run | None:
    row = await LEASE.take(
        tx, owner, returning="id, county, school_year, stage, account, started_by, after_child, failures"
    )
    return None if row is None else Run(**row)


async def moved(tx: AsyncConnection, run: Run, owner: str, *, after: str, placed: int, by_hand: int) -> Run:
    """Progress and a sign of life, in the batch's own transaction. Raises LostLease."""
    touched = await (await driver(tx)).fetchval(
        """UPDATE placement_runs SET after_child = $3, placed = placed + $4, by_hand = by_hand + $5, failures = 0,
                  version = version + 1, lease_until = clock_timestamp() + make_interval(secs => $6)
           WHERE id = $1 AND lease_owner = $2 AND state = 'running' RETURNING 1""",
        run.id,
        owner,
        after,
        placed,
        by_hand,
        LEASE.seconds,
    )
    if not touched:
        raise LostLease(run.id)
    return msgspec.structs.replace(run, after_child=after)


async def done(tx: AsyncConnection, run: Run, owner: str, at: Any) -> tuple[int, int]:
    """Placed, by hand. Raises LostLease."""
    row = await (await driver(tx)).fetchrow(
        """UPDATE placement_runs SET state = 'done', finished_at = $3, version = version + 1, lease_owner = NULL,
                  lease_until = NULL
           WHERE id = $1 AND lease_owner = $2 AND state = 'running' RETURNING placed, by_hand""",
        run.id,
        owner,
        at,
    )
    if row is None:
        raise LostLease(run.id)
    return row["placed"], row["by_hand"]
