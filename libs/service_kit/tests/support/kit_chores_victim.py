"""A worker under a lease that is killed by SIGKILL at a chosen call: run by test_leases in a process of its own.

argv: database url, which method of `Chores`, `before` | `after`, at which call of it.
"""

from __future__ import annotations

import asyncio
import sys

from kit_chores import Chores, Deps
from kit_deadly import kill_at
from kit_sandbox import FIELD_KEYS
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.service import Kit
from service_kit.settings import Settings


async def main() -> None:
    url, method, when, nth = sys.argv[1:]
    kill_at(f"kit_chores:Chores.{method}", when, int(nth))
    settings = Settings(database_url=url, field_keys=FIELD_KEYS)
    kit = Kit("registry", settings, Database.from_settings(settings, Clock(), "victim"), None, Clock())  # type: ignore[arg-type]
    await Chores().run(kit, Deps(fails=[]), asyncio.Event())


asyncio.run(main())
