"""A worker: what was interrupted between asking the registry and the commit is told to the registry as it stands."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from service_kit.bus import BusError
from service_kit.database import Database, driver
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.holds import Seat

from transfer.cases import holding
from transfer.context import Transfer

log = logging.getLogger(__name__)

PAUSE = 2.0
AFTER = timedelta(seconds=5)
"""An intent this old that nobody has locked was interrupted. A living handler has its lock."""

_NEXT = """
SELECT i.case_id, c.status, t.to_school, t.seat, t.over, t.outcome
FROM hold_intents i LEFT JOIN cases c ON c.id = i.case_id LEFT JOIN transfers t ON t.id = i.case_id
WHERE i.since < $1 ORDER BY i.since LIMIT 1 FOR UPDATE OF i SKIP LOCKED
"""

# Never waits: whoever has the case may wait for the intent that is locked here.
_CASE = "SELECT 1 FROM cases WHERE id = $1 FOR UPDATE SKIP LOCKED"


async def run(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            if await settle_one(kit.db, deps, kit):
                continue
        except BusError as error:
            log.info("the registry is told again: %s", describe(error))
        await pause(stop, PAUSE)


async def settle_one(db: Database, deps: Transfer, kit: Kit, after: timedelta = AFTER) -> bool:
    """False where nothing was left behind. Told before it is forgotten: a kill between the two tells it twice."""
    async with db.transaction() as tx:
        connection = await driver(tx)
        row = await connection.fetchrow(_NEXT, kit.clock.now() - after)
        if row is None:
            return False
        if row["status"] is not None and not await connection.fetchval(_CASE, row["case_id"]):
            return False  # somebody is at it
        under_way = row["status"] in ("open", "returned") or row["outcome"] in ("moving", "attention")
        seat = Seat(school=row["to_school"], over=row["over"]) if row["seat"] else None
        seq = await connection.fetchval("SELECT nextval('hold_seq')")
        has = await holding.settle(deps, row["case_id"], seq, seat, keep=under_way)
        if under_way and seat is not None and has is None:
            # Given up by the act that was interrupted, and somebody else's since: the authority answers for a place anew.
            await connection.execute("UPDATE transfers SET seat = false, over = false WHERE id = $1", row["case_id"])
        await connection.execute("DELETE FROM hold_intents WHERE case_id = $1", row["case_id"])
        return True
