"""A process that is killed by SIGKILL at a chosen call: run by test_kills.

argv: what it does (`scan`, `identity`, `registry`), `module:attribute[.attribute]`, `before` | `after`, at which call.
Environment: the registry's; CLEARING_IDENTITY: identity's, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from clearing_world import ClearingWorld
from kit_deadly import kill_at
from registry.clearing.duplicates import scanning

BATCH = 2


async def main() -> None:
    does, target, when, nth = sys.argv[1:]
    registry = {key: value for key, value in os.environ.items() if key.startswith("XUEJI_")}
    world = ClearingWorld(registry, json.loads(os.environ["CLEARING_IDENTITY"]))
    kill_at(target, when, int(nth))
    if does == "scan":
        scanning.BATCH = BATCH
        while await scanning.scan_step(world.kit, world.deps):
            pass
        return
    tell, giver = (world.identity_told, "registry") if does == "identity" else (world.tell, "identity")
    (_, event) = (await world.waiting(giver))[-1]
    await tell(event)


asyncio.run(main())
