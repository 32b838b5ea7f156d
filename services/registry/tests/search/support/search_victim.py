"""The worker of the index of names, killed by SIGKILL at a chosen call. argv: function of `registry.search.store` or
`terms`, `before` | `after`, at which call of it. Environment: the registry's."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "form" / "support"))
sys.path.insert(0, str(Path(__file__).parents[5] / "libs" / "service_kit" / "tests" / "support"))

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
