"""The worker of the rounds, killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`, at
which call of it, and the moment of its clock. Environment: TRANSFER_ENV and REGISTRY_ENV, as JSON, and the
tests' own path."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime

from kit_deadly import kill_at
from lottery_world import LotteryWorld
from moving_world import MovingWorld
from transfer.private_places import settling


async def main() -> None:
    target, when, nth, moment = sys.argv[1:]
    kill_at(target, when, int(nth))
    world = LotteryWorld(json.loads(os.environ["TRANSFER_ENV"]), MovingWorld(json.loads(os.environ["REGISTRY_ENV"])))
    world.clock.moment = datetime.fromisoformat(moment)
    await settling.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
