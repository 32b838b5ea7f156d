"""What the transfer service builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.policy import WAKE as POLICY_WAKE
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work

OUTSIDE = 2
"""Connections of the small pool (see `Transfer.outside`)."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """`outside`: a small pool of its own, for what must be committed before the handler's own transaction is.
    `policy`: the parameters of the law, by division and day.
    `wake_policy`: called when the registry has said that it knows something newer."""

    bus: Bus
    cipher: FieldCipher
    outside: Database
    policy: ReplicaPolicy
    wake_policy: Callable[[], None] = lambda: None

    @property
    def calendar(self) -> Calendar:
        """The statutory working days as they are known now."""
        return self.policy.calendar


def assemble(kit: Kit) -> Transfer:
    small = msgspec.structs.replace(kit.settings, database_pool=OUTSIDE)
    return Transfer(
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        outside=Database.from_settings(small, kit.clock, "transfer-outside"),
        policy=ReplicaPolicy(),
        wake_policy=kit.wake(POLICY_WAKE).set,
    )


TransferWork = Work[Transfer]
