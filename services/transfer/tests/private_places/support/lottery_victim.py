"""The worker of the rounds, killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`, at
which call of it, and the moment of its clock. Environment: TRANSFER_ENV and REGISTRY_ENV, as JSON, and the
tests' own path."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from datetime import datetime
from typing import Any

from lottery_world import LotteryWorld
from moving_world import MovingWorld
from transfer.private_places import settling


def wrap(target: str, when: str, nth: int) -> None:
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if calls == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


async def main() -> None:
    target, when, nth, moment = sys.argv[1:]
    wrap(target, when, int(nth))
    world = LotteryWorld(json.loads(os.environ["TRANSFER_ENV"]), MovingWorld(json.loads(os.environ["REGISTRY_ENV"])))
    world.clock.moment = datetime.fromisoformat(moment)
    await settling.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
