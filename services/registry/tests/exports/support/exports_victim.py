"""An export worker that is killed by SIGKILL at a chosen call. argv: `module:attribute[.attribute]`, `before` | `after`,
and at which call of it. Environment: the registry's."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from exports_world import ExportsWorld
from registry.exports import making, worker


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
    making.CHUNK = 30
    wrap(target, when, int(nth))
    world = ExportsWorld.open(dict(os.environ))
    await worker.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
