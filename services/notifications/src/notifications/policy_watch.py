"""Keeps the replica of published policy values: what reminders use of them (clause 24.6.4)."""

from __future__ import annotations

import asyncio

from service_kit.policy import follow
from service_kit.service import Kit

from notifications.context import Notifications

KEYS = (
    "transfer_step_working_days",
    "transfer_first_reminder_working_days",
    "transfer_last_reminder_working_days",
)


async def follow_policy(kit: Kit, deps: Notifications, stop: asyncio.Event) -> None:
    await follow(kit, deps.policy, KEYS, stop)
