"""Asking as a test asks: the answer counts, not how soon a busy machine gives it."""

from __future__ import annotations

from typing import Any

from service_kit.bus import Bus
from shared_contracts.messages import Command, Query

HANGS = 60.0
"""Seconds after which something hangs; reached only by a test that fails."""


class PatientBus(Bus):
    """A caller's five seconds are no promise of the service's: here only whoever names a time gives up before HANGS."""

    async def ask(self, message: Command | Query, timeout: float = HANGS) -> Any:
        return await super().ask(message, timeout)

    async def need(self, message: Command | Query, timeout: float = HANGS) -> Any:
        return await super().need(message, timeout)
