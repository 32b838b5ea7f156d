"""Pulling events: one durable consumer of JetStream gives its next batch as soon as something is there.

A request for one message waits at the server; when it is answered, a second one brings what has come besides, and waits for
nothing. So nobody polls an empty stream, an event is never held back, and what comes while a batch is taken is the next one.
No request is open while a batch is taken: its messages would lie here unseen, and their `ack_wait` would run.
(nats-py's `fetch` waits out its time although it holds messages, so the pull loop of FastStream polls.)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from service_kit.pausing import pause
from service_kit.telemetry import describe

log = logging.getLogger(__name__)

BATCH = 200
WAITS = 5.0
"""Seconds that a request waits at the server; one that was lost with its connection is made anew after them."""
ANSWERS = 2.0
"""Seconds in which the server has to answer a request that does not wait."""
PAUSE = 1.0
_EXPIRED = ("404", "408")  # no message: the normal end of a request


class Puller:
    """`run(stop)` for the life of the process.

    `take` applies and acknowledges a batch; what it does not acknowledge comes again after the consumer's `ack_wait`.
    `gather`: seconds in which what nobody waits for comes together behind a first message.
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        durable: str,
        take: Callable[[Sequence[Msg]], Awaitable[None]],
        *,
        gather: float = 0.0,
    ) -> None:
        self._client = client
        self._name = durable
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._take = take
        self._gather = gather
        self.asked = 0
        """Requests made so far."""
        self._complained = False
        self._look_up = asyncio.Event()

    def reconnected(self) -> None:
        """The server knows nothing of a request that was made before: it is made again."""
        self._look_up.set()

    async def run(self, stop: asyncio.Event) -> None:
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(f"{inbox}.*")
        ending = asyncio.ensure_future(self._end(stop))
        try:
            while not stop.is_set():
                try:
                    first = await self._first(subscription, inbox, stop)
                    if first is not None:
                        await self._take(await self._with_the_rest(subscription, inbox, first, stop))
                        self._complained = False
                except Exception as error:
                    # Whatever it is: a loop that ended would be a service that is deaf.
                    log.warning("%s: pulled again in %.0f s: %s", self._name, PAUSE, describe(error))
                    await pause(stop, PAUSE)
        finally:
            ending.cancel()
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _end(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._look_up.set()

    async def _first(self, subscription: Subscription, inbox: str, stop: asyncio.Event) -> Msg | None:
        """The first message of the next batch; None: there was none in time, or it is time to stop."""
        asked = await self._ask(inbox, {"batch": 1, "expires": int(WAITS * 1e9)})
        while True:
            answer = asyncio.ensure_future(subscription.next_msg(WAITS + ANSWERS))
            while not await self._answered(answer):
                if stop.is_set():
                    answer.cancel()
                    return None
                asked = await self._ask(inbox, {"batch": 1, "expires": int(WAITS * 1e9)})
            try:
                message = answer.result()
            except TimeoutError:
                return None
            status = _status(message)
            if status is None:
                return message
            if message.subject != asked:
                continue  # the end of an earlier request
            if status not in _EXPIRED:
                await self._not_there(message, status)
            return None

    async def _answered(self, answer: asyncio.Future[Msg]) -> bool:
        """False: something else has happened, which ends the waiting or has lost the request."""
        looking = asyncio.ensure_future(self._look_up.wait())
        try:
            await asyncio.wait((answer, looking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
        if not answer.done():
            self._look_up.clear()
        return answer.done()

    async def _with_the_rest(
        self, subscription: Subscription, inbox: str, first: Msg, stop: asyncio.Event
    ) -> list[Msg]:
        """What waits at the server besides, without waiting for more."""
        messages = [first]
        if self._gather:
            await pause(stop, self._gather)
        elif first.metadata.num_pending == 0:
            return messages
        asked = await self._ask(inbox, {"batch": BATCH - 1, "no_wait": True})
        while len(messages) < BATCH:
            try:
                message = await subscription.next_msg(ANSWERS)
            except TimeoutError:
                break
            if _status(message) is None:
                messages.append(message)
            elif message.subject == asked:
                break
        return messages

    async def _ask(self, inbox: str, request: dict[str, Any]) -> str:
        self.asked += 1
        reply = f"{inbox}.{self.asked}"
        await self._client.publish(self._next, json.dumps(request).encode(), reply=reply)
        return reply

    async def _not_there(self, message: Msg, status: str) -> None:
        """The consumer is not declared, or its server changes: no reason to end, none to ask without a pause."""
        if not self._complained:
            said = (message.headers or {}).get("Description", "nobody answers")
            log.warning("consumer %s: %s %s", self._name, status, said)
            self._complained = True
        await asyncio.sleep(PAUSE)


def _status(message: Msg) -> str | None:
    """The server's word instead of a message: 404, 408 (nothing there), 409, 503 (something is wrong); None: a message."""
    return (message.headers or {}).get("Status") if not message.data else None
