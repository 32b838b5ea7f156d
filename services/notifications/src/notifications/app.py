"""Wiring and nothing else."""

from __future__ import annotations

from service_kit import policy, settings
from service_kit.policy import first_look
from service_kit.service import Kit, Service

from notifications.context import Notifications, assemble
from notifications.delivery import guardians, sending
from notifications.delivery import handlers as delivery
from notifications.notices import handlers as notices
from notifications.policy_watch import follow_policy
from notifications.settings import NotificationsSettings
from notifications.worklist import handlers as worklist
from notifications.worklist import reminding


async def build(kit: Kit) -> Notifications:
    own = settings.read(NotificationsSettings).checked()
    deps = assemble(kit, own, kit.wake(sending.WAKE).set)
    await first_look(kit.db, deps.policy)
    return deps


SERVICE = Service(
    "notifications",
    commands={**notices.COMMANDS, **delivery.COMMANDS},
    queries={**notices.QUERIES, **worklist.QUERIES, **delivery.QUERIES},
    events={**policy.EVENTS, **notices.EVENTS, **worklist.EVENTS, **guardians.EVENTS},
    build=build,
    workers=(follow_policy, reminding.run, sending.run),
)
