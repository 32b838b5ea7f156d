"""Ctrl-C, SIGTERM and a closed terminal, noticed at points where it is safe to stop.

The handler only sets a flag: an exception raised from a handler may land in a finaliser, which swallows it, or between
the start of a child and the line that remembers it. Whatever waits calls `check()`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = False


class Interrupted(Exception):
    """Somebody asked us to stop."""


def listen() -> None:
    for number in SIGNALS:
        signal.signal(number, _note)


def ignore() -> None:
    """Stopping in order takes a moment and is not cut short."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _note(number: int, frame: FrameType | None) -> None:
    global _asked  # noqa: PLW0603 - there is one process
    _asked = True


def check() -> None:
    """Raise Interrupted when somebody asked us to stop."""
    if _asked:
        raise Interrupted


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, given up when somebody asks us to stop."""

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait([task], timeout=0.2)
            if _asked:
                task.cancel()
                await asyncio.wait([task])
                raise Interrupted
        return task.result()

    return asyncio.run(watched())
