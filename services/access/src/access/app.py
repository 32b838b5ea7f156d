"""Wiring and nothing else."""

from __future__ import annotations

from service_kit import organisations, settings
from service_kit.service import Kit, Service

from access.context import Access, assemble
from access.settings import AccessSettings


async def build(kit: Kit) -> Access:
    own = settings.read(AccessSettings).checked()
    own.audit_seed()  # say what is wrong at the start, not at midnight
    return assemble(kit, own)


SERVICE = Service(
    "access",
    commands={},
    queries={},
    events={**organisations.EVENTS},
    build=build,
    workers=(organisations.fill,),
)
