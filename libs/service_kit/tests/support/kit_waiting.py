"""Waiting until something is so: a test that waits for so many seconds instead is right on an idle machine alone."""

from __future__ import annotations

import asyncio
from typing import Any

from kit_deadly import Sql

HANGS = 90.0
"""Seconds after which a test that waits has waited in vain, on a busy machine too."""

_WAITING = """SELECT FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock' AND backend_type = 'client backend'"""


async def waits_for_a_lock(sql: Sql, *tasks: asyncio.Future[Any]) -> None:
    """Until each of the acts has come as far as a lock that somebody else has. `sql`: of the database where they wait."""
    async with asyncio.timeout(HANGS):
        while len(await sql(_WAITING)) < len(tasks):
            for task in tasks:
                assert not task.done(), f"it should have waited: {task}"
            await asyncio.sleep(0.01)
