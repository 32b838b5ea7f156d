"""What access builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.files import FileStore
from service_kit.policy import WAKE as POLICY_WAKE
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work

from access.accounts.passwords import Hasher
from access.settings import AccessSettings


@dataclass(frozen=True, slots=True)
class Access:
    """`outside`: a connection of its own, for what is counted although the handler refuses (a wrong password).
    `policy`: the parameters of the law, by division and day.
    `wake_policy`: called when the registry has said that it knows something newer."""

    settings: AccessSettings
    bus: Bus
    cipher: FieldCipher
    hasher: Hasher
    outside: Database
    files: FileStore
    policy: ReplicaPolicy
    wake_policy: Callable[[], None] = lambda: None

    @property
    def calendar(self) -> Calendar:
        """The statutory working days as they are known now."""
        return self.policy.calendar


def assemble(kit: Kit, own: AccessSettings) -> Access:
    small = msgspec.structs.replace(kit.settings, database_pool=1)
    return Access(
        settings=own,
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        hasher=Hasher(own.password_memory),
        outside=Database.from_settings(small, kit.clock, "access-outside"),
        files=kit.files,
        policy=ReplicaPolicy(),
        wake_policy=kit.wake(POLICY_WAKE).set,
    )


AccessWork = Work[Access]
"""Wiring of the unit of work with this service's dependencies."""
