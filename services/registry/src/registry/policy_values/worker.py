"""Keeps this copy's policy up to date (`live.watch`)."""

from __future__ import annotations

import asyncio

from service_kit.service import Kit

from registry.context import Registry
from registry.policy_values import live


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    await live.watch(kit, deps.policy, stop)
