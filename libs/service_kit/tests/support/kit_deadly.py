"""A process that dies by SIGKILL at a chosen call, for tests that start one: nothing of it runs any further."""

from __future__ import annotations

import importlib
import os
import signal
from typing import Any


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
