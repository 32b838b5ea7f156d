"""A process that acts in a case with another province and is killed by SIGKILL at a chosen call, and what comes after it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from outside_world import OutsideWorld
from shared_contracts.evidence import EvidenceGiven
from transfer.cases import settling

VICTIM = Path(__file__).parent / "outside_victim.py"
Place = tuple[str, str]
"""`module:attribute`, and whether before or after it."""


def name(place: Place) -> str:
    return f"{place[0].rpartition('.')[2]}-{place[1]}"


async def kill(
    world: OutsideWorld, act: str, thing: str, place: Place, papers: tuple[EvidenceGiven, ...] | None = None
) -> list[str]:
    """A process that does this and is killed there. `papers`: that it attaches, the office's where not given; their ids."""
    given = [one.evidence_id for one in (await world.paper() if papers is None else papers)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")}
    environment |= {"TRANSFER_ENV": json.dumps(world.env), "REGISTRY_ENV": json.dumps(world.registry.env)}
    environment |= {"EVIDENCE": json.dumps(given), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(VICTIM), act, thing, *place, "1", world.clock.now().isoformat(), env=environment
    )
    try:
        async with asyncio.timeout(150):  # it imports two services first
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    assert status == -9, "it was not killed: the place is never reached"
    async with asyncio.timeout(30):  # its rows stay locked until the server has noticed
        while await _under_way(world.sql) or await _under_way(world.registry.sql):
            await asyncio.sleep(0.05)
    return given


async def _under_way(sql: Any) -> int:
    """Transactions of others on a database."""
    (row,) = await sql(
        """SELECT count(*) AS n FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
             AND backend_type = 'client backend'"""
    )
    return int(row["n"])


async def settle(world: OutsideWorld) -> None:
    while await settling.settle_one(world.db, world.deps, world.kit, after=timedelta(seconds=-1)):
        pass
