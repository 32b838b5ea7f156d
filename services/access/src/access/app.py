"""Wiring and nothing else."""

from __future__ import annotations

from service_kit import organisations, policy, settings
from service_kit.policy import first_look
from service_kit.service import Kit, Service

from access.accounts import ended
from access.accounts import handlers as accounts
from access.accounts import worker as dormancy
from access.appointments import handlers as appointments
from access.audit import handlers as audit
from access.clients import handlers as clients
from access.context import Access, assemble
from access.exports import handlers as exports
from access.exports import recounting, sweeping
from access.policy_watch import follow_policy
from access.sessions import handlers as sessions
from access.sessions import worker as keys
from access.settings import AccessSettings


async def build(kit: Kit) -> Access:
    own = settings.read(AccessSettings).checked()
    own.audit_seed()  # say what is wrong at the start, not at midnight
    access = assemble(kit, own)
    await first_look(kit.db, access.policy)
    return access


SERVICE = Service(
    "access",
    commands={
        **accounts.COMMANDS,
        **sessions.COMMANDS,
        **clients.COMMANDS,
        **appointments.COMMANDS,
        **audit.COMMANDS,
        **exports.COMMANDS,
    },
    queries={
        **accounts.QUERIES,
        **sessions.QUERIES,
        **clients.QUERIES,
        **appointments.QUERIES,
        **audit.QUERIES,
        **exports.QUERIES,
        **recounting.QUERIES,
    },
    events={**policy.EVENTS, **ended.EVENTS, **audit.EVENTS, **exports.EVENTS},
    build=build,
    workers=(
        organisations.fill,
        follow_policy,
        keys.run,
        dormancy.run,
        *audit.WORKERS,
        sweeping.worker,
        recounting.run,
    ),
)
