"""Server-Sent Events: a thing's state, sent whenever it has changed, until it is where the client wants it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

import msgspec
from litestar.response import Stream
from service_kit.bus import BusError
from shared_contracts.messages import Message

from gateway.problems import ProblemError, problem_of, to_problem

log = logging.getLogger(__name__)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Asked every `shortest` while it changes, down to every `longest` while it does not."""

    shortest: float = 0.4
    longest: float = 2.0
    heartbeat: float = 15.0


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Watch(Generic[M]):
    """`ask`: the state now. `done`: whether the stream ends with this state. `seconds`: how long at most: a stream does
    not outlive its token; the client comes back with a new one and `Last-Event-ID`. `closing`: the server goes down."""

    ask: Callable[[], Awaitable[M]]
    done: Callable[[M], bool]
    seconds: float
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    last_event_id: str = ""
    pace: Pace = PACE

    async def response(self) -> Stream:
        """The first state is asked for before the first header: a refusal is a problem with its own status."""
        first = await self.ask()
        return Stream(
            self.events(first),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def events(self, state: M) -> AsyncIterator[bytes]:
        ends, quiet_since = monotonic() + self.seconds, monotonic()
        sent, pause = self.last_event_id, self.pace.shortest
        yield b"retry: 2000\n\n"
        while True:
            data = msgspec.json.encode(state)
            event_id = hashlib.sha256(data).hexdigest()[:16]
            if event_id != sent:
                yield event("progress", data, event_id)
                sent, pause, quiet_since = event_id, self.pace.shortest, monotonic()
            if self.done(state):
                yield event("end", b"{}")
                return
            if monotonic() - quiet_since >= self.pace.heartbeat:
                yield b": heartbeat\n\n"
                quiet_since = monotonic()
            if monotonic() + pause >= ends:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), pause)
                return
            pause = min(pause * 1.5, self.pace.longest)
            try:
                state = await self.ask()
            except BusError:
                pause = self.pace.longest  # a service restarts: the stream waits for it
            except Exception as error:  # the answer has begun: a problem can only be an event of it
                problem = to_problem(error)
                if not _passing(problem):
                    yield event("problem", msgspec.json.encode(problem_of(problem)))
                    return
                pause = self.pace.longest


def _passing(problem: ProblemError) -> bool:
    return problem.kind in ("unavailable", "timeout")


def event(name: str, data: bytes, event_id: str = "") -> bytes:
    head = f"event: {name}\n" + (f"id: {event_id}\n" if event_id else "")
    return head.encode() + b"data: " + data + b"\n\n"
