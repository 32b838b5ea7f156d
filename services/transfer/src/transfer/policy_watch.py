"""Keeps the replica of published policy values: all of them, since Article 24 leans on sizes, terms and windows."""

from __future__ import annotations

import asyncio

from regulation.parameters import province_parameters
from service_kit.policy import follow
from service_kit.service import Kit

from transfer.context import Transfer

KEYS = tuple(one.key for one in province_parameters())


async def follow_policy(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    await follow(kit, deps.policy, KEYS, stop)
