"""`python -m registry rebuild-search`: have the worker go over all students again, after a change of what terms are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from service_kit import settings
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.settings import Settings

from registry.search import store

WORD = "rebuild-search"


def main(arguments: Sequence[str]) -> None:
    """Returns at once: the worker of a running service does the work, and searches are answered meanwhile."""
    if arguments:
        raise SystemExit(f"registry: {WORD} takes no arguments")
    waiting = asyncio.run(_ask(settings.load()))
    print(f"{waiting} students wait for the worker of a running registry.")  # noqa: T201 - the command's answer


async def _ask(loaded: Settings) -> int:
    db = Database.from_settings(loaded, Clock(), "registry-search")
    try:
        async with db.transaction() as tx:
            return await store.ask_all(tx)
    finally:
        await db.close()
