"""The fixtures' servers of either backend have the same faces: what a test may do with one it may do with the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from xueji_infra import declare, nats_conf
from xueji_infra.topology import topology
from xueji_local import containers
from xueji_local.credentials import Credentials
from xueji_local.servers import ServerProblem
from xueji_local.testing import AnyNats, AnyPostgres, ServiceEnv, Streams, running_nats, running_postgres

pytestmark = pytest.mark.integration


async def test_postgres_over_restart_and_kill(test_credentials: Credentials) -> None:
    with running_postgres(test_credentials.postgres) as server:
        client = await asyncpg.connect(server.url())
        await client.execute("CREATE TABLE t AS SELECT 42 AS x")
        await client.close()
        url = server.url()
        for bring_down in (server.stop, server.kill):
            bring_down()
            assert not server.alive()
            with pytest.raises((OSError, asyncpg.PostgresError)):
                await asyncpg.connect(url, timeout=2)
            server.start()
            again = await asyncpg.connect(url)
            assert await again.fetchval("SELECT x FROM t") == 42
            # The order of text is the same everywhere: by code point.
            assert await again.fetchval("SELECT 'a' > 'B'")
            await again.close()


async def test_nats_over_restart_kill_and_an_old_store(test_credentials: Credentials, tmp_path: Path) -> None:
    with running_nats(test_credentials) as server:
        url = server.url

        async def admin() -> Client:
            return await declare.connect_admin(url, test_credentials.nats_users[nats_conf.ADMIN])

        async def publish(text: bytes) -> int:
            client = await admin()
            acknowledged = await client.jetstream().publish("evt.identity.numbers_issued", text)
            await client.close()
            return acknowledged.seq

        client = await admin()
        await declare.declare(client)
        await client.close()
        assert await publish(b"1") == 1
        server.save_store(tmp_path / "old")
        assert await publish(b"2") == 2
        server.restart()
        assert await publish(b"3") == 3
        server.kill()
        assert not server.alive()
        server.start()
        assert await publish(b"4") == 4
        server.restore_store(tmp_path / "old")
        assert server.url == url
        assert await publish(b"5") == 2, "the old store held one message"


async def test_service_env_gives_a_fresh_migrated_database_each_time(service_env: ServiceEnv) -> None:
    first, second = await service_env("identity"), await service_env("identity")
    assert first["XUEJI_DATABASE_URL"] != second["XUEJI_DATABASE_URL"]
    owner = await asyncpg.connect(first["XUEJI_MIGRATION_DATABASE_URL"])
    await owner.execute("INSERT INTO inbox (event_id) VALUES ('x')")
    await owner.close()
    app = await asyncpg.connect(second["XUEJI_DATABASE_URL"])
    assert await app.fetchval("SELECT count(*) FROM inbox") == 0
    await app.close()


async def test_a_database_is_copied_when_whoever_was_in_it_has_left(
    service_env: ServiceEnv, postgres_server: AnyPostgres
) -> None:
    """PostgreSQL itself gives up after five seconds."""
    await service_env("identity")
    lingering = await asyncpg.connect(postgres_server.url("template_identity"))
    asyncio.get_running_loop().call_later(6, lingering.terminate)
    await service_env("identity")
    assert lingering.is_closed()


async def test_streams_are_empty_at_the_start_of_a_test(bus: AnyNats, nats_admin: Client) -> None:
    js = nats_admin.jetstream()
    assert (await js.stream_info("IDENTITY")).state.last_seq == 0
    await js.publish("evt.identity.numbers_issued", b"1")


async def test_and_again(bus: AnyNats, nats_admin: Client) -> None:
    assert (await nats_admin.jetstream().stream_info("IDENTITY")).state.last_seq == 0


async def published(server: AnyNats, js: JetStreamContext) -> None:
    await js.publish("evt.identity.numbers_issued", b"1")


async def published_and_purged(server: AnyNats, js: JetStreamContext) -> None:
    await js.publish("evt.identity.numbers_issued", b"1")
    await js.purge_stream("IDENTITY")


async def consumer_gone(server: AnyNats, js: JetStreamContext) -> None:
    await js.delete_consumer("IDENTITY", "registry-identity")


async def restarted(server: AnyNats, js: JetStreamContext) -> None:
    server.restart()


@pytest.mark.parametrize("touch", [published, published_and_purged, consumer_gone, restarted])
async def test_streams_are_made_anew_where_something_has_touched_them(
    nats_server: AnyNats, test_credentials: Credentials, touch: Callable[[AnyNats, JetStreamContext], Awaitable[None]]
) -> None:
    streams = Streams()
    async with admin(nats_server, test_credentials) as client:
        await streams.fresh(client)
        await touch(nats_server, client.jetstream())
    async with admin(nats_server, test_credentials) as client:
        await streams.fresh(client)
        state = (await client.jetstream().stream_info("IDENTITY")).state
    declared = sum(name.endswith("-identity") for name in topology().consumers)
    assert (state.last_seq, state.consumer_count) == (0, declared)


async def test_streams_that_nothing_has_touched_are_left_alone(
    nats_server: AnyNats, test_credentials: Credentials
) -> None:
    streams, requests = Streams(), []
    for _ in range(3):
        async with admin(nats_server, test_credentials) as client:
            await streams.fresh(client)
        assert streams._left is not None
        requests.append(streams._left[1])
    assert requests[2] - requests[1] == 2, "two looks"


@contextlib.asynccontextmanager
async def admin(server: AnyNats, keys: Credentials) -> AsyncIterator[Client]:
    client = await declare.connect_admin(server.url, keys.nats_users[nats_conf.ADMIN])
    yield client
    await client.close()


def test_a_wrong_backend_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "podman")
    with pytest.raises(ServerProblem, match="podman"):
        containers.backend.__wrapped__()


def test_docker_without_a_daemon_is_an_error_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("TEST_BACKEND", "docker")
    with pytest.raises(ServerProblem, match="no Docker daemon answers"):
        containers.backend.__wrapped__()
    monkeypatch.setenv("TEST_BACKEND", "auto")
    assert containers.backend.__wrapped__() == "embedded"
