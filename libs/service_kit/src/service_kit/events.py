"""Taking events: a batch from JetStream is one transaction, and what the inbox has seen is dropped.

An event that cannot be decoded is terminated (dead letter at once). A batch that fails is tried again event by event, so
that one bad event does not hold up its neighbours; the bad one is handed back with a growing delay, and after the
consumer's `max_deliver` it becomes a dead letter. A database that is away is nobody's fault: the batch waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from shared_contracts.messages import Event

from service_kit.clock import Clock
from service_kit.codec import Codec
from service_kit.commands import passing
from service_kit.database import Database, driver
from service_kit.telemetry import continued, describe
from service_kit.work import EventHandler, Work

log = logging.getLogger(__name__)

TAKEN = Counter("events_total", "Events from other services", ["outcome"])
_SEEN = "INSERT INTO inbox (event_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING event_id"
_DELAYS = (0.5, 1, 2, 5, 15, 30, 60)  # seconds, by delivery

Item = tuple[Msg, str, Event]


class EventTaker:
    """Applies batches with the service's EVENTS table."""

    def __init__(self, db: Database, clock: Clock, deps: Any, handlers: Mapping[type[Event], EventHandler]) -> None:
        self._db, self._clock, self._deps, self._handlers = db, clock, deps, handlers
        self._codec = Codec(handlers)

    async def take(self, messages: Sequence[Msg]) -> None:
        """Apply and acknowledge; never raises for one message's fault."""
        items: list[Item] = []
        for message in messages:
            try:
                event = self._codec.decode(message.subject, message.data)
            except (KeyError, msgspec.MsgspecError) as error:
                log.error("event on %s cannot be read: dead letter (%s)", message.subject, describe(error))
                TAKEN.labels("unreadable").inc()
                await message.term()
                continue
            items.append((message, _event_id(message), event))
        if not items:
            return
        try:
            await self._apply_patiently(items)
        except Exception as error:
            if len(items) == 1:
                await self._hand_back(items[0], error)
                return
            log.warning("a batch of %d events failed (%s): one by one", len(items), describe(error))
            for item in items:
                try:
                    await self._apply_patiently([item])
                except Exception as single:
                    await self._hand_back(item, single)

    async def _apply_patiently(self, items: Sequence[Item]) -> None:
        """Wait here while the database is away: handing back would use up deliveries that the event is not guilty of."""
        pause = 0.2
        while True:
            try:
                await self._apply(items)
                return
            except Exception as error:
                if not passing(error):
                    raise
                log.warning("%d events wait for the database: %s", len(items), describe(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
            for message, _, _ in items:
                await message.in_progress()  # the consumer's ack_wait begins anew

    async def _apply(self, items: Sequence[Item]) -> None:
        carriers = [message.headers or {} for message, _, _ in items]
        with continued(f"take {items[0][0].subject}", carriers, SpanKind.CONSUMER):
            async with self._db.unit(self._deps) as work:
                fresh = await _fresh(work, [event_id for _, event_id, _ in items])
                for _, event_id, event in items:
                    if event_id in fresh:
                        fresh.discard(event_id)  # the same event twice in one batch
                        await self._handlers[type(event)](work, event)
                        TAKEN.labels("applied").inc()
                    else:
                        TAKEN.labels("seen").inc()
        for message, _, _ in items:
            await message.ack()

    async def _hand_back(self, item: Item, error: Exception) -> None:
        message, event_id, _ = item
        tries = message.metadata.num_delivered or 1
        delay = _DELAYS[min(tries, len(_DELAYS)) - 1]
        log.error(
            "event %s on %s failed at try %d, again in %s s: %s",
            event_id, message.subject, tries, delay, describe(error), exc_info=error,
        )  # fmt: skip
        TAKEN.labels("failed").inc()
        await message.nak(delay=delay)


async def _fresh(work: Work[Any], event_ids: Sequence[str]) -> set[str]:
    rows = await (await driver(work.tx)).fetch(_SEEN, list(dict.fromkeys(event_ids)))
    return {row["event_id"] for row in rows}


def _event_id(message: Msg) -> str:
    headers = message.headers or {}
    return (
        headers.get("ce-id")
        or headers.get("Nats-Msg-Id")
        or f"{message.metadata.stream}:{message.metadata.sequence.stream}"
    )
