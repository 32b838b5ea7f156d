"""A process that dies by SIGKILL at a chosen call: nothing of it runs any further.

A test has a victim, a script of its own that says `kill_at` and does what is to be broken off, and a list of places. For each
it runs the victim `until_killed`, waits where it matters until the server has noticed (`let_go`), does the same again as
another copy or the client would, and looks at what is left.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Sql = Callable[[str], Awaitable[Any]]
"""Runs a statement on a database and gives its rows."""

# ---- in the victim --------------------------------------------------------------------------------------------------


def kill_at(target: str, when: str, nth: int = 1) -> None:
    """From now on this process is killed `before` or `after` the nth call of an async function.

    `target`: `module:attribute[.attribute]`. Before: the call does nothing; after: all of it is done, nobody has heard.
    """
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
        mine = calls == nth  # others may be called while this one runs
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if mine and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


# ---- in the test ----------------------------------------------------------------------------------------------------


def named(place: tuple[object, ...]) -> str:
    """The id of a test's place: the function without its module, and the rest as it stands."""
    target, *rest = map(str, place)
    return "-".join((target.rpartition(".")[2], *rest))


def around(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process with these settings: none of whoever runs the tests, and the tests' own path."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("XUEJI_")}
    return {**theirs, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **own}


async def until_killed(victim: Path, *argv: object, env: Mapping[str, str], seconds: float = 150) -> None:
    """Runs a victim until it has killed itself; any other end of it is a fault of the test.

    `seconds`: until it counts as hanging; a busy machine may take a minute over its imports alone.
    """
    process = await asyncio.create_subprocess_exec(sys.executable, str(victim), *map(str, argv), env=around(env))
    try:
        async with asyncio.timeout(seconds):
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    assert status == -signal.SIGKILL, f"it was not killed, but ended with {status}: the place is never reached"


async def let_go(*databases: Sql) -> None:
    """Until no transaction of another is under way: rows of the dead stay locked until the server has noticed, and a worker
    that comes by passes over them for so long."""
    async with asyncio.timeout(90):
        for sql in databases:
            while (await sql(UNDER_WAY))[0]["n"]:
                await asyncio.sleep(0.05)


UNDER_WAY = """SELECT count(*) AS n FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
                 AND backend_type = 'client backend'"""
