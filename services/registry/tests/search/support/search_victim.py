"""The worker of the index of names, killed by SIGKILL at a chosen call. argv: function of `registry.search.store` or
`terms`, `before` | `after`, at which call of it. Environment: the registry's."""

from __future__ import annotations

import asyncio
import os
import sys

from kit_deadly import kill_at
from registry.search import store, worker
from search_world import SearchWorld


async def main() -> None:
    name, when, nth = sys.argv[1:]
    store.BATCH = 10
    kill_at(f"registry.search.store:{name}", when, int(nth))
    world = SearchWorld(dict(os.environ))
    await worker.run(world.kit, world.deps, asyncio.Event())


asyncio.run(main())
