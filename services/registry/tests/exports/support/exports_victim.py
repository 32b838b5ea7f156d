"""An export worker that is killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`,
and at which call of it. Environment: the registry's."""

from __future__ import annotations

import asyncio
import os
import sys

from exports_world import ExportsWorld
from kit_deadly import kill_at
from registry.exports import making, worker


async def main() -> None:
    target, when, nth = sys.argv[1:]
    making.CHUNK = 30
    kill_at(target, when, int(nth))
    world = ExportsWorld.open(dict(os.environ))
    await worker.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
