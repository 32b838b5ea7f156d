"""Over the real NATS: the questions arrive, the trace with them; what nobody answers is told apart from what is late."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from gateway.app import make_app
from gateway.backend import LateBus
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway_support import REGISTRAR, SESSION, key, roster_view, running, token_state
from nats.aio.client import Client
from nats.aio.msg import Msg
from service_kit.clock import Clock
from service_kit.codec import encode
from service_kit.files import FileStore
from service_kit.origin import extract
from service_kit.service import connect, make_broker
from service_kit.settings import read
from shared_contracts.registry import ConfirmRoster, GetRoster

pytestmark = pytest.mark.integration
ServiceEnv = Callable[..., Awaitable[dict[str, str]]]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@contextlib.asynccontextmanager
async def on_the_bus(environment: dict[str, str]) -> AsyncIterator[Client]:
    settings = read(GatewaySettings, environment)
    broker = make_broker(settings.nats_user, settings)
    client = await connect(broker)
    try:
        yield client
    finally:
        await broker.stop()


@pytest_asyncio.fixture
async def registry(service_env: ServiceEnv) -> AsyncIterator[Client]:
    """A connection as the registry, which alone may answer for it."""
    async with on_the_bus(await service_env("registry", migrated=False)) as client:
        yield client


@pytest_asyncio.fixture
async def access(service_env: ServiceEnv) -> AsyncIterator[Client]:
    """A connection as the access service, which tells the keys."""

    async def tell(message: Msg) -> None:
        await message.respond(encode(token_state()))

    async with on_the_bus(await service_env("access", migrated=False)) as client:
        await client.subscribe("qry.access.token_state", cb=tell)
        await client.flush()
        yield client


@pytest_asyncio.fixture
async def gateway(service_env: ServiceEnv, access: Client, files: FileStore) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway as its own NATS user, with half a second of patience; not signed in."""
    environment = await service_env("gateway", XUEJI_ANSWER_SECONDS="0.5")
    loaded = read(GatewaySettings, environment)
    late = LateBus()
    app = make_app(loaded, bus=late, files=files, clock=Clock())
    async with on_the_bus(environment) as client:
        late.connected(client)
        transport = httpx.ASGITransport(app=Edge(app))  # type: ignore[arg-type]
        async with running(app), httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield http


@pytest.fixture
def signed_in(gateway: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    gateway.headers["Authorization"] = f"Bearer {token}"
    return gateway


async def test_a_query_arrives_with_its_actor_and_its_trace_and_the_answer_comes_back(
    signed_in: httpx.AsyncClient, registry: Client
) -> None:
    asked: list[Msg] = []

    async def answer(message: Msg) -> None:
        asked.append(message)
        await message.respond(encode(roster_view("r1", version=7)))

    await registry.subscribe("qry.registry.roster", cb=answer)
    await registry.flush()
    traceparent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    reply = await signed_in.get("/v1/rosters/r1", headers=traceparent)
    assert (reply.status_code, reply.headers["ETag"]) == (200, '"7"')
    query = msgspec.json.decode(asked[0].data, type=GetRoster)
    assert (query.roster_id, query.actor.account) == ("r1", REGISTRAR)
    assert asked[0].headers
    assert TRACE in asked[0].headers["traceparent"]


async def test_nobody_there_is_503_at_once(signed_in: httpx.AsyncClient) -> None:
    began = asyncio.get_running_loop().time()
    reply = await signed_in.post("/v1/rosters/r1/confirmation", headers=key())
    assert reply.status_code == 503
    assert asyncio.get_running_loop().time() - began < 0.4, "told by NATS, not by waiting"


async def test_somebody_who_does_not_answer_is_504_and_the_same_key_finds_the_outcome(
    signed_in: httpx.AsyncClient, registry: Client
) -> None:
    done: dict[str, bytes] = {}

    async def confirm(message: Msg) -> None:
        command = msgspec.json.decode(message.data, type=ConfirmRoster)
        if command.command_id not in done:
            done[command.command_id] = encode(roster_view(version=len(done) + 1))
            return  # carried out, but the answer is lost
        await message.respond(done[command.command_id])

    await registry.subscribe("cmd.registry.confirm_roster", cb=confirm)
    await registry.flush()
    lost = await signed_in.post("/v1/rosters/r1/confirmation", headers=key())
    assert (lost.status_code, lost.json()["type"]) == (504, "urn:xueji:problem:unknown_outcome")
    again = await signed_in.post("/v1/rosters/r1/confirmation", headers=key())
    assert (again.status_code, again.headers["ETag"]) == (202, '"1"')
    assert len(done) == 1


async def test_an_unreadable_answer_is_an_error_of_ours(signed_in: httpx.AsyncClient, registry: Client) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(b'{"type": "registry.roster_view", "id": 5}')

    await registry.subscribe("qry.registry.roster", cb=answer)
    await registry.flush()
    assert (await signed_in.get("/v1/rosters/r1")).status_code == 500


async def test_nats_restarted_is_503_meanwhile_and_works_again(
    signed_in: httpx.AsyncClient, registry: Client, nats_server: Any
) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(encode(roster_view()))

    await registry.subscribe("qry.registry.roster", cb=answer)
    await registry.flush()
    assert (await signed_in.get("/v1/rosters/r1")).status_code == 200
    nats_server.kill()
    async with asyncio.timeout(60):
        while (await signed_in.get("/health/ready")).status_code == 200:
            await asyncio.sleep(0.05)
    assert (await signed_in.get("/v1/rosters/r1")).status_code == 503
    await asyncio.to_thread(nats_server.start)
    async with asyncio.timeout(60):
        while (await signed_in.get("/v1/rosters/r1")).status_code != 200:
            await asyncio.sleep(0.1)
    assert (await signed_in.get("/health/ready")).status_code == 200


async def test_keys_and_origin_go_over_the_bus(signed_in: httpx.AsyncClient, registry: Client) -> None:
    """Asked for at the first token; and whoever answers knows where the request came from (clause 45.1)."""
    heard: list[Msg] = []

    async def answer(message: Msg) -> None:
        heard.append(message)
        await message.respond(encode(roster_view()))

    await registry.subscribe("qry.registry.roster", cb=answer)
    await registry.flush()
    assert (await signed_in.get("/health/ready")).status_code == 503
    assert (await signed_in.get("/v1/rosters/r1")).status_code == 200
    assert (await signed_in.get("/health/ready")).status_code == 200
    here = extract(heard[0].headers)
    assert (here.address, here.session, here.operation) == ("127.0.0.1", SESSION, "GET /v1/rosters/{roster_id}")
