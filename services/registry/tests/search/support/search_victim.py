"""The worker of the index of names, killed by SIGKILL at a chosen call. argv: function of `registry.search.store` or
`terms`, `before` | `after`, at which call of it. Environment: the registry's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "form" / "support"))
sys.path.insert(0, str(Path(__file__).parents[5] / "libs" / "service_kit" / "tests" / "support"))

from registry.search import store, worker
from search_world import SearchWorld


def wrap(name: str, when: str, nth: int) -> None:
    original, calls = getattr(store, name), 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if calls == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(store, name, wrapped)


async def main() -> None:
    name, when, nth = sys.argv[1:]
    store.BATCH = 10
    wrap(name, when, int(nth))
    world = SearchWorld(dict(os.environ))
    await worker.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
