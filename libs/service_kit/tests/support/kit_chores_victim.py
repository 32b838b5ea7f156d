"""A worker under a lease that is killed by SIGKILL at a chosen call: run by test_leases in a process of its own.

argv: database url, which method of `Chores`, `before` | `after`, at which call of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from kit_chores import Chores, Deps
from kit_sandbox import FIELD_KEYS
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.service import Kit
from service_kit.settings import Settings


def deadly(method: str, when: str, nth: int) -> None:
    original = getattr(Chores, method)
    calls = 0

    async def wrapped(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args)
        if calls == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Chores, method, wrapped)


async def main() -> None:
    url, method, when, nth = sys.argv[1:]
    deadly(method, when, int(nth))
    settings = Settings(database_url=url, field_keys=FIELD_KEYS)
    kit = Kit("registry", settings, Database.from_settings(settings, Clock(), "victim"), None, Clock())  # type: ignore[arg-type]
    await Chores().run(kit, Deps(fails=[]), asyncio.Event())


asyncio.run(main())
