"""Keeps the replica of published policy values: what access uses of them (clauses 29, 43, 45)."""

from __future__ import annotations

import asyncio

from regulation.parameters import province_parameters
from service_kit.policy import follow
from service_kit.service import Kit

from access.context import Access

KEYS = tuple(one.key for one in province_parameters() if one.clause.startswith("45.") or one.key == "school_year_start")
"""All of clause 45, and where a registrar's year begins."""


async def follow_policy(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    await follow(kit, deps.policy, KEYS, stop)
