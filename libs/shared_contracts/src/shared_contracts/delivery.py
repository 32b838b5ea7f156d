"""Notices by e-mail, text message and webhook: contacts that an account has proved, subscriptions of other systems, and what
became of each message.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from shared_contracts.messages import Command, Message, Moment, Ok, Query


class Channel(StrEnum):
    EMAIL = "email"  # 电子邮件
    SMS = "sms"  # 短信
    WEBHOOK = "webhook"  # 接口推送


Personal = Literal["email", "sms"]
"""Channels to a person; a webhook is another system's."""


class Topic(StrEnum):
    """What somebody may want to hear of by a channel, or not."""

    WORK = "work"  # 有新的待办
    REMINDER = "reminder"  # 催办、督办
    RESULT = "result"  # 办理结果和其他


class DeliveryState(StrEnum):
    WAITING = "waiting"  # 待发送 (first try, or after a failure: `next_try_at`)
    SENT = "sent"  # 已发送: the channel has taken it
    GIVEN_UP = "given_up"  # 多次失败，已停止
    DROPPED = "dropped"  # 不再发送: the contact or the subscription has gone meanwhile


class ContactView(Message, frozen=True, kw_only=True, gc=False):
    """`address`: masked. `topics`: what comes by it. Nothing comes before it is `verified`."""

    channel: Channel
    address: str
    verified: bool
    topics: tuple[Topic, ...]
    set_at: Moment


class Contacts(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.contacts_view"):
    """`offered`: channels that this installation has."""

    items: tuple[ContactView, ...]
    offered: tuple[Channel, ...]


class WebhookView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.webhook_view"):
    """`failing_since`: of the first message in a row that could not be delivered."""

    id: str
    organisation: str
    url: str
    topics: tuple[Topic, ...]
    created_at: Moment
    created_by: str
    failing_since: Moment | None = None
    ended_at: Moment | None = None


class WebhookPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.webhook_page"):
    items: tuple[WebhookView, ...]
    next_cursor: str | None = None


class WebhookSecret(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.webhook_secret"):
    """`secret`: `whsec_…`, shown once: with it the receiver checks `webhook-signature` (Standard Webhooks)."""

    webhook: WebhookView
    secret: str


class DeliveryView(Message, frozen=True, kw_only=True, gc=False):
    """One message. `to`: a masked address, or the subscription's URL. `template`: what it was written with,
    `"notice_email/1"`. `problem`: why the last try failed. `guardian_of`: the student, or the admission of a child who has no
    record yet, whose guardian it goes to; empty for messages to accounts and systems."""

    id: str
    channel: Channel
    to: str
    title: str
    template: str
    state: DeliveryState
    tries: int
    created_at: Moment
    next_try_at: Moment | None
    sent_at: Moment | None
    problem: str
    guardian_of: str = ""


class DeliveryPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.delivery_page"):
    items: tuple[DeliveryView, ...]
    next_cursor: str | None = None


class SetContact(Command, frozen=True, kw_only=True, gc=False, tag="notifications.set_contact"):
    """The own address for a channel; a code is sent to it that proves it. Replaces the one before. Reply: Contacts."""

    kept: ClassVar[bool] = False
    channel: Personal
    address: str


class ConfirmContact(Command, frozen=True, kw_only=True, gc=False, tag="notifications.confirm_contact"):
    """Reply: Contacts."""

    kept: ClassVar[bool] = False
    channel: Personal
    code: str


class ChooseTopics(Command, frozen=True, kw_only=True, gc=False, tag="notifications.choose_topics"):
    """What comes by a channel; none: nothing does. Reply: Contacts."""

    channel: Personal
    topics: tuple[Topic, ...]


class RemoveContact(Command, frozen=True, kw_only=True, gc=False, tag="notifications.remove_contact"):
    """Reply: Ok, also where there is none."""

    channel: Personal


class CreateWebhook(Command, frozen=True, kw_only=True, gc=False, tag="notifications.create_webhook"):
    """Notices of the actor's organisation are sent to `url`. Reply: WebhookSecret."""

    kept: ClassVar[bool] = False
    webhook_id: str
    url: str
    topics: tuple[Topic, ...]


class RotateWebhookSecret(Command, frozen=True, kw_only=True, gc=False, tag="notifications.rotate_webhook_secret"):
    """The old one ends at once. Reply: WebhookSecret."""

    kept: ClassVar[bool] = False
    webhook_id: str


class EndWebhook(Command, frozen=True, kw_only=True, gc=False, tag="notifications.end_webhook"):
    """Reply: WebhookView."""

    webhook_id: str


class GetContacts(Query, frozen=True, kw_only=True, gc=False, tag="notifications.contacts"):
    """The own ones. Reply: Contacts."""


class ListWebhooks(Query, frozen=True, kw_only=True, gc=False, tag="notifications.webhooks"):
    """Those of the actor's organisation; an integration client sees those that it registered. Reply: WebhookPage."""

    cursor: str | None = None
    limit: int = 50


class ListDeliveries(Query, frozen=True, kw_only=True, gc=False, tag="notifications.deliveries"):
    """Messages to the account itself; for account administrators and integration clients those to the organisation's
    subscriptions, too. Newest first. Reply: DeliveryPage."""

    state: DeliveryState | None = None
    cursor: str | None = None
    limit: int = 50


class ListGuardianDeliveries(Query, frozen=True, kw_only=True, gc=False, tag="notifications.guardian_deliveries"):
    """Text messages to guardians (10.2, 34.1) in the name of the actor's school: who was written to, and what came of it.
    Newest first. Reply: DeliveryPage."""

    state: DeliveryState | None = None
    cursor: str | None = None
    limit: int = 50


Commands = SetContact | ConfirmContact | ChooseTopics | RemoveContact | CreateWebhook | RotateWebhookSecret | EndWebhook
Queries = GetContacts | ListWebhooks | ListDeliveries | ListGuardianDeliveries
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SetContact: Contacts,
    ConfirmContact: Contacts,
    ChooseTopics: Contacts,
    RemoveContact: Ok,
    CreateWebhook: WebhookSecret,
    RotateWebhookSecret: WebhookSecret,
    EndWebhook: WebhookView,
    GetContacts: Contacts,
    ListWebhooks: WebhookPage,
    ListDeliveries: DeliveryPage,
    ListGuardianDeliveries: DeliveryPage,
}
