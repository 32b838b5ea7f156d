"""Wiring and nothing else."""

from __future__ import annotations

from service_kit.policy import first_look
from service_kit.service import Kit, Service

from notifications.context import Notifications
from notifications.notices import handlers as notices
from notifications.policy_watch import follow_policy
from notifications.worklist import handlers as worklist
from notifications.worklist import reminding


async def build(kit: Kit) -> Notifications:
    deps = Notifications()
    await first_look(kit.db, deps.policy)
    return deps


SERVICE = Service(
    "notifications",
    commands={**notices.COMMANDS},
    queries={**notices.QUERIES, **worklist.QUERIES},
    events={**notices.EVENTS, **worklist.EVENTS},
    build=build,
    workers=(follow_policy, reminding.run),
)
