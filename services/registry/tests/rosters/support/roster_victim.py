"""A roster worker that is killed by SIGKILL at a chosen call: run by test_kills in a process of its own.

argv: `module:attribute[.attribute]`, `before` | `after`, and at which call of it. Environment: the registry's.
"""

from __future__ import annotations

import asyncio
import os
import sys

from kit_deadly import kill_at
from registry.rosters import checking, confirming, worker
from roster_desk import RosterDesk, StandIn

CHUNK = 3


async def main() -> None:
    target, when, nth = sys.argv[1:]
    checking.CHUNK = confirming.CHUNK = CHUNK
    kill_at(target, when, int(nth))
    desk = await RosterDesk.open(dict(os.environ), StandIn(None))  # type: ignore[arg-type]
    await worker.run(desk.kit, desk.deps, asyncio.Event())


asyncio.run(main())
