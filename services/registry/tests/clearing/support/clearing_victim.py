"""A process that is killed by SIGKILL at a chosen call: run by test_kills.

argv: what it does (`scan`, `identity`, `registry`), `module:attribute[.attribute]`, `before` | `after`, at which call.
Environment: the registry's; CLEARING_IDENTITY: identity's, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from typing import Any

from clearing_world import ClearingWorld
from registry.clearing.duplicates import scanning

BATCH = 2


def wrap(target: str, when: str, nth: int) -> None:
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls
        if mine == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if mine == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


async def main() -> None:
    does, target, when, nth = sys.argv[1:]
    registry = {key: value for key, value in os.environ.items() if key.startswith("XUEJI_")}
    world = ClearingWorld(registry, json.loads(os.environ["CLEARING_IDENTITY"]))
    wrap(target, when, int(nth))
    if does == "scan":
        scanning.BATCH = BATCH
        while await scanning.scan_step(world.kit, world.deps):
            pass
        return
    tell, giver = (world.identity_told, "registry") if does == "identity" else (world.tell, "identity")
    (_, event) = (await world.waiting(giver))[-1]
    await tell(event)


asyncio.run(main())
