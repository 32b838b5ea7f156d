"""What a command, a query and an event are, and how a struct finds its subject."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, get_args

import msgspec

from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with its offset; the business day is read from it in Asia/Shanghai."""


class Message(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value that crosses the bus; it shows its ids and nothing else (`discreet`).

    Subclasses that travel by themselves carry a tag `<service>.<word>`.
    """


class Command(Message, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """An act asked of one service. The same `command_id` is carried out once; a repeat gets the first reply.

    `command_id`: the client's Idempotency-Key made unique per account by the gateway, or a name derived from the work
    (a roster's chunk), never a random value made on retry.
    """

    command_id: str
    actor: Actor


class Query(Message, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """A question to one service; changes nothing."""

    actor: Actor


class Event(Message, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """A fact that happened. Carries no document number and no full student number."""


class Ok(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="ok"):
    """The reply of a command that has nothing else to say."""


def word(message: Message | type[Message]) -> str:
    """The tag of a message: `registry.open_roster`."""
    kind = message if isinstance(message, type) else type(message)
    tag = kind.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{kind.__name__} has no tag and cannot travel by itself")
    return tag


def subject(message: Message | type[Message]) -> str:
    """The NATS subject of a message: `cmd.registry.open_roster`, `qry.…`, `evt.…`."""
    kind = message if isinstance(message, type) else type(message)
    for base, prefix in ((Command, "cmd"), (Query, "qry"), (Event, "evt")):
        if issubclass(kind, base):
            return f"{prefix}.{word(kind)}"
    raise TypeError(f"{kind.__name__} is neither command nor query nor event")


def members(union: Any) -> tuple[type[Message], ...]:
    """The structs of a union type (or the one struct)."""
    return get_args(union) or (union,)


def stream(service: str) -> str:
    """The JetStream stream that holds a service's events."""
    return service.upper()


def subjects(kinds: Iterable[type[Message]]) -> list[str]:
    return [subject(kind) for kind in kinds]
