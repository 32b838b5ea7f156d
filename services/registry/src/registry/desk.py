"""What a worker works with: the service's parts, its lease (`service_kit.leases`), and how it asks identity."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from typing import Any

from service_kit import leases
from service_kit.bus import BusError, Unavailable, Unknown
from service_kit.codec import encode
from service_kit.ids import derived
from shared_contracts.decisions import Refused
from shared_contracts.messages import Command

from registry.context import Registry

log = logging.getLogger(__name__)

TRIES = 4
PAUSE = 0.3  # seconds before the second try, doubled each time
ANSWER = 30.0  # seconds that identity may take for a chunk


class Desk(leases.Desk[Registry]):
    """A worker's place in the registry."""

    async def ask(self, command: Command) -> Any:
        """A command to identity: its reply or its refusal. What may pass is tried again, with the same id.

        Raises BusError where it does not pass for now: the work is put off, nothing is lost.
        """
        pause = PAUSE
        for last in range(TRIES):
            try:
                reply = await self.deps.bus.ask(command, timeout=ANSWER)
            except (Unavailable, Unknown):
                if last == TRIES - 1:
                    raise
            else:
                if not (isinstance(reply, Refused) and reply.kind == "unavailable"):
                    return reply
                if last == TRIES - 1:
                    raise BusError("identity is not available")
            self.go_on()
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
            pause *= 2
        raise AssertionError


def command_id(act: str, roster_id: str, after: int, content: Any) -> str:
    """The same chunk with the same content is the same command, after a kill too."""
    return derived(act, roster_id, after, hashlib.sha256(encode(content)).hexdigest())
