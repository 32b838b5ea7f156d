"""A roster worker that is killed by SIGKILL at a chosen call: run by test_kills in a process of its own.

argv: `module:attribute[.attribute]`, `before` | `after`, and at which call of it. Environment: the registry's.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "form" / "support"))

from registry.rosters import checking, confirming, worker
from roster_desk import RosterDesk, StandIn

CHUNK = 3


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
        mine = calls  # another lane may call meanwhile
        if mine == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if mine == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


async def main() -> None:
    target, when, nth = sys.argv[1:]
    checking.CHUNK = confirming.CHUNK = CHUNK
    wrap(target, when, int(nth))
    desk = await RosterDesk.open(dict(os.environ), StandIn(None))  # type: ignore[arg-type]
    await worker.run(desk.kit, desk.deps, asyncio.Event())


asyncio.run(main())
