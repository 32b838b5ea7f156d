"""A process that counts last days anew, a case a batch, killed by SIGKILL at a chosen call. argv:
`module:attribute[.attribute]`, `before` | `after`, at which call of it. Environment: `TransferWorld.until_killed`."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

from kit_deadly import kill_at
from service_kit.policy import first_look
from transfer.cases import recounting
from transfer_world import TransferWorld


async def nobody(message: Any, timeout: float = 5.0) -> Any:
    raise AssertionError(f"nobody is to be asked: {message}")


async def main() -> None:
    target, when, nth = sys.argv[1:]
    world = TransferWorld.of_the_victim()
    world.between.ask = world.between.need = nobody  # type: ignore[method-assign]
    await first_look(world.db, world.deps.policy)
    recounting.recount = functools.partial(recounting.recount, batch=1)  # type: ignore[assignment]
    kill_at(target, when, int(nth))
    more = True
    while more:
        async with world.db.unit(world.deps) as work:
            more = await recounting.batch(work)


asyncio.run(main())
