"""Wiring and nothing else."""

from __future__ import annotations

from service_kit import organisations, settings
from service_kit.service import Kit, Service

from identity import clearing, exports, matching, sweeping
from identity.context import Identity
from identity.handlers import COMMANDS, EVENTS, QUERIES
from identity.matcher import Matcher
from identity.settings import MatcherSettings
from identity.vault import Vault


async def build(kit: Kit) -> Identity:
    own = settings.read(MatcherSettings).checked()
    return Identity(
        settings=own,
        vault=Vault.from_settings(kit.settings),
        matcher=Matcher(own),
        wake_matching=kit.wake(matching.FIRST).set,
    )


SERVICE = Service(
    "identity",
    commands={**COMMANDS, **exports.COMMANDS, **clearing.COMMANDS},
    queries={**QUERIES, **clearing.QUERIES},
    events={**EVENTS, **exports.EVENTS, **clearing.EVENTS},
    build=build,
    workers=(matching.first_numbers, matching.better_answers, sweeping.worker, organisations.fill),
)
