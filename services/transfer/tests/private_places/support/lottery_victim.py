"""The worker of the rounds, killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`, at
which call of it. Environment: `TransferWorld.until_killed`."""

from __future__ import annotations

import asyncio
import sys

from kit_deadly import kill_at
from lottery_world import LotteryWorld
from transfer.private_places import settling


async def main() -> None:
    target, when, nth = sys.argv[1:]
    kill_at(target, when, int(nth))
    world = LotteryWorld.of_the_victim()
    await settling.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
