"""A service as one object: its dispatch tables, what it builds at start, its workers. The rest is the same for all."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
import nats.errors
import nats.js.errors
from faststream.nats import NatsBroker
from faststream.nats.message import NatsMessage
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import Counter, Histogram
from shared_contracts.decisions import refused
from shared_contracts.messages import Command, Event, Query, stream, subject

from service_kit import audit, commands, origin, telemetry
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.codec import Codec, RawBody, encode
from service_kit.database import Database
from service_kit.events import EventTaker
from service_kit.files import FileStore
from service_kit.health import HealthServer
from service_kit.pausing import pause
from service_kit.pulling import Puller
from service_kit.relay import Relay
from service_kit.settings import Settings
from service_kit.telemetry import describe, span
from service_kit.work import CommandHandler, EventHandler, QueryHandler

log = logging.getLogger(__name__)
D = TypeVar("D")

CONCURRENT = 16  # commands and queries at once; the pool of connections is the real limit
GC_OBJECTS = 10_000  # new ones between two collections of the young; a chunk of 500 pupils makes some thousand
_GATHER = {"audit": 0.5}
"""Seconds in which a batch of events of a source comes together behind the first. Nobody waits for what is told to the audit
log: it is safe in its stream, and a step of the chain costs the same for one entry and for a hundred."""
ANSWERED = Counter("requests_total", "Commands and queries", ["subject", "outcome"])
SECONDS = Histogram("request_seconds", "Time to answer", ["subject"], buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60))


@dataclass(slots=True)
class Kit:
    """What a service is given at start."""

    name: str
    settings: Settings
    db: Database
    bus: Bus
    clock: Clock
    _files: FileStore | None = None
    _wakes: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    checks: dict[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict)

    @property
    def files(self) -> FileStore:
        if self._files is None:
            self._files = FileStore.from_settings(self.settings)
        return self._files

    def wake(self, name: str) -> asyncio.Event:
        """The event a worker waits on besides its timer: `work.after_commit(kit.wake("matching").set)`."""
        return self._wakes[name]


Worker = Callable[[Kit, Any, asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service(Generic[D]):
    """`build(kit)` makes the service's own dependencies; they reach every handler as `work.deps`."""

    name: str
    commands: Mapping[type[Command], CommandHandler]
    queries: Mapping[type[Query], QueryHandler]
    events: Mapping[type[Event], EventHandler]
    build: Callable[[Kit], Awaitable[D]]
    workers: Sequence[Worker] = ()

    def run(self, settings: Settings) -> None:
        """Serve until SIGTERM or SIGINT."""
        telemetry.setup(self.name, settings)
        # What has been imported stays: a full collection that walks through it again costs more than a batch of 500 pupils.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_OBJECTS, 10, 10)
        try:
            import uvloop

            uvloop.run(self._main(settings))
        finally:
            telemetry.shutdown()

    async def _main(self, settings: Settings) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self.serve(settings, stop)

    async def serve(self, settings: Settings, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
        """Serve until `stop` is set. `started` is set once the service takes requests (for tests)."""
        clock = Clock.from_settings(settings)
        db = Database.from_settings(settings, clock, self.name)
        running = _Running(self, settings, db, clock)
        try:
            await running.start(stop)
            if started:
                started.set()
            log.info("%s is up", self.name)
            await stop.wait()
        finally:
            await running.stop()
            await db.close()
            log.info("%s is down", self.name)


class _Running:
    def __init__(self, service: Service[Any], settings: Settings, db: Database, clock: Clock) -> None:
        self.service, self.settings, self.db, self.clock = service, settings, db, clock
        self.broker = make_broker(service.name, settings, self._reconnected)
        self.relays: list[Relay] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.pullers: list[Puller] = []
        self.pulls: list[asyncio.Task[None]] = []
        self.requests: set[asyncio.Task[None]] = set()
        self.slots = asyncio.Semaphore(CONCURRENT)
        self.own_stop = asyncio.Event()

    async def _reconnected(self) -> None:
        log.info("NATS is back")
        for relay in self.relays:
            relay.reconnected()
        for puller in self.pullers:
            puller.reconnected()

    async def start(self, stop: asyncio.Event) -> None:
        service = self.service
        client = await connect(self.broker)
        kit = Kit(service.name, self.settings, self.db, Bus(client), self.clock)
        deps = await service.build(kit)
        kit.checks.setdefault("database", self._database_check)
        kit.checks.setdefault("nats", self._nats_check(client))
        if missing := audit.unknown_acts([*service.commands, *service.queries]):
            raise RuntimeError(f"no row in the table of acts for {', '.join(missing)}")
        self._relay(service, client)
        recorder = audit.Recorder(service.name, client)
        self._answer(service.commands, lambda h, m: commands.once(self.db, self.clock, deps, h, m, recorder))
        self._answer(service.queries, lambda h, m: commands.ask(self.db, self.clock, deps, h, m, recorder))
        await self.broker.start()
        # The server must know our subscriptions before we say that we are up. nats-py's PING overtakes what is still
        # in its buffer: the second one cannot.
        await client.flush()
        await client.flush()
        self._take(client, EventTaker(self.db, self.clock, deps, service.events))
        for worker in service.workers:
            self._spawn(_home(worker), self._keep_running(worker, kit, deps))
        if self.settings.health_port:
            health = HealthServer(self.settings.health_host, self.settings.health_port, kit.checks)
            self._spawn("health", health.run(self.own_stop))

    def _relay(self, service: Service[Any], client: Client) -> None:
        """One relay for the service's events, one for what it tells the audit log."""
        dsn = self.settings.database_url
        if emits(service.name):
            self.relays.append(Relay(service.name, dsn, client))
        self.relays.append(Relay(service.name, dsn, client, table="audit_outbox"))
        self.db.wake_relay = self._wake_relays  # type: ignore[method-assign]
        for relay in self.relays:
            self._spawn("relay", relay.run(self.own_stop))

    def _wake_relays(self) -> None:
        for relay in self.relays:
            relay.wake()

    async def stop(self) -> None:
        """New work first, then what is under way, then the connections."""
        self.own_stop.set()
        if self.pulls:  # what has been taken is acknowledged while the bus is still there
            await asyncio.wait(self.pulls, timeout=8)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.broker.stop(), 10)
        pending = [*self.requests, *self.pulls, *self.tasks]
        if pending:
            _, late = await asyncio.wait(pending, timeout=8)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # ---- commands and queries -------------------------------------------------------------------------------------

    def _answer(self, handlers: Mapping[Any, Any], carry_out: Callable[[Any, Any], Awaitable[bytes]]) -> None:
        """One subscription a subject, all in the service's queue group; each request is a task under a semaphore."""
        codec = Codec(handlers)
        for kind, handler in handlers.items():
            to = subject(kind)
            self.broker.subscriber(to, queue=self.service.name, no_reply=True)(
                self._receiver(partial(self._respond, to=to, handler=handler, codec=codec, carry_out=carry_out))
            )

    def _receiver(
        self, respond: Callable[[Msg], Coroutine[Any, Any, None]]
    ) -> Callable[[NatsMessage], Awaitable[None]]:
        # One parameter: FastStream would spread the message over several.
        async def receive(message: NatsMessage) -> None:
            await self.slots.acquire()
            task = asyncio.create_task(respond(message.raw_message))
            self.requests.add(task)
            task.add_done_callback(self._done)

        return receive

    def _done(self, task: asyncio.Task[None]) -> None:
        self.slots.release()
        self.requests.discard(task)

    async def _respond(self, raw: Msg, *, to: str, handler: Any, codec: Codec, carry_out: Any) -> None:
        parent = propagate.extract(raw.headers or {})
        origin.origin.set(origin.extract(raw.headers))  # the task's own context: it ends with the request
        outcome = "done"
        with (
            SECONDS.labels(to).time(),
            span(to, context=parent, kind=SpanKind.SERVER) as current,
        ):
            try:
                message = codec.decode(to, raw.data)
            except msgspec.MsgspecError as error:
                ANSWERED.labels(to, "unreadable").inc()
                await self._reply(raw, encode(refused("invalid", f"请求内容不符合约定：{error}")))
                return
            try:
                reply = await carry_out(handler, message)
                if reply.startswith(b'{"type":"refused"'):
                    outcome = "refused"
            except Exception as error:
                # Nothing was committed. The caller hears it at once instead of waiting for its time-out.
                outcome = "failed"
                log.exception("%s failed: %s", to, describe(error))
                current.set_status(Status(StatusCode.ERROR, describe(error)))
                reply = encode(
                    refused("unavailable", "系统暂时无法完成此操作，什么都没有改变。请稍后用相同的请求重试。")
                )
            ANSWERED.labels(to, outcome).inc()
            await self._reply(raw, reply)

    async def _reply(self, raw: Msg, reply: bytes) -> None:
        if raw.reply:
            with contextlib.suppress(nats.errors.Error):
                await raw.respond(reply)

    # ---- events ---------------------------------------------------------------------------------------------------

    def _take(self, client: Client, taker: EventTaker) -> None:
        """One durable pull consumer a source, declared at deploy time (xueji_infra), never here."""
        for source in sorted({subject(kind).split(".")[1] for kind in self.service.events}):
            puller = Puller(
                client,
                stream(source),
                f"{self.service.name}-{source}",
                taker.take,
                gather=_GATHER.get(source, 0.0),
            )
            self.pullers.append(puller)
            self.pulls.append(asyncio.create_task(puller.run(self.own_stop), name=f"pull {source}"))

    # ---- workers, health ------------------------------------------------------------------------------------------

    def _spawn(self, name: str, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    async def _keep_running(self, worker: Worker, kit: Kit, deps: Any) -> None:
        delay = 0.5
        while not self.own_stop.is_set():
            try:
                await worker(kit, deps, self.own_stop)
                return
            except Exception as error:
                log.exception("worker %s failed, again in %.1f s: %s", _home(worker), delay, describe(error))
                await pause(self.own_stop, delay)
                delay = min(delay * 2, 15)

    async def _database_check(self) -> str | None:
        async with self.db.transaction():
            return None

    def _nats_check(self, client: Client) -> Callable[[], Awaitable[str | None]]:
        async def check() -> str | None:
            return None if client.is_connected else "not connected"

        return check


def _home(worker: Worker) -> str:
    """The module that a worker is of: a method's may be that of its base class."""
    owner = getattr(worker, "__self__", None)
    return worker.__module__ if owner is None else type(owner).__module__


def emits(service: str) -> bool:
    """Whether the service's contract declares events."""
    import importlib

    return hasattr(importlib.import_module(f"shared_contracts.{service}"), "Events")


def inbox_prefix(user: str) -> str:
    """Each NATS user has its own inboxes, so that nobody can listen to another's replies."""
    return f"_INBOX_{user}"


def make_broker(name: str, settings: Settings, reconnected: Callable[[], Awaitable[None]] | None = None) -> NatsBroker:
    async def lost() -> None:
        log.warning("NATS is away")

    async def trouble(error: Exception) -> None:
        log.warning("NATS: %s", describe(error))

    return NatsBroker(
        settings.nats_url,
        codec=RawBody(),
        apply_types=False,
        serializer=None,
        name=f"xueji-{name}",
        security=SASLPlaintext(settings.nats_user, settings.nats_password) if settings.nats_user else None,
        inbox_prefix=inbox_prefix(settings.nats_user or name),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        disconnected_cb=lost,
        reconnected_cb=reconnected,
        error_cb=trouble,
        logger=None,  # it would log bodies; what fails is logged here, without data
    )


async def connect(broker: NatsBroker) -> Client:
    """Connect, patiently: at start the bus may come up after us."""
    for attempt in range(60):
        try:
            return await broker.connect()
        except (OSError, nats.errors.Error) as error:
            if attempt == 59:
                raise
            log.warning("NATS does not answer yet: %s", describe(error))
            await asyncio.sleep(min(0.2 * (attempt + 1), 2))
    raise AssertionError
