"""What the service builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import msgspec
from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work
from shared_contracts.delivery import Channel

from notifications.delivery.channels import Personal, SmsGateway, Smtp, Webhooks
from notifications.settings import NotificationsSettings


@dataclass(frozen=True, slots=True)
class Notifications:
    """`calendar`: the statutory working days. `policy`: the parameters of the law, by division and day.

    `personal`: the channels to people that this installation has. `outside`: a connection of its own, for what is counted
    although the handler refuses (a wrong code). `wake_delivery`: called after a commit that left something to be sent.
    """

    settings: NotificationsSettings
    bus: Bus
    cipher: FieldCipher
    calendar: Calendar
    policy: ReplicaPolicy
    personal: Mapping[Channel, Personal]
    webhooks: Webhooks
    outside: Database
    wake_delivery: Callable[[], None]

    @property
    def offered(self) -> frozenset[Channel]:
        """Channels that somebody may have messages by."""
        return frozenset(self.personal)


def assemble(kit: Kit, own: NotificationsSettings, wake_delivery: Callable[[], None]) -> Notifications:
    # No proxy of the environment, no cookies: what leaves goes where it says.
    client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=40, max_keepalive_connections=0))
    personal: dict[Channel, Personal] = {}
    if own.smtp_host:
        personal[Channel.EMAIL] = Smtp(own)
    if own.sms_url:
        personal[Channel.SMS] = SmsGateway(own, client)
    small = msgspec.structs.replace(kit.settings, database_pool=1)
    return Notifications(
        settings=own,
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        calendar=Calendar(),
        policy=ReplicaPolicy(),
        personal=personal,
        webhooks=Webhooks(own, client),
        outside=Database.from_settings(small, kit.clock, "notifications-outside"),
        wake_delivery=wake_delivery,
    )


NotificationsWork = Work[Notifications]
"""Wiring of the unit of work with this service's dependencies."""
