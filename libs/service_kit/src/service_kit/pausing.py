"""How a worker waits between two looks: never longer than until it has to stop."""

from __future__ import annotations

import asyncio


async def pause(stop: asyncio.Event, seconds: float, *wakes: asyncio.Event) -> None:
    """Until `stop` is set, one of `wakes` is, or the seconds are over. None of them is cleared."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, *wakes)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
