"""What access builds once and hands to every handler and worker."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.files import FileStore
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work

from access.accounts.passwords import Hasher
from access.settings import AccessSettings


@dataclass(frozen=True, slots=True)
class Access:
    """`outside`: a connection of its own, for what is counted although the handler refuses (a wrong password).
    `policy`: the parameters of the law, by division and day."""

    settings: AccessSettings
    bus: Bus
    cipher: FieldCipher
    calendar: Calendar
    hasher: Hasher
    outside: Database
    files: FileStore
    policy: ReplicaPolicy


def assemble(kit: Kit, own: AccessSettings) -> Access:
    small = msgspec.structs.replace(kit.settings, database_pool=1)
    return Access(
        settings=own,
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        calendar=Calendar(),
        hasher=Hasher(own.password_memory),
        outside=Database.from_settings(small, kit.clock, "access-outside"),
        files=kit.files,
        policy=ReplicaPolicy(),
    )


AccessWork = Work[Access]
"""Wiring of the unit of work with this service's dependencies."""
