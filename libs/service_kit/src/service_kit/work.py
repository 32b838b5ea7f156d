"""A unit of work: one transaction, the events it causes, and what to do once it is committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from opentelemetry import propagate
from shared_contracts.decisions import Refused
from shared_contracts.messages import Event, Message, subject
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.codec import encode
from service_kit.database import insert_rows
from service_kit.ids import new_id
from service_kit.tables import TABLES

D = TypeVar("D")

CommandHandler = Callable[["Work[Any]", Any], Awaitable[Message | Refused]]
QueryHandler = Callable[["Work[Any]", Any], Awaitable[Message | Refused]]
EventHandler = Callable[["Work[Any]", Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Work(Generic[D]):
    """Given to every handler. Handlers never commit: whoever opened the unit of work does.

    `tx`: a SQLAlchemy Core connection inside the transaction. `deps`: what the service built at start.
    `now`: aware, Asia/Shanghai; rules are given `today`.
    """

    tx: AsyncConnection
    deps: D
    now: datetime
    events: list[tuple[Event, str]] = field(default_factory=list)
    calls: list[Callable[[], None]] = field(default_factory=list)
    gathered: dict[Callable[[Work[Any], Sequence[Any]], Awaitable[None]], list[Any]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.date()

    def emit(self, event: Event, key: str) -> None:
        """Publish `event` once this unit of work is committed. `key`: the aggregate it is about, for readers."""
        self.events.append((event, key))

    def after_commit(self, call: Callable[[], None]) -> None:
        """Do something small after the commit (wake a worker). A kill may lose it: it must only save waiting."""
        self.calls.append(call)

    def gather(self, act: Callable[[Work[Any], Sequence[Any]], Awaitable[None]], item: Any) -> None:
        """Have `act(work, items)` called once before the commit, with all items gathered for it: set-based handlers."""
        self.gathered.setdefault(act, []).append(item)

    async def flush(self) -> None:
        """Do what was gathered, then write the events to the outbox, in one statement. Called by whoever commits."""
        for act, items in self.gathered.items():
            await act(self, items)
        if not self.events:
            return
        headers: dict[str, str] = {}
        propagate.inject(headers)  # the trace crosses the outbox in the row
        await insert_rows(self.tx, TABLES.outbox, outbox_rows(self.events, headers))


def outbox_rows(events: Sequence[tuple[Event, str]], headers: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "event_id": new_id(),
            "subject": subject(event),
            "key": key,
            "payload": encode(event),
            "headers": headers,
        }
        for event, key in events
    ]
