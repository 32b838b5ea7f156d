"""Keeps this copy's policy up to date."""

from __future__ import annotations

import asyncio

from service_kit import policy
from service_kit.service import Kit

from registry.context import Registry


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    await policy.watch(kit, deps.policy, stop)
