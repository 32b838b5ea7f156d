"""Wiring and nothing else."""

from __future__ import annotations

from regulation.calendar import Calendar
from service_kit import settings
from service_kit.crypto import FieldCipher
from service_kit.service import Kit, Service

from access.context import Access
from access.settings import AccessSettings


async def build(kit: Kit) -> Access:
    own = settings.read(AccessSettings)
    own.audit_seed()  # say what is wrong at the start, not at midnight
    return Access(
        settings=own, bus=kit.bus, cipher=FieldCipher.from_settings(kit.settings), calendar=Calendar()
    )


SERVICE = Service(
    "access",
    commands={},
    queries={},
    events={},
    build=build,
    workers=(),
)
