"""Asking another service: request and reply over core NATS, typed by the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nats.errors
from nats.aio.client import Client
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from shared_contracts import access, audit, exports, identity, notifications, registry, transfer
from shared_contracts.decisions import Refused
from shared_contracts.messages import Command, Message, Query, subject

from service_kit import origin
from service_kit.codec import decode_reply, encode
from service_kit.telemetry import span

REPLIES: Mapping[type[Command] | type[Query], type[Message]] = {
    **identity.REPLIES,
    **registry.REPLIES,
    **notifications.REPLIES,
    **access.REPLIES,
    **audit.REPLIES,
    **exports.REPLIES,
    **transfer.REPLIES,
}


class BusError(Exception):
    """Something between the services. The message names the subject only."""


class Unavailable(BusError):
    """Nobody answers on that subject, or there is no connection: nothing was done."""


class Unknown(BusError):
    """No answer in time: it may have been done. Repeat with the same command_id."""


class Bus:
    """`await bus.ask(GetRoster(...))` gives the reply that the contract names, or Refused."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, message: Command | Query, timeout: float = 5.0) -> Any:  # noqa: ASYNC109 - NATS' own timer
        to = subject(message)
        with span(to, kind=SpanKind.CLIENT):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            origin.inject(headers)
            if not self._client.is_connected:
                raise Unavailable(f"{to}: no connection to NATS")
            try:
                reply = await self._client.request(to, encode(message), timeout=timeout, headers=headers)
            except nats.errors.NoRespondersError:
                raise Unavailable(f"{to}: no service answers") from None
            except (nats.errors.TimeoutError, TimeoutError):
                raise Unknown(f"{to}: no answer in {timeout} s") from None
            except nats.errors.Error as error:
                raise Unavailable(f"{to}: {type(error).__name__}") from None
            return decode_reply(REPLIES[type(message)], reply.data)

    async def need(self, message: Command | Query, timeout: float = 5.0) -> Any:  # noqa: ASYNC109
        """`ask` for a worker: a refusal is an error of ours, not of a user."""
        reply = await self.ask(message, timeout)
        if isinstance(reply, Refused):
            raise BusError(f"{subject(message)} refused: {reply.kind}")
        return reply
