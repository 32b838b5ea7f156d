"""An evidence worker that is killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`,
the scanner's address, how many days the clock is ahead. Environment: the registry's."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys

from kit_deadly import kill_at
from registry.evidence import worker
from registry_world import World
from service_kit.scanning import Clamd


async def main() -> None:
    target, when, address, days = sys.argv[1:]
    kill_at(target, when)
    world = World(dict(os.environ))
    world.clock.pass_(days=int(days), minutes=5)
    deps = dataclasses.replace(world.deps, scanner=Clamd(address, seconds=60))
    await worker.run(world.kit, deps, asyncio.Event())


asyncio.run(main())
