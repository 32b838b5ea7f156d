"""A worker of operations that is killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` |
`after`, and at which call of it. Environment: the registry's, and PYTHONPATH with what the tests themselves import."""

from __future__ import annotations

import asyncio
import os
import sys

from kit_deadly import kill_at
from moving_world import MovingWorld
from registry.app import MOVERS
from registry.moving import batches
from registry.reorganisation import carrying


async def main() -> None:
    target, when, nth = sys.argv[1:]
    batches.SIZE, carrying.SCHOOLS = 7, 1
    kill_at(target, when, int(nth))
    world = MovingWorld(dict(os.environ))
    await MOVERS.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
