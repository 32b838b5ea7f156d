"""A worker of operations that is killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` |
`after`, and at which call of it. Environment: the registry's, and PYTHONPATH with what the tests themselves import."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from typing import Any

from moving_world import MovingWorld
from registry.app import MOVERS
from registry.moving import batches
from registry.reorganisation import carrying


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
    target, when, nth = sys.argv[1:]
    batches.SIZE, carrying.SCHOOLS = 7, 1
    wrap(target, when, int(nth))
    world = MovingWorld(dict(os.environ))
    await MOVERS.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
