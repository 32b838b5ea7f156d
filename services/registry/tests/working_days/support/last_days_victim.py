"""A process that is killed by SIGKILL at a chosen call while it counts the registry's last days anew, a row a transaction:
run by test_kills.

argv: `module:attribute[.attribute]`, `before` | `after`, at which call, what time it is. Environment: the registry's.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from datetime import datetime

from kit_deadly import kill_at
from registry.working_days import recounting
from registry_world import World
from service_kit.policy import first_look


async def main() -> None:
    target, when, nth, moment = sys.argv[1:]
    world = World({key: value for key, value in os.environ.items() if key.startswith("XUEJI_")})
    world.clock.moment = datetime.fromisoformat(moment)
    await first_look(world.db, world.deps.policy)
    recounting.recount = functools.partial(recounting.recount, batch=1)  # type: ignore[assignment]
    kill_at(target, when, int(nth))
    more = True
    while more:
        async with world.db.unit(world.deps) as work:
            more = await recounting.batch(work)


asyncio.run(main())
