"""Recording what was done and who looked (clause 45.1): every command, and every query that shows a pupil.

What an act changes and its entry are one transaction (`audit_outbox`, sent by a relay of its own). What an act only shows
is recorded before it is shown: the reply waits for JetStream's acknowledgement, and when there is none, no reply leaves.
The table of acts (`regulation.authorisation`) says which queries show pupils and where their ids stand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import nats.errors
from nats.aio.client import Client
from opentelemetry import trace
from regulation.authorisation import Act, known, table
from shared_contracts.actors import Role
from shared_contracts.audit import Audited
from shared_contracts.decisions import Refused
from shared_contracts.messages import Command, Message, Ok, Query, subject, word

from service_kit.codec import encode
from service_kit.ids import new_id
from service_kit.origin import origin

STREAM = "AUDIT"
MOST_OBJECTS = 1_000
"""Ids of one entry; `count` tells how many there were."""
ACK_SECONDS = 3.0

IN_TRANSACTION = """
INSERT INTO audit_outbox (event_id, subject, key, payload, headers) VALUES ($1, $2, $3, $4, '{}')
"""


class NotRecorded(Exception):
    """JetStream did not acknowledge the entry: what it is about must not be shown."""


class Recorder:
    """One a service. `entry` makes what is to be kept; `row` is for the transaction, `publish` for what changes nothing."""

    def __init__(self, service: str, client: Client) -> None:
        self._service = service
        self._client = client
        self._subject = f"{subject(Audited)}.{service}"

    def entry(
        self, message: Command | Query, reply: Message | Refused, now: datetime, outcome: str = ""
    ) -> Audited | None:
        """None for what is not recorded: a service acting by itself, and a query that shows no pupil."""
        actor = message.actor
        if not actor.account:
            actor = getattr(reply, "who", None) or actor  # who signs in is known once he has tried
        if actor.has(Role.SYSTEM):
            return None
        act = act_of(message)
        if act is None or not (act.personal or isinstance(message, Command)):
            return None
        shown = None if isinstance(reply, Refused | Ok) else reply  # a repeat is recorded with a bare Ok
        ids = tuple(dict.fromkeys(_ids(act.objects, message, shown)))
        span = trace.get_current_span().get_span_context()
        here = origin.get()
        return Audited(
            id=new_id(),
            at=now,
            service=self._service,
            act=act.word,
            account=actor.account,
            name=actor.name,
            organisation=actor.organisation,
            roles=tuple(actor.roles),
            outcome=outcome or _outcome(reply),
            reasons=tuple(f.code for f in reply.findings[:20]) if isinstance(reply, Refused) else (),
            objects=ids[:MOST_OBJECTS],
            count=len(ids),
            purpose=str(getattr(message, "purpose", "")),
            address=here.address,
            session=here.session,
            operation=here.operation,
            trace_id=trace.format_trace_id(span.trace_id) if span.is_valid else "",
        )

    def row(self, entry: Audited) -> tuple[str, str, str, bytes]:
        """The parameters of `IN_TRANSACTION`."""
        return entry.id, self._subject, entry.account, encode(entry)

    async def publish(self, entry: Audited) -> None:
        """Raises NotRecorded when the stream has not said that it holds the entry."""
        headers = {"Nats-Msg-Id": entry.id, "Nats-Expected-Stream": STREAM, "ce-id": entry.id}
        try:
            reply = await self._client.request(self._subject, encode(entry), timeout=ACK_SECONDS, headers=headers)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise NotRecorded(type(error).__name__) from None
        answer = json.loads(reply.data) if reply.data else {}
        if "error" in answer or "seq" not in answer:
            raise NotRecorded(str(answer.get("error", {}).get("err_code", "no acknowledgement")))


def act_of(message: Command | Query) -> Act | None:
    """The row of a message in the table of acts; for an act with steps that of its step."""
    name = word(message)
    rows = table()
    return rows.get(name) or rows.get(f"{name}/{getattr(message, 'step', '')}")


def unknown_acts(kinds: Iterable[type[Message]]) -> list[str]:
    """Commands and queries without a row: nobody has thought about who may do them."""
    return [word(kind) for kind in kinds if not known(word(kind))]


def _outcome(reply: Message | Refused) -> str:
    """Signing in answers with a problem where others refuse; a `problem` elsewhere is a text for people."""
    if isinstance(reply, Refused):
        return reply.kind
    return (getattr(reply, "problem", None) if hasattr(reply, "who") else None) or "done"


def _ids(paths: Iterable[str], message: Message, reply: Message | None) -> Iterator[str]:
    """`a|b`: what stands at a, or where nothing does, at b."""
    for alternatives in paths:
        for path in alternatives.split("|"):
            source = reply if path.startswith(">") else message
            if found := list(_at(source, path.removeprefix(">").split("."))):
                yield from found
                break


def _at(value: Any, path: list[str]) -> Iterator[str]:
    """The texts at a path; a sequence on the way is gone through."""
    if value is None:
        return
    if isinstance(value, tuple | list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield str(value)
    else:
        yield from _at(getattr(value, path[0]), path[1:])
