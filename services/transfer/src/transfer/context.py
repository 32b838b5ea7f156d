"""What the transfer service builds once and hands to every handler and worker."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work

OUTSIDE = 2
"""Connections of the small pool (see `Transfer.outside`)."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """`outside`: a small pool of its own, for what must be committed before the handler's own transaction is.
    `policy`: the parameters of the law, by division and day."""

    bus: Bus
    cipher: FieldCipher
    calendar: Calendar
    outside: Database
    policy: ReplicaPolicy


def assemble(kit: Kit) -> Transfer:
    small = msgspec.structs.replace(kit.settings, database_pool=OUTSIDE)
    return Transfer(
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        calendar=Calendar(),
        outside=Database.from_settings(small, kit.clock, "transfer-outside"),
        policy=ReplicaPolicy(),
    )


TransferWork = Work[Transfer]
