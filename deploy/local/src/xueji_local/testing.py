"""pytest fixtures: real PostgreSQL and NATS, and a migrated database per service and test.

`TEST_BACKEND=auto` (default) takes containers where Docker answers and the images are there (or can be pulled), the
servers out of the wheels otherwise; `docker` makes a missing Docker an error; `embedded` never asks for it.

    async def test_x(service_env):
        loaded = settings.load(await service_env("identity"))

- `postgres_server`, `nats_server`: one of each a session; `.url`, `.restart()`, `.kill()` + `.start()`,
  `.save_store()`, `.restore_store()`. They keep their ports.
- `service_env(name)`: a fresh database (cloned from one that was migrated once a session), empty streams, and the
  environment of that service. Asked twice for the same name in a test it makes a second database.
- `nats_admin`: a connection that may do everything, to look at streams.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import pytest_asyncio
from nats.aio.client import Client
from service_kit import migrate
from xueji_infra import databases, declare, nats_conf

from xueji_local import containers, credentials
from xueji_local.containers import DockerNats, DockerPostgres, backend
from xueji_local.credentials import Credentials
from xueji_local.environment import Places, environment_of
from xueji_local.servers import Nats, Postgres

containers.docker_defaults()  # now: testcontainers reads them when it is imported, by whichever test module is first

AnyPostgres = Postgres | DockerPostgres
AnyNats = Nats | DockerNats
ServiceEnv = Callable[..., Awaitable[dict[str, str]]]


def pytest_report_header() -> str:
    return f"servers: {containers.asked_for()}"


def pytest_unconfigure() -> None:
    containers.remove_leftovers()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder that PostgreSQL's user can pass through when we are root.

    In memory where there is room: cloning a database there takes 10 ms, on a disk 200 ms.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of ours in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3
    parent = memory if roomy else Path(tempfile.gettempdir())
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"xueji-test-{os.getpid()}-", dir=parent))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what runs that were killed have left: in memory it would pile up."""
    for folder in parent.glob("xueji-test-*-*"):
        owner = folder.name.split("-")[2]
        with contextlib.suppress(FileNotFoundError):  # another run sweeps too
            if owner.isdigit() and not psutil.pid_exists(int(owner)) and folder.stat().st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_postgres(password: str) -> Iterator[AnyPostgres]:
    """A PostgreSQL of the chosen backend, without fsync, gone afterwards."""
    if backend() == "docker":
        with DockerPostgres(password=password) as server:
            yield server
        return
    with scratch() as folder, Postgres(folder / "pg", password=password, fsync=False) as embedded:
        yield embedded


@contextlib.contextmanager
def running_nats(keys: Credentials, *, sync_always: bool = False) -> Iterator[AnyNats]:
    """A NATS of the chosen backend with the topology's users; streams are declared by whoever uses it."""
    config = nats_conf.render(keys.nats_users, sync_always=sync_always)
    if backend() == "docker":
        with DockerNats(config=config) as server:
            yield server
        return
    with scratch() as folder, Nats(folder / "nats", config=config) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def test_credentials() -> Credentials:
    """The secrets of this test session."""
    return credentials.generate()


@pytest.fixture(scope="session")
def postgres_server(test_credentials: Credentials) -> Iterator[AnyPostgres]:
    with running_postgres(test_credentials.postgres) as server:
        yield server


@pytest.fixture(scope="session")
def nats_server(test_credentials: Credentials) -> Iterator[AnyNats]:
    with running_nats(test_credentials) as server:
        yield server


class Templates:
    """Databases migrated once a session, cloned for each test."""

    def __init__(self, server: AnyPostgres, keys: Credentials) -> None:
        self._server = server
        self._keys = keys
        self._made: set[tuple[str, bool]] = set()
        self._count = 0
        self._connection: asyncpg.Connection | None = None

    def places(self, nats_url: str, files: Path) -> Places:
        return Places(postgres_host=self._server.host, postgres_port=self._server.port, nats_url=nats_url, files=files)

    async def clone(self, service: str, migrated: bool) -> str:
        """The name of a fresh database of the service."""
        admin = await self._admin()
        template = f"template_{service}" if migrated else f"blank_{service}"
        if (service, migrated) not in self._made:
            await self._make(admin, service, template, migrated)
            self._made.add((service, migrated))
        self._count += 1
        name = f"test_{service}_{self._count}"
        await _once_alone(
            lambda: databases.ensure_database(admin, self._server.url(), service, name=name, template=template)
        )
        return name

    async def _make(self, admin: databases.Connection, service: str, template: str, migrated: bool) -> None:
        await databases.close_to_public(admin)
        owner = databases.owner_role(service)
        await databases.ensure_roles(admin, service, self._keys.role(owner), self._keys.role(service))
        await databases.ensure_database(admin, self._server.url(), service, name=template)
        if migrated:
            places = self.places("", Path())
            values = environment_of(service, places, self._keys, database=template)
            # What `python -m <service> migrate` calls.
            await migrate.upgrade(service, values["XUEJI_MIGRATION_DATABASE_URL"])

    async def drop(self, name: str) -> None:
        admin = await self._admin()
        await _once_alone(lambda: admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    async def _admin(self) -> asyncpg.Connection:
        """One connection for the session; another one where a test has restarted the server."""
        if self._connection is not None:
            try:
                await self._connection.execute("SELECT", timeout=60)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._connection = None
        if self._connection is None:
            self._connection = await asyncpg.connect(self._server.url())
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close(timeout=60)


async def _once_alone(act: Callable[[], Awaitable[Any]]) -> None:
    """PostgreSQL waits five seconds for others to leave a database that it copies or drops, also for those whom it has sent
    away or who have said goodbye; where the machine is busy they may need more."""
    end = time.monotonic() + 60
    while True:
        try:
            await act()
        except asyncpg.ObjectInUseError:
            if time.monotonic() > end:
                raise
        else:
            return


@pytest_asyncio.fixture(scope="session")
async def database_templates(postgres_server: AnyPostgres, test_credentials: Credentials) -> AsyncIterator[Templates]:
    made = Templates(postgres_server, test_credentials)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def nats_admin(nats_server: AnyNats, test_credentials: Credentials) -> AsyncIterator[Client]:
    """A connection with all permissions; lives for one test and does not come back after a restart of the server."""
    client = await declare.connect_admin(nats_server.url, test_credentials.nats_users[nats_conf.ADMIN])
    yield client
    await client.close()


class Streams:
    """Empty streams, and consumers at their start; made anew only where something has touched them."""

    def __init__(self) -> None:
        self._left: tuple[str, int] | None = None

    async def fresh(self, client: Client) -> None:
        if not await self._untouched(client):
            await declare.clear(client)
            await declare.declare(client)
        self._left = (await self._seen(client))[0]

    async def _untouched(self, client: Client) -> bool:
        """The same server, no request since ours (to bind a consumer is one), and nothing stored, which needs none."""
        if self._left is None:
            return False
        (server, requests), stored = await self._seen(client)
        return (server, requests - 1) == self._left and stored == 0

    async def _seen(self, client: Client) -> tuple[tuple[str, int], int]:
        found = await client.jetstream(timeout=30).account_info()
        return (str(client._server_info["server_id"]), found.api.total), found.storage


@pytest.fixture(scope="session")
def streams() -> Streams:
    return Streams()


@pytest_asyncio.fixture
async def bus(nats_server: AnyNats, streams: Streams, test_credentials: Credentials) -> AnyNats:
    """The NATS server with empty streams and consumers at their start."""
    nats_server.start()  # a test may have left it down
    client = await declare.connect_admin(nats_server.url, test_credentials.nats_users[nats_conf.ADMIN])
    try:
        await streams.fresh(client)
    finally:
        await client.close()
    return nats_server


@pytest_asyncio.fixture
async def service_env(
    bus: AnyNats,
    postgres_server: AnyPostgres,
    database_templates: Templates,
    test_credentials: Credentials,
    tmp_path: Path,
) -> AsyncIterator[ServiceEnv]:
    """`await service_env("identity")` -> the environment of that service over a fresh, migrated database.

    `migrated=False`: an empty database with both roles, also for a name that is no service. Further keyword arguments
    are added to the environment (`XUEJI_MATCHER_URL="http://…"`). Services of one test share the file store.
    """
    postgres_server.start()
    cloned: list[str] = []

    async def make(service: str, *, migrated: bool = True, **more: str) -> dict[str, str]:
        places = database_templates.places(bus.url, tmp_path / "files")
        if service == "gateway":
            return environment_of(service, places, test_credentials) | more
        name = await database_templates.clone(service, migrated)
        cloned.append(name)
        return environment_of(service, places, test_credentials, database=name) | more

    yield make
    postgres_server.start()
    for name in cloned:
        await database_templates.drop(name)
