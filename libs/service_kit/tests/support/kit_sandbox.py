"""A sandbox for the plumbing: two services out of the real contracts on real servers, with handlers made for the tests."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from kit_patience import HANGS, PatientBus
from nats.aio.client import Client
from nats.js import api
from service_kit import tables
from service_kit.bus import BusError
from service_kit.service import Kit, Service
from service_kit.settings import Settings
from shared_contracts import identity, registry
from shared_contracts.actors import system
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Ok
from xueji_local.servers import Nats, Postgres

ACTOR = system("test")
NATS_CONFIG = "jetstream { sync_interval: always }\nmax_payload: 8MB\n"
MAX_DELIVER = 3
FIELD_KEYS = "k1:" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="session")
def kit_postgres() -> Iterator[Postgres]:
    # Not under pytest's own folder: another run by root closes that to PostgreSQL's user.
    folder = Path(tempfile.mkdtemp(prefix="xueji-kit-"))
    try:
        with Postgres(folder, password="kit", fsync=False) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kit_nats(tmp_path: Path) -> Iterator[Nats]:
    with Nats(tmp_path / "nats", config=NATS_CONFIG) as server:
        yield server


async def declare(client: Client) -> None:
    """The two streams, the dead letters and one durable, as xueji_infra declares them for the stack."""
    for name, subjects in (
        ("REGISTRY", ["evt.registry.>"]),
        ("IDENTITY", ["evt.identity.>"]),
        ("AUDIT", ["evt.audit.>"]),
        ("DLQ", ["$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"]),
    ):
        body = {
            "name": name, "subjects": subjects, "storage": "file", "retention": "limits", "discard": "old",
            "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0,
            "allow_atomic": name != "DLQ", "duplicate_window": 120_000_000_000,
        }  # fmt: skip
        reply = await client.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps(body).encode())
        assert b"error" not in reply.data, reply.data
    await client.jetstream().add_consumer(
        "REGISTRY",
        api.ConsumerConfig(
            durable_name="identity-registry", ack_policy=api.AckPolicy.EXPLICIT, ack_wait=5, max_deliver=MAX_DELIVER,
            filter_subjects=["evt.registry.registrations_approved"],
        ),
    )  # fmt: skip


@dataclass
class Sandbox:
    """`registry` emits, `identity` takes; `taken` are the registration ids in the order they were applied."""

    postgres: Postgres
    nats: Nats
    databases: dict[str, str]
    client: Client
    bus: PatientBus
    calls: list[str] = field(default_factory=list)
    fail: set[str] = field(default_factory=set)

    def settings(self, name: str) -> Settings:
        return Settings(database_url=self.databases[name], nats_url=self.nats.url, field_keys=FIELD_KEYS)

    async def taken(self) -> list[str]:
        connection = await asyncpg.connect(self.databases["identity"])
        try:
            return [row["id"] for row in await connection.fetch("SELECT id FROM taken ORDER BY n")]
        finally:
            await connection.close()

    async def sql(self, name: str, statement: str, *args: Any) -> Any:
        connection = await asyncpg.connect(self.databases[name])
        try:
            return await connection.fetch(statement, *args)
        finally:
            await connection.close()

    async def ask_patiently(self, message: Any) -> Any:
        """As a client does while the bus or a service is on its way back: the same command until it is answered."""
        async with asyncio.timeout(2 * HANGS):
            while True:
                try:
                    reply = await self.bus.ask(message, timeout=5)
                except BusError:
                    await asyncio.sleep(0.2)
                    continue
                if not (isinstance(reply, Refused) and reply.kind == "unavailable"):
                    return reply
                await asyncio.sleep(0.2)

    async def wait_taken(self, ids: set[str], seconds: float = HANGS) -> list[str]:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.taken()
                if ids <= set(found):
                    return found
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def running(self, *services: Service[Any]) -> AsyncIterator[None]:
        stop, tasks = asyncio.Event(), []
        for service in services:
            started = asyncio.Event()
            task = asyncio.create_task(service.serve(self.settings(service.name), stop, started))
            tasks.append(task)
            waiting = asyncio.create_task(started.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=HANGS)
            if task.done():
                task.result()
            assert started.is_set(), f"{service.name} has not started in {HANGS} s"
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    # ---- the services of the sandbox --------------------------------------------------------------------------------

    def registry(self) -> Service[None]:
        return Service("registry", commands={registry.DecideRoster: emit_events}, queries={}, events={}, build=_nothing)

    def identity(self) -> Service[None]:
        async def drop(work: Any, command: identity.DropIntake) -> Any:
            self.calls.append(command.intake_id)
            await work.tx.exec_driver_sql(f"INSERT INTO taken (id) VALUES ('command {command.intake_id}')")
            if command.intake_id in self.fail:
                return refused("refused", "不行")
            if command.intake_id.startswith("boom"):
                raise RuntimeError("张三 230102201901011234")
            return Ok()

        async def approved(work: Any, event: registry.RegistrationsApproved) -> None:
            for one in event.approved:
                if one.registration_id in self.fail:
                    raise RuntimeError("cannot take this one")
                await work.tx.exec_driver_sql(f"INSERT INTO taken (id) VALUES ('{one.registration_id}')")

        async def find(work: Any, query: identity.FindPersons) -> identity.FoundPersons:
            if query.number == "write":
                await work.tx.exec_driver_sql("INSERT INTO taken (id) VALUES ('query')")
            return identity.FoundPersons(person_ids=("p",))

        return Service(
            "identity",
            commands={identity.DropIntake: drop},
            queries={identity.FindPersons: find},
            events={registry.RegistrationsApproved: approved},
            build=_nothing,
        )


async def emit_events(work: Any, command: registry.DecideRoster) -> registry.DecisionDone:
    """One event for each number of the range that `reason` names: `"0-500"`."""
    first, _, last = command.reason.partition("-")
    for number in range(int(first), int(last)):
        work.emit(approved_event(str(number)), key=command.roster_id)
    return registry.DecisionDone(moved=0, state=registry.RegistrationState.ENTERED)


def approved_event(registration_id: str) -> registry.RegistrationsApproved:
    one = registry.Approved(registration_id=registration_id, person_id="p")
    return registry.RegistrationsApproved(school="2123000001", roster_id=None, approved=(one,))


def emit_command(name: str, span: str) -> registry.DecideRoster:
    return registry.DecideRoster(
        command_id=name, actor=ACTOR, roster_id="r", step=registry.Step.SCHOOL, decision="approve", reason=span
    )


async def _nothing(kit: Kit) -> None:
    return None


@pytest.fixture
async def sandbox(kit_postgres: Postgres, kit_nats: Nats, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    admin = await asyncpg.connect(kit_postgres.url())
    databases = {}
    for name in ("registry", "identity"):
        database = f"kit_{name}_{abs(hash(request.node.nodeid))}"
        await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {database}")
        databases[name] = kit_postgres.url(database)
        connection = await asyncpg.connect(databases[name])
        await connection.execute(tables.DDL)
        for table in ("outbox", "audit_outbox"):
            await connection.execute(tables.OUTGOING_DDL.format(name=table))
        await connection.execute("CREATE TABLE taken (n bigint GENERATED ALWAYS AS IDENTITY, id text)")
        await connection.close()
    await admin.close()
    client = await nats.connect(kit_nats.url, max_reconnect_attempts=-1, reconnect_time_wait=0.2)
    await declare(client)
    yield Sandbox(kit_postgres, kit_nats, databases, client, PatientBus(client))
    await client.close()
