"""From notices to messages: who wants to hear of it by which way. One transaction a page: all of a notice's messages or none.

The ids of messages are derived from notice and addressee: a page that is dispatched twice makes none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from service_kit.database import Database
from service_kit.ids import derived
from shared_contracts.access import HolderNow, HoldersNow, ListHoldersNow
from shared_contracts.actors import system
from shared_contracts.delivery import Channel
from sqlalchemy.engine import RowMapping

from notifications.context import Notifications, NotificationsWork
from notifications.delivery import policy, store, templates
from notifications.delivery.store import ToDispatch

PAGE = 200


async def dispatch(db: Database, deps: Notifications) -> int:
    """Some notices. Returns how many. Raises BusError while access is away: nothing is lost, it is tried again."""
    async with db.unit(deps) as work:
        notices = await store.to_dispatch(work.tx, work.now - policy.WAITS, PAGE)
        if not notices:
            return 0
        places = {notice.organisation for notice in notices}
        rows = await _to_people(work, notices, await store.contacts_in(work.tx, places))
        rows += _to_systems(work, notices, await store.webhooks_in(work.tx, places))
        if rows:
            await store.add_deliveries(work.tx, rows)
        await store.dispatched(work.tx, [notice.id for notice in notices], work.now)
        return len(notices)


async def _to_people(
    work: NotificationsWork, notices: Sequence[ToDispatch], contacts: Sequence[RowMapping]
) -> list[dict[str, Any]]:
    """By what the accounts are now: whoever has gone to another organisation hears nothing of the former one's."""
    if not contacts:
        return []
    names = tuple(sorted({one["account"] for one in contacts}))
    reply: HoldersNow = await work.deps.bus.need(ListHoldersNow(actor=system("notifications"), usernames=names))
    now = {one.username: one for one in reply.items}
    return [
        _row(work, notice, contact["channel"], account=contact["account"], shown_to=contact["masked"])
        for notice in notices
        for contact in contacts
        if _wants(notice, contact, now.get(contact["account"])) and contact["channel"] in work.deps.offered
    ]


def _wants(notice: ToDispatch, contact: RowMapping, holder: HolderNow | None) -> bool:
    return (
        holder is not None
        and holder.organisation == notice.organisation
        and notice.role in holder.roles
        and policy.topic(notice.kind, notice.title) in contact["topics"]
    )


def _to_systems(
    work: NotificationsWork, notices: Sequence[ToDispatch], webhooks: Sequence[RowMapping]
) -> list[dict[str, Any]]:
    return [
        _row(work, notice, Channel.WEBHOOK, webhook_id=webhook["id"], shown_to=webhook["url"])
        for notice in notices
        for webhook in webhooks
        if webhook["organisation"] == notice.organisation
        and policy.topic(notice.kind, notice.title) in webhook["topics"]
    ]


def _row(
    work: NotificationsWork,
    notice: ToDispatch,
    channel: str,
    *,
    shown_to: str,
    account: str | None = None,
    webhook_id: str | None = None,
) -> dict[str, Any]:
    id_ = derived("delivery", notice.id, channel, account or webhook_id or "")
    content = {
        "title": notice.title,
        "notice": notice.id,
        "kind": notice.kind,
        "link": notice.link,
        "organisation": notice.organisation,
        "role": notice.role,
    }
    return message(
        work,
        id_,
        channel,
        f"notice_{channel}",
        content,
        account=account,
        webhook_id=webhook_id,
        organisation=notice.organisation,
        notice_id=notice.id,
        title=notice.title,
        shown_to=shown_to,
    )


def message(
    work: NotificationsWork, id_: str, channel: str, template: str, content: dict[str, str], **values: Any
) -> dict[str, Any]:
    """A row of `deliveries`: what the template is filled with is sealed; what goes to people waits for the morning."""
    person = channel != Channel.WEBHOOK and not template.startswith("code_")
    return {
        "id": id_,
        "channel": channel,
        "template": templates.in_force(template, work.today).name,
        "content": work.deps.cipher.seal_bytes(msgspec.json.encode(content), store.content_context(id_)),
        "state": "waiting",
        "created_at": work.now,
        "next_try_at": policy.after_quiet(work.now, work.deps.settings.quiet) if person else work.now,
        "notice_id": None,
        "account": None,
        "webhook_id": None,
        "guardian_of": None,
        "address": None,
        **values,
    }
