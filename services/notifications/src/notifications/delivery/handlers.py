"""Contacts, webhooks, and what became of messages."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from regulation.authorisation import MISSING, Target, check, target_of
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.ids import new_id
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.delivery import (
    Channel,
    ChooseTopics,
    ConfirmContact,
    Contacts,
    ContactView,
    CreateWebhook,
    DeliveryPage,
    DeliveryState,
    DeliveryView,
    EndWebhook,
    GetContacts,
    ListDeliveries,
    ListGuardianDeliveries,
    ListWebhooks,
    RemoveContact,
    RotateWebhookSecret,
    SetContact,
    Topic,
    WebhookPage,
    WebhookSecret,
    WebhookView,
)
from shared_contracts.messages import Command, Ok, Query, word
from sqlalchemy.engine import RowMapping

from notifications.context import NotificationsWork
from notifications.delivery import dispatching, policy, signing, store

ADMINISTERS = (Role.ACCOUNT_ADMIN, Role.INTEGRATION_CLIENT)


def _only_by(actor: Actor) -> str | None:
    """An integration client has to do with what it registered itself; an administrator with all of the organisation's."""
    return None if actor.has(Role.ACCOUNT_ADMIN) else actor.account


# ---- contacts -------------------------------------------------------------------------------------------------------


async def get_contacts(work: NotificationsWork, query: GetContacts) -> Contacts | Refused:
    return check(query.actor, word(query)) or await _contacts(work, query.actor)


async def set_contact(work: NotificationsWork, command: SetContact) -> Contacts | Refused:
    """The code goes out as a message like any other; until it is given back, nothing else does."""
    actor, channel = command.actor, Channel(command.channel)
    if no := check(actor, word(command)):
        return no
    if channel not in work.deps.offered:
        return refused("refused", "本系统没有开通这个渠道。可以在“消息”中查看。")
    address = command.address.strip()
    if fault := policy.address(channel, address):
        return refused("invalid", f"{fault.message}。{fault.cure}。", fault)
    if await store.count_code(work.tx, actor.account, work.now) > policy.CODES_AN_HOUR:
        return refused("conflict", f"验证码一小时内最多发送{policy.CODES_AN_HOUR}次。请稍后再试。")
    code = f"{secrets.randbelow(10**6):06d}"
    known = await store.contact(work.tx, actor.account, channel, lock=True)
    await store.put_contact(
        work.tx,
        account=actor.account,
        channel=channel,
        organisation=actor.organisation,
        roles=[str(role) for role in actor.roles],
        address=work.deps.cipher.seal(address, store.contact_context(actor.account, channel)),
        masked=policy.masked(channel, address),
        topics=known["topics"] if known else [str(topic) for topic in Topic],
        set_at=work.now,
        verified_at=None,
        code=work.deps.cipher.seal(code, _code_context(actor.account, channel)),
        code_until=work.now + policy.CODE_LIFE,
        code_tries=0,
    )
    row = dispatching.message(
        work,
        new_id(),
        channel,
        f"code_{channel}",
        {"code": code},
        account=actor.account,
        organisation=actor.organisation,
        title="验证码",
        shown_to=policy.masked(channel, address),
    )
    await store.add_deliveries(work.tx, [row])
    work.after_commit(work.deps.wake_delivery)
    return await _contacts(work, actor)


async def confirm_contact(work: NotificationsWork, command: ConfirmContact) -> Contacts | Refused:
    actor = command.actor
    if no := check(actor, word(command)):
        return no
    known = await store.contact(work.tx, actor.account, command.channel)
    if known is None:
        return refused("not_found", "还没有登记这个联系方式。请先登记。")
    if known["verified_at"] is not None:
        return await _contacts(work, actor)
    if known["code"] is None or known["code_until"] <= work.now or known["code_tries"] >= policy.CODE_TRIES:
        return refused("conflict", "验证码已失效。请重新登记，获取新的验证码。")
    wanted = work.deps.cipher.open(known["code"], _code_context(actor.account, command.channel))
    if not hmac.compare_digest(wanted.encode(), command.code.strip().encode()):
        await _count_wrong(work, actor.account, command.channel)
        return refused("invalid", "验证码不对。请核对后重新填写。")
    if not await store.prove(work.tx, actor.account, command.channel, known["code"], work.now):
        return refused("conflict", "验证码已失效。请重新登记，获取新的验证码。")
    return await _contacts(work, actor)


async def _count_wrong(work: NotificationsWork, account: str, channel: str) -> None:
    """Counted although the command is refused; the row is not locked by us, or the count would wait for ourselves."""
    async with work.deps.outside.transaction() as tx:
        await store.count_wrong_code(tx, account, channel)


async def choose_topics(work: NotificationsWork, command: ChooseTopics) -> Contacts | Refused:
    actor = command.actor
    if no := check(actor, word(command)):
        return no
    chosen = [str(topic) for topic in dict.fromkeys(command.topics)]
    if not await store.change_contact(work.tx, actor.account, command.channel, topics=chosen):
        return refused("not_found", "还没有登记这个联系方式。请先登记。")
    return await _contacts(work, actor)


async def remove_contact(work: NotificationsWork, command: RemoveContact) -> Ok | Refused:
    if no := check(command.actor, word(command)):
        return no
    await store.remove_contact(work.tx, command.actor.account, command.channel)
    return Ok()


async def _contacts(work: NotificationsWork, actor: Actor) -> Contacts:
    return Contacts(
        items=tuple(
            ContactView(
                channel=Channel(row["channel"]),
                address=row["masked"],
                verified=row["verified_at"] is not None,
                topics=tuple(Topic(topic) for topic in row["topics"]),
                set_at=row["set_at"],
            )
            for row in await store.contacts_of(work.tx, actor.account)
        ),
        offered=tuple(sorted(work.deps.offered)),
    )


def _code_context(account: str, channel: str) -> bytes:
    return f"code:{account}:{channel}".encode()


# ---- webhooks -------------------------------------------------------------------------------------------------------


async def create_webhook(work: NotificationsWork, command: CreateWebhook) -> WebhookSecret | Refused:
    actor = command.actor
    if no := check(actor, word(command), target_of(actor.organisation, None)):
        return no
    if fault := policy.webhook_url(command.url, private=bool(work.deps.settings.webhook_private)):
        return refused("invalid", f"{fault.message}。{fault.cure}。", fault)
    if not command.topics:
        return refused("invalid", "请至少选择一类消息。")
    if await store.live_webhooks(work.tx, actor.organisation) >= policy.MOST_WEBHOOKS:
        return refused("conflict", f"本单位最多登记{policy.MOST_WEBHOOKS}个接口推送。请先停止不用的。")
    secret = signing.new_secret()
    made = await store.add_webhook(
        work.tx,
        id=command.webhook_id,
        organisation=actor.organisation,
        url=command.url,
        secret=work.deps.cipher.seal(secret, store.secret_context(command.webhook_id)),
        topics=[str(topic) for topic in dict.fromkeys(command.topics)],
        created_at=work.now,
        created_by=actor.account,
    )
    if not made:
        return refused("conflict", "这个接口推送已经登记。没有看到密钥的，用“更换密钥”取得新的密钥。")
    return WebhookSecret(webhook=await _webhook(work, command.webhook_id), secret=secret)


async def rotate_webhook_secret(work: NotificationsWork, command: RotateWebhookSecret) -> WebhookSecret | Refused:
    row = await _administered(work, command)
    if isinstance(row, Refused):
        return row
    secret = signing.new_secret()
    sealed = work.deps.cipher.seal(secret, store.secret_context(row["id"]))
    await store.change_webhook(work.tx, row["id"], secret=sealed)
    return WebhookSecret(webhook=await _webhook(work, row["id"]), secret=secret)


async def end_webhook(work: NotificationsWork, command: EndWebhook) -> WebhookView | Refused:
    row = await _administered(work, command)
    if isinstance(row, Refused):
        return row
    await store.change_webhook(work.tx, row["id"], ended_at=work.now)
    return await _webhook(work, row["id"])


async def _administered(work: NotificationsWork, command: RotateWebhookSecret | EndWebhook) -> RowMapping | Refused:
    """The subscription, locked, if it is the actor's organisation's and has not ended."""
    row = await store.webhook(work.tx, command.webhook_id, lock=True)
    if no := check(command.actor, word(command), target_of(row["organisation"], None) if row else Target()):
        return no
    only_by, of = _only_by(command.actor), command.actor.organisation
    if row is None or row["organisation"] != of or only_by not in (None, row["created_by"]):
        return refused("not_found", MISSING)
    return refused("conflict", "接口推送已经停止。需要的，请重新登记。") if row["ended_at"] else row


async def list_webhooks(work: NotificationsWork, query: ListWebhooks) -> WebhookPage | Refused:
    if no := check(query.actor, word(query), target_of(query.actor.organisation, None)):
        return no
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    last = str(after[0]) if after else None
    rows = await store.webhooks_of(work.tx, query.actor.organisation, _only_by(query.actor), last, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    return WebhookPage(items=tuple(_webhook_view(row) for row in kept), next_cursor=cursor)


async def _webhook(work: NotificationsWork, webhook_id: str) -> WebhookView:
    row = await store.webhook(work.tx, webhook_id)
    assert row is not None, "it was written in this transaction"
    return _webhook_view(row)


def _webhook_view(row: RowMapping) -> WebhookView:
    return WebhookView(
        topics=tuple(Topic(topic) for topic in row["topics"]),
        **{name: row[name] for name in WebhookView.__struct_fields__ if name != "topics"},
    )


# ---- messages ---------------------------------------------------------------------------------------------------------


async def list_deliveries(work: NotificationsWork, query: ListDeliveries) -> DeliveryPage | Refused:
    actor = query.actor
    if no := check(actor, word(query)):
        return no
    before = paging.by_moment(query.cursor)
    if isinstance(before, Refused):
        return before
    limit = paging.size(query.limit)
    organisation = actor.organisation if actor.has(*ADMINISTERS) else None
    rows = await store.page(
        work.tx, actor.account, organisation, query.state, before, limit + 1, only_by=_only_by(actor)
    )
    kept, cursor = paging.page(rows, limit, lambda row: (row["created_at"].isoformat(), row["id"]))
    return DeliveryPage(items=tuple(_delivery(dict(row)) for row in kept), next_cursor=cursor)


@clause("10.2", "34.1")
async def list_guardian_deliveries(work: NotificationsWork, query: ListGuardianDeliveries) -> DeliveryPage | Refused:
    """The school's own: it is in its name that guardians are written to."""
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    rows = await store.page_of_guardians(work.tx, asked.reach.school or "", query.state, asked.after, asked.rows)
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["created_at"].isoformat(), row["id"]))
    return DeliveryPage(items=tuple(_delivery(dict(row)) for row in kept), next_cursor=cursor)


def _delivery(row: dict[str, Any]) -> DeliveryView:
    return DeliveryView(
        channel=Channel(row.pop("channel")), state=DeliveryState(row.pop("state")), to=row.pop("shown_to"), **row
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    SetContact: set_contact,
    ConfirmContact: confirm_contact,
    ChooseTopics: choose_topics,
    RemoveContact: remove_contact,
    CreateWebhook: create_webhook,
    RotateWebhookSecret: rotate_webhook_secret,
    EndWebhook: end_webhook,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetContacts: get_contacts,
    ListWebhooks: list_webhooks,
    ListDeliveries: list_deliveries,
    ListGuardianDeliveries: list_guardian_deliveries,
}
