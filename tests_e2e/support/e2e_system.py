"""The whole system as its operators run it: servers, one process a service, a province; and hands to break it with.

What starts it is what `make run` starts it with (`xueji_local.stack`), on servers of the chosen backend.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec
import nats.js.errors
from e2e_api import Answers, Api
from e2e_clock import CLOCK
from nats.aio.client import Client
from service_kit import time_travel
from service_kit.bus import Bus
from service_kit.clock import ZONE, Clock
from shared_contracts.actors import system as system_actor
from shared_contracts.identity import RevealDocuments, RevealedDocuments
from xueji_infra import declare, nats_conf
from xueji_infra.databases import database_name
from xueji_infra.topology import topology
from xueji_local import credentials, programs
from xueji_local.collector import Collector
from xueji_local.credentials import Credentials
from xueji_local.layout import Layout
from xueji_local.processes import free_port
from xueji_local.programs import SERVICES, Child, External, Program
from xueji_local.progress import Terminal
from xueji_local.running import Lock
from xueji_local.stack import Stack
from xueji_local.testing import AnyNats, AnyPostgres, running_nats, running_postgres, scratch

T = TypeVar("T")
RELAY_LOCK = 0x7865_6A69
"""The advisory lock of `service_kit.relay`: one live relay a database."""
HANGS = 180.0
"""Seconds after which something does not come any more, on the slowest machine: what is waited for is there much sooner."""
ROOMY = {"XUEJI_DATABASE_POOL": "4"}
"""All services share one small PostgreSQL."""
PATIENT = {"XUEJI_MATCHER_BUDGET_SECONDS": "60", "XUEJI_MATCHER_TIMEOUT_SECONDS": "45"}
"""identity's patience with the matcher where every answer has to come: else a busy machine alone would cost a G."""
HASTY = {
    "XUEJI_MATCHER_BUDGET_SECONDS": "3",
    "XUEJI_MATCHER_TIMEOUT_SECONDS": "2",
    "XUEJI_MATCHER_BREAKER_SECONDS": "2",
}
"""identity's patience with the matcher, short enough to be waited for."""


_AT_ONCE = 100
"""Messages of a stream that are asked for before one is there."""
_RELAYS_LOCK = """locktype = 'advisory' AND classid = 0 AND objid = $1 AND objsubid = 1
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Quiet(Terminal):
    """Nobody looks on."""

    def say(self, text: str, style: str | None = None) -> None:
        pass


class Portal:
    """An event loop in a thread of its own, for blocking code."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = HANGS) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


PORTAL = Portal()


def wait_for(ready: Callable[[], T], seconds: float, what: str, step: float = 0.05) -> T:
    """The first true value of `ready`, looked at once more when its `seconds` are over. Fails with `what`."""
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() > end
        if found := ready():
            return found
        if over:
            raise AssertionError(f"{what}: not after {seconds:g} s")
        time.sleep(step)


@dataclass(frozen=True)
class Published:
    """One message of a stream."""

    seq: int
    subject: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Backlog:
    """Messages of a consumer that are `left` to acknowledge, and how many deliveries were acknowledged so far."""

    left: int
    done: int


@dataclass
class System:
    """A running system. All of it from the main thread, but for what `Api` does."""

    stack: Stack
    postgres: AnyPostgres
    nats: AnyNats
    keys: Credentials
    collector: Collector
    answers: Answers = field(default_factory=Answers)
    _apis: dict[str, Api] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        return self.stack.layout

    # ---- who uses it ------------------------------------------------------------------------------------------------

    @property
    def gateway(self) -> str:
        return self.stack.url_of("gateway")

    def account(self, username: str) -> Api:
        """A demonstration account's way to the gateway: `xinchun.registrar`."""
        if username not in self._apis:
            found = msgspec.json.decode(self.layout.stack.read_bytes())["accounts"]
            account = next(account for account in found if account["username"] == username)
            self._apis[username] = Api(self.gateway, username, account["password"], self.answers)
        return self._apis[username]

    def anonymous(self) -> httpx.Client:
        return httpx.Client(base_url=self.gateway, timeout=HANGS, trust_env=False)

    @contextlib.contextmanager
    def found(self) -> Iterator[None]:
        """Commands that look for a running stack find this one, instead of starting another in its home."""
        lock = Lock(self.layout)
        assert lock.take(), "somebody else runs in this home"
        try:
            yield
        finally:
            lock.release()

    # ---- time -------------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        return Clock(self.layout.clock)

    def move_to(self, day: date, hour: int = 9) -> None:
        """From now on it is this day, for all of it: of a system that a test has for itself. Forward alone."""
        time_travel.move(self.layout.clock, datetime(day.year, day.month, day.day, hour, tzinfo=ZONE))
        for api in self._apis.values():
            api.forget()

    # ---- processes --------------------------------------------------------------------------------------------------

    def child(self, service: str) -> Child:
        return next(child for child in self.stack.children if child.program.name == service)

    def kill(self, service: str) -> None:
        """SIGKILL, in the middle of whatever it does. The gateway's worker is a process of its own and dies with it."""
        process = self.child(service).process
        assert process
        if service == "gateway":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def begin(self, service: str) -> None:
        """Start what was killed or stopped; `wait_ready` waits."""
        self.child(service).start()

    def wait_ready(self, service: str) -> None:
        self.child(service).wait_ready()

    def start(self, service: str) -> None:
        self.begin(service)
        self.wait_ready(service)

    def stop(self, service: str) -> None:
        self.child(service).stop()

    def restart(self, service: str) -> None:
        self.stop(service)
        self.start(service)

    def mend(self) -> None:
        """Whatever was stopped, frozen or made to fail is well again."""
        self.postgres.start()
        self.nats.start()
        for child in self.stack.children:
            if not child.alive():
                child.start()
        for child in self.stack.children:
            child.ends = 0
            child.wait_ready()
        self.matcher_faults()

    def set(self, service: str, **environment: str) -> None:
        """The service with these settings from now on; begun anew where they are others."""
        child = self.child(service)
        wanted = child.program.environment | environment
        if wanted != child.program.environment:
            self.stop(service)
            child.program = msgspec.structs.replace(child.program, environment=wanted)
            self.start(service)

    @contextlib.contextmanager
    def changed(self, service: str, **environment: str) -> Iterator[None]:
        """The service with other settings."""
        child = self.child(service)
        former = child.program
        self.stop(service)
        child.program = msgspec.structs.replace(former, environment=former.environment | environment)
        try:
            self.start(service)
            yield
        finally:
            self.stop(service)
            child.program = former
            self.start(service)

    @contextlib.contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """SIGSTOP: it holds all it has and does nothing."""
        process = self.child(service).process
        assert process
        os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)

    def log(self, service: str) -> str:
        return self.layout.log(service).read_text(errors="replace")

    def server_logs(self) -> dict[str, str]:
        """Of PostgreSQL and NATS."""
        found = {}
        for name, server in (("postgres", self.postgres), ("nats", self.nats)):
            if isinstance(log := getattr(server, "log", None), Path):
                found[name] = log.read_text(errors="replace")
            else:
                found[name] = server._docker.logs().decode(errors="replace")  # type: ignore[union-attr]
        return found

    def metric(self, service: str, name: str, **labels: str) -> float:
        """The sum of a metric's samples whose labels are these."""
        text = httpx.get(f"{self.stack.url_of(service)}/metrics", timeout=HANGS, trust_env=False).text
        total = 0.0
        for line in text.splitlines():
            if found := re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line):
                has = dict(re.findall(r'(\w+)="([^"]*)"', found[1] or ""))
                if labels.items() <= has.items():
                    total += float(found[2])
        return total

    # ---- the matcher ------------------------------------------------------------------------------------------------

    def matcher(self, method: str, path: str, body: object) -> Any:
        response = httpx.request(
            method,
            self.stack.url_of("matcher") + path,
            content=msgspec.json.encode(body),
            headers={"X-API-Key": self.keys.matcher_api_key, "Content-Type": "application/json"},
            timeout=HANGS,
            trust_env=False,
        )
        response.raise_for_status()
        return response.json()

    def matcher_faults(self, **faults: object) -> None:
        """`status=503`, `delay_ms=…`; nothing clears them (see the matcher's README)."""
        self.matcher("PUT", "/v1/faults", faults)

    # ---- databases, as the superuser --------------------------------------------------------------------------------

    def sql(self, service: str, query: str, *args: object) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            database = database_name(service) if service else "postgres"
            connection = await asyncpg.connect(self.postgres.url(database), timeout=HANGS)
            try:
                return await connection.fetch(query, *args)
            finally:
                await connection.close()

        return PORTAL.run(ask())

    def value(self, service: str, query: str, *args: object) -> Any:
        return self.sql(service, query, *args)[0][0]

    def tampered(self, service: str, statement: str, *args: object) -> None:
        """As somebody who has the whole server: past triggers and constraints."""

        async def do() -> None:
            connection = await asyncpg.connect(self.postgres.url(database_name(service)), timeout=HANGS)
            try:
                await connection.execute("SET session_replication_role = replica")
                await connection.execute(statement, *args)
            finally:
                await connection.close()

        PORTAL.run(do())

    @contextlib.contextmanager
    def held(self, service: str, statement: str) -> Iterator[None]:
        """Somebody else's transaction that has run `statement` and does not end: `LOCK TABLE registrations IN …`."""
        connection = PORTAL.run(asyncpg.connect(self.postgres.url(database_name(service)), timeout=HANGS))
        try:
            PORTAL.run(connection.execute("BEGIN"))
            PORTAL.run(connection.execute(statement))
            yield
        finally:
            PORTAL.run(connection.close())

    @contextlib.contextmanager
    def relay_held_back(self, service: str) -> Iterator[None]:
        """The service's outbox is not published: another relay than its own is the live one, and does nothing."""
        connection = PORTAL.run(asyncpg.connect(self.postgres.url(database_name(service)), timeout=HANGS))
        ours = connection.get_server_pid()

        def asked() -> bool:
            return bool(
                self.sql(service, f"SELECT 1 FROM pg_locks WHERE {_RELAYS_LOCK} AND pid = $2", RELAY_LOCK, ours)
            )

        try:
            waiting = asyncio.run_coroutine_threadsafe(
                connection.execute(f"SELECT pg_advisory_lock({RELAY_LOCK})"), PORTAL._loop
            )
            wait_for(asked, HANGS, f"nobody asks for the lock of {service}'s relay")
            # We are in the queue: whoever has it loses it to us, and asks without waiting from then on.
            holder = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {_RELAYS_LOCK} AND granted AND pid <> $2"
            self.sql(service, holder, RELAY_LOCK, ours)
            waiting.result(HANGS)
            yield
        finally:
            PORTAL.run(connection.close())

    def blocked(self, service: str, table: str = "") -> int:
        """How many statements wait for a lock in the service's database; `table`: for one of this table."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity a WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if not table:
            return int(self.value(service, waiting))
        on = " AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted AND l.relation = $1::regclass)"
        return int(self.value(service, waiting + on, table))

    def wait_blocked(self, service: str, table: str = "", seconds: float = HANGS) -> None:
        what = f"a lock of {table}" if table else "a lock"
        wait_for(lambda: self.blocked(service, table), seconds, f"nothing of {service} waits for {what}")

    # ---- the bus, as the administrator --------------------------------------------------------------------------------

    def on_bus(self, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        async def ask() -> T:
            client = await declare.connect_admin(self.nats.url, self.keys.nats_users[nats_conf.ADMIN])
            try:
                return await work(client)
            finally:
                await client.close()

        return PORTAL.run(ask())

    def revealed(self, person_ids: list[str]) -> dict[str, str]:
        """Full student numbers by person, asked of identity as a service asks it (it records the showing)."""
        command = RevealDocuments(
            command_id=str(uuid.uuid4()), actor=system_actor("e2e"), person_ids=tuple(person_ids), purpose="端到端测试"
        )

        async def ask(client: Client) -> RevealedDocuments:
            found = await Bus(client).need(command)
            assert isinstance(found, RevealedDocuments)
            return found

        return {person.person_id: person.student_number or "" for person in self.on_bus(ask).persons}

    def messages(self) -> dict[str, list[Published]]:
        """What all streams hold."""

        async def read(client: Client) -> dict[str, list[Published]]:
            js = client.jetstream(timeout=HANGS)

            async def one(name: str, seq: int) -> Published | None:
                with contextlib.suppress(nats.js.errors.NotFoundError):  # deleted
                    raw = await js.get_msg(name, seq)
                    return Published(seq, raw.subject or "", dict(raw.headers or {}), raw.data or b"")
                return None

            found: dict[str, list[Published]] = {}
            for name in topology().streams:
                state = (await js.stream_info(name)).state
                found[name] = []
                for begin in range(max(state.first_seq, 1), state.last_seq + 1, _AT_ONCE):
                    some = range(begin, min(begin + _AT_ONCE, state.last_seq + 1))
                    read = await asyncio.gather(*(one(name, seq) for seq in some))
                    found[name] += [message for message in read if message]
            return found

        return self.on_bus(read)

    def held_messages(self) -> dict[str, int]:
        """By stream, the sequence of its last message."""

        async def read(client: Client) -> dict[str, int]:
            js = client.jetstream(timeout=HANGS)
            return {name: (await js.stream_info(name)).state.last_seq for name in topology().streams}

        return self.on_bus(read)

    def backlog(self) -> dict[str, Backlog]:
        """By consumer."""

        async def read(client: Client) -> dict[str, Backlog]:
            js = client.jetstream(timeout=HANGS)
            found = {}
            for name in topology().consumers:
                info = await js.consumer_info(name.split("-")[1].upper(), name)
                left = (info.num_pending or 0) + (info.num_ack_pending or 0)
                found[name] = Backlog(left, (info.ack_floor and info.ack_floor.consumer_seq) or 0)
            return found

        return self.on_bus(read)

    def nats_store(self) -> dict[str, bytes]:
        """The files of the JetStream store as they are on disk."""
        if isinstance(folder := getattr(self.nats, "store", None), Path):
            read = {}
            for path in folder.rglob("*"):
                with contextlib.suppress(FileNotFoundError):  # it has just put another in its place
                    if path.is_file():
                        read[str(path.relative_to(folder))] = path.read_bytes()
            return read
        chunks, _ = self.nats._docker.get_archive("/data")  # type: ignore[union-attr]
        found = {}
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            for member in archive:
                if member.isfile() and (content := archive.extractfile(member)):
                    found[member.name] = content.read()
        return found

    def stored_files(self) -> list[Path]:
        return [path for path in self.layout.files.rglob("*") if path.is_file()]


@contextlib.contextmanager
def running_system(begins: datetime | None = None, **settings: Mapping[str, str]) -> Iterator[System]:
    """A fresh system on servers of its own. `settings`: by service, what its environment has besides.

    `begins`: what its clock says at the start, the common morning (`e2e_clock`) where not given.
    """
    keys = credentials.generate()
    with (
        scratch() as folder,
        Collector() as collector,
        running_postgres(keys.postgres) as postgres,
        running_nats(keys) as nats,
    ):
        layout = Layout(folder / "home")
        layout.home.mkdir(mode=0o711)
        layout.secrets.mkdir(mode=0o700)
        for name in topology().databases:
            for role in (name, f"{name}_owner"):
                keys.role(role)
        credentials.write_private(layout.credentials, msgspec.json.encode(keys))
        credentials.write_private(layout.ports, msgspec.json.encode({"gateway": free_port()}))

        def chosen(environments: dict[str, dict[str, str]], ports: dict[str, int]) -> list[Program]:
            shared = ROOMY | {"XUEJI_OTLP_ENDPOINT": collector.url}
            own = {"identity": PATIENT} | settings
            return [
                programs.service(name, environments[name] | shared | dict(own.get(name, {})), ports[name])
                for name in SERVICES
            ]

        external = External(postgres_host=postgres.host, postgres_port=postgres.port, nats_url=nats.url)
        stack = Stack(layout, Quiet(), external=external, make_programs=chosen, begins=begins or CLOCK.now())
        system = System(stack, postgres, nats, keys, collector)
        try:
            # The test servers acknowledge a commit before it is written. What is killed here must keep what it has said.
            system.sql("", "ALTER ROLE ALL SET synchronous_commit = on")
            stack.start()
            stack.announce()
            keys = msgspec.json.decode(layout.credentials.read_bytes(), type=Credentials)
            system.keys = keys
            yield system
        finally:
            for api in system._apis.values():
                api.close()
            stack.stop()
