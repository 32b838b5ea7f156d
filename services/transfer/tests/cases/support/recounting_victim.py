"""A process that is killed by SIGKILL at a chosen call while it counts last days anew: run by test_recounting.

argv: `module:attribute[.attribute]`, `before` | `after`, at which call, what time it is. Environment: the transfer service's.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from datetime import datetime
from typing import Any

from kit_deadly import kill_at
from service_kit import settings
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.policy import first_look
from service_kit.service import Kit
from transfer.cases import recounting
from transfer.context import assemble


class Stopped(Clock):
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class NoBus:
    async def need(self, message: Any, timeout: float = 5.0) -> Any:
        raise AssertionError(f"nobody is to be asked: {message}")


async def main() -> None:
    target, when, nth, moment = sys.argv[1:]
    environ = {key: value for key, value in os.environ.items() if key.startswith("XUEJI_")}
    loaded, clock = settings.load(environ), Stopped(datetime.fromisoformat(moment))
    db = Database.from_settings(loaded, clock, "transfer")
    deps = assemble(Kit("transfer", loaded, db, NoBus(), clock))  # type: ignore[arg-type]
    await first_look(db, deps.policy)
    recounting.recount = functools.partial(recounting.recount, batch=1)  # type: ignore[assignment]
    kill_at(target, when, int(nth))
    more = True
    while more:
        async with db.unit(deps) as work:
            more = await recounting.batch(work)


asyncio.run(main())
