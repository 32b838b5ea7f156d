"""The worker that dispatches notices and sends what waits, with tries that lie farther and farther apart.

A try is a lease: it is written down first, then the message goes out, then what came of it is written down. A kill in between
leaves a message that goes out again under the same id: at least once, never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime

import msgspec
from prometheus_client import Counter
from service_kit.bus import BusError
from service_kit.crypto import SealBroken
from service_kit.database import Database
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.delivery import Channel, DeliveryState

from notifications.context import Notifications
from notifications.delivery import guardians, policy, signing, store, templates
from notifications.delivery.channels import Failed
from notifications.delivery.dispatching import dispatch
from notifications.delivery.store import ToSend

log = logging.getLogger(__name__)

WAKE = "delivery"
LOOKS = 5.0
"""Seconds."""
AT_ONCE = 20
"""Messages under way at a time."""
SENT = Counter("deliveries_total", "Tries of messages", ["channel", "outcome"])


async def run(kit: Kit, deps: Notifications, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    wake = kit.wake(WAKE)
    while not stop.is_set():
        wake.clear()
        for make in (dispatch, guardians.dispatch):  # each asks another service, and waits for no other's
            try:
                while not stop.is_set() and await make(kit.db, deps):
                    pass
            except BusError as error:
                log.info("notices are sent on later: another service does not answer (%s)", describe(error))
            except Exception as error:
                log.warning("notices are sent on later: %s", describe(error))
        try:
            while not stop.is_set() and await send_some(kit.db, deps):
                pass
        except Exception as error:
            log.warning("messages: tried again later: %s", describe(error))
        await pause(stop, LOOKS, wake)


async def send_some(db: Database, deps: Notifications) -> int:
    """Messages whose time has come, together. Returns how many were tried."""
    async with db.unit(deps) as work:
        taken = await store.take(work.tx, work.now, policy.LEASE, AT_ONCE)
    await asyncio.gather(*(_try(db, deps, message, work.now) for message in taken))
    return len(taken)


async def _try(db: Database, deps: Notifications, message: ToSend, now: datetime) -> None:
    failed: Failed | None = None
    gone = message.address is None and message.url is None
    if not gone:
        try:
            await _send(deps, message, now)
        except Failed as error:
            failed = error
        except SealBroken:
            failed = Failed("保存的内容无法解开，请检查密钥", final=False)
    async with db.unit(deps) as work:
        if gone:
            SENT.labels(message.channel, "dropped").inc()
            await store.tried(work.tx, message, DeliveryState.DROPPED, problem="联系方式或接口推送已删除")
        elif failed is None:
            SENT.labels(message.channel, "sent").inc()
            await store.tried(work.tx, message, DeliveryState.SENT, sent_at=work.now)
        else:
            again = None if failed.final else policy.next_try(message.tries, work.now)
            SENT.labels(message.channel, "failed" if again else "given_up").inc()
            state = DeliveryState.WAITING if again else DeliveryState.GIVEN_UP
            await store.tried(work.tx, message, state, next_try_at=again, problem=failed.problem)
        if message.webhook_id is not None and not gone:
            await store.fails(work.tx, message.webhook_id, None if failed is None else work.now)


async def _send(deps: Notifications, message: ToSend, now: datetime) -> None:
    sealed = deps.cipher.open_bytes(message.content, store.content_context(message.id))
    content = msgspec.json.decode(sealed, type=dict[str, str])
    if message.channel == Channel.WEBHOOK:
        assert message.webhook_id is not None and message.url is not None and message.secret is not None
        secret = deps.cipher.open(message.secret, store.secret_context(message.webhook_id))
        body = webhook_body(message, content)
        headers = signing.headers(secret, message.id, now, body)
        await deps.webhooks.send(message.url, headers, body)
        return
    assert message.address is not None
    channel = deps.personal.get(Channel(message.channel))
    if channel is None:
        raise Failed("系统没有配置这个发送渠道")
    context = store.guardian_context(message.id)
    if message.account is not None:
        context = store.contact_context(message.account, message.channel)
    address = deps.cipher.open(message.address, context)
    await channel.send(message.id, address, templates.write(message.template, content))


def webhook_body(message: ToSend, content: Mapping[str, str]) -> bytes:
    """`notice_webhook/1`: what there is to know, and where to read it; no name and no number of a pupil."""
    data = {key: content[key] for key in ("notice", "kind", "title", "link", "organisation", "role")}
    return msgspec.json.encode(
        {"type": f"notice.{content['kind']}", "timestamp": message.created_at.isoformat(), "data": data}
    )
