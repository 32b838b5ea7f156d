"""The real identity service on the real bus, and the registry's side of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import nats
from identity.app import SERVICE
from registry_world import MovingClock
from service_kit import settings
from service_kit.bus import Bus, BusError
from service_kit.clock import ZONE
from service_kit.service import inbox_prefix
from shared_contracts.decisions import Refused

PATIENCE = 90.0
"""Seconds. Identity is within this process: only what hangs takes so long. That it does not answer a test says by a fault."""


class Broken(BaseException):
    """Stands for a kill: no handler of ours catches it."""


class FaultyBus:
    """A bus that breaks off before or after a message of one kind has been answered."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.asked: list[Any] = []
        self.before: dict[type, BaseException] = {}
        self.after: dict[type, BaseException] = {}

    async def ask(self, message: Any, timeout: float = PATIENCE) -> Any:
        self.asked.append(message)
        if (fault := self.before.pop(type(message), None)) is not None:
            raise fault
        reply = await self.bus.ask(message, timeout)
        if (fault := self.after.pop(type(message), None)) is not None:
            raise fault
        return reply

    async def need(self, message: Any, timeout: float = PATIENCE) -> Any:
        reply = await self.ask(message, timeout)
        if isinstance(reply, Refused):
            raise BusError(f"refused: {reply.kind}")
        return reply


@contextlib.asynccontextmanager
async def running_identity(env: dict[str, str]) -> AsyncIterator[None]:
    """The whole service in this process until the block is left. No matcher: nobody is approved here.

    Its clock begins where the registry's stands still: by the world's, all that the registry lets wait here for an hour would
    have been over long ago, and be forgotten by the sweep that comes first.
    """
    stop, started = asyncio.Event(), asyncio.Event()
    with tempfile.NamedTemporaryFile("w", prefix="xueji-clock-") as moved:
        moved.write(str(round((MovingClock().now() - datetime.now(ZONE)).total_seconds())))
        moved.flush()
        task = asyncio.create_task(SERVICE.serve(settings.load(env | {"XUEJI_TIME_TRAVEL": moved.name}), stop, started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({task, waiting}, timeout=120, return_when=asyncio.FIRST_COMPLETED)
        assert started.is_set(), task
        try:
            yield
        finally:
            stop.set()
            await task


@contextlib.asynccontextmanager
async def registry_bus(env: dict[str, str]) -> AsyncIterator[FaultyBus]:
    client = await nats.connect(
        env["XUEJI_NATS_URL"],
        user=env["XUEJI_NATS_USER"],
        password=env["XUEJI_NATS_PASSWORD"],
        inbox_prefix=inbox_prefix("registry").encode(),
    )
    try:
        yield FaultyBus(Bus(client))
    finally:
        await client.close()
