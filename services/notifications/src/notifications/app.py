"""Wiring and nothing else."""

from __future__ import annotations

from service_kit.service import Kit, Service

from notifications.handlers import COMMANDS, EVENTS, QUERIES


async def build(_kit: Kit) -> None:
    """Nothing of its own yet: delivery by mail or text message comes with its channel."""


SERVICE = Service("notifications", commands=COMMANDS, queries=QUERIES, events=EVENTS, build=build)
