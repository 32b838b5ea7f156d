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
from service_kit.policy import WAKE as POLICY_WAKE
from service_kit.policy import ReplicaPolicy
from service_kit.service import Kit
from service_kit.work import Work
from shared_contracts.delivery import Channel

from notifications.delivery.channels import Personal, SmsGateway, Smtp, Webhooks
from notifications.settings import NotificationsSettings


@dataclass(frozen=True, slots=True)
class Notifications:
    """`policy`: the parameters of the law, by division and day.

    `personal`: the channels to people that this installation has. `outside`: a connection of its own, for what is counted
    although the handler refuses (a wrong code). `wake_delivery`: called after a commit that left something to be sent.
    `wake_policy`: called when the registry has said that it knows something newer.
    """

    settings: NotificationsSettings
    bus: Bus
    cipher: FieldCipher
    policy: ReplicaPolicy
    personal: Mapping[Channel, Personal]
    webhooks: Webhooks
    outside: Database
    wake_delivery: Callable[[], None]
    wake_policy: Callable[[], None] = lambda: None

    @property
    def calendar(self) -> Calendar:
        """The statutory working days as they are known now."""
        return self.policy.calendar

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
        policy=ReplicaPolicy(),
        wake_policy=kit.wake(POLICY_WAKE).set,
        personal=personal,
        webhooks=Webhooks(own, client),
        outside=Database.from_settings(small, kit.clock, "notifications-outside"),
        wake_delivery=wake_delivery,
    )


NotificationsWork = Work[Notifications]
"""Wiring of the unit of work with this service's dependencies."""
