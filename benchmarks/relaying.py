"""Events per second from the outbox to JetStream: our relay (atomic batches) against `publish_async`, on one server.

Both write to the same NATS with the configuration of the stack (`sync_interval: always`: an acknowledged event is on the
disk); it is a second server, since the stack's own services would take the events. The relay also reads them from
PostgreSQL (fsync on) and marks them as published there; `publish_async` sends from memory and only counts the
acknowledgements: the comparison favours it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import asyncpg
import msgspec
import nats
import uvloop
from measuring import SUPERUSER_DATABASE, Servers
from nats.aio.client import Client
from service_kit.codec import encode
from service_kit.ids import new_id
from service_kit.relay import Relay
from service_kit.tables import OUTGOING_DDL, TABLES
from service_kit.work import outbox_rows
from shared_contracts.identity import Issued, NumberKind, NumbersIssued, Verification
from shared_contracts.messages import subject
from xueji_infra import declare, nats_conf
from xueji_local.servers import Nats

EVENTS = 10_000
IN_FLIGHT = 500
SERVICE = "identity"
_DATABASE = "bench_outbox"


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the rounds, events per second. `size`: bytes of one event."""

    relay: float
    publish_async: float
    events: int
    size: int

    @property
    def ratio(self) -> float:
        return self.relay / self.publish_async


def compare(servers: Servers, folder: Path, rounds: int) -> Rates:
    """Alternate the two, `rounds` times each. `folder`: for the server's files, on the disk that is to be measured."""
    passwords = servers.credentials.nats_users
    with Nats(folder, config=nats_conf.render(passwords)) as server:
        return uvloop.run(_compare(servers, server.url, rounds))


async def _compare(servers: Servers, nats_url: str, rounds: int) -> Rates:
    passwords = servers.credentials.nats_users
    admin = await declare.connect_admin(nats_url, passwords[nats_conf.ADMIN])
    await declare.declare(admin)
    await admin.close()
    database = await _outbox(servers)
    client = await nats.connect(
        nats_url, user=SERVICE, password=passwords[SERVICE], inbox_prefix=nats_conf.inbox_prefix(SERVICE).encode()
    )
    connection = await asyncpg.connect(database)
    relayed, sent = [], []
    try:
        for _ in range(rounds):
            relayed.append(await _relay(Relay(SERVICE, database, client), connection, _events()))
            sent.append(await _publish_async(client, _events()))
    finally:
        await connection.close()
        await client.close()
    return Rates(relay=median(relayed), publish_async=median(sent), events=EVENTS, size=len(encode(_event())))


async def _outbox(servers: Servers) -> str:
    """A database with an outbox of its own. Returns its address."""
    admin = await asyncpg.connect(servers.postgres_url(SUPERUSER_DATABASE))
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await admin.close()
    url = servers.postgres_url(_DATABASE)
    inside = await asyncpg.connect(url)
    try:
        await inside.execute(OUTGOING_DDL.format(name=TABLES.outbox.name))
    finally:
        await inside.close()
    return url


def _event() -> NumbersIssued:
    one = Issued(
        person_id=new_id(),
        registration_id=new_id(),
        kind=NumberKind.G,
        masked="G230103********0011",
        verification=Verification.MATCHED,
    )
    return NumbersIssued(numbers=(one,), issued_at=datetime.now(UTC))


def _events() -> list[NumbersIssued]:
    return [_event() for _ in range(EVENTS)]


async def _relay(
    relay: Relay, connection: asyncpg.Connection[asyncpg.Record], events: Sequence[NumbersIssued]
) -> float:
    """Events per second from a filled outbox to marked rows."""
    rows = outbox_rows([(event, "bench") for event in events], {})
    await connection.execute(
        f"INSERT INTO {TABLES.outbox.name} (event_id, subject, key, payload, headers) "
        "SELECT i, s, k, p, '{}' FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) AS t(i, s, k, p)",
        *([row[column] for row in rows] for column in ("event_id", "subject", "key", "payload")),
    )
    begun = time.perf_counter()
    published = 0
    while count := await relay.publish_waiting(connection):
        published += count
    seconds = time.perf_counter() - begun
    if published != len(events):
        raise RuntimeError(f"the relay published {published} of {len(events)} events")
    return published / seconds


async def _publish_async(client: Client, events: Sequence[NumbersIssued]) -> float:
    """Events per second, IN_FLIGHT without an answer at most, every one acknowledged."""
    js = client.jetstream(publish_async_max_pending=IN_FLIGHT)
    to = subject(NumbersIssued)
    payloads = [(encode(event), new_id()) for event in events]
    begun = time.perf_counter()
    acknowledgements = [
        await js.publish_async(to, payload, headers={"Nats-Msg-Id": event_id}) for payload, event_id in payloads
    ]
    await asyncio.gather(*acknowledgements)
    return len(events) / (time.perf_counter() - begun)
