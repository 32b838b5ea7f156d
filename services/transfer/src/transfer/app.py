"""Wiring and nothing else."""

from __future__ import annotations

from service_kit import organisations, policy
from service_kit.policy import first_look
from service_kit.service import Kit, Service

from transfer.cases import expiring, following, handlers, recounting, settling
from transfer.context import Transfer, assemble
from transfer.outside import handlers as outside
from transfer.policy_watch import follow_policy
from transfer.private_places import handlers as private_places
from transfer.private_places import settling as rounds
from transfer.reports import expecting
from transfer.reports import handlers as reports


async def build(kit: Kit) -> Transfer:
    transfer = assemble(kit)
    await first_look(kit.db, transfer.policy)
    return transfer


SERVICE = Service(
    "transfer",
    commands={**handlers.COMMANDS, **outside.COMMANDS, **private_places.COMMANDS, **reports.COMMANDS},
    queries={
        **handlers.QUERIES,
        **outside.QUERIES,
        **recounting.QUERIES,
        **private_places.QUERIES,
        **reports.QUERIES,
    },
    events={**organisations.EVENTS, **following.EVENTS, **policy.EVENTS, **handlers.EVENTS},
    build=build,
    workers=(organisations.fill, follow_policy, settling.run, expiring.run, rounds.run, expecting.run, recounting.run),
)
