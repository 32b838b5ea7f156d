"""The gateway over a stand-in bus, for what is HTTP alone. What crosses NATS is tested on the real server."""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from gateway.accounts import FileAccounts, hash_password
from gateway.app import make_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway.tokens import Tokens
from litestar import Litestar
from service_kit.clock import Clock
from service_kit.files import FileStore

sys.path.insert(0, str(Path(__file__).parent / "support"))

from gateway_support import PASSWORD, StandInBus, registrars, running


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def accounts_file(tmp_path: Path, password_hash: str) -> Path:
    path = tmp_path / "accounts.json"
    path.write_bytes(msgspec.json.encode(registrars(password_hash)))
    return path


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(token_key=base64.b64encode(bytes(range(32))).decode(), max_upload_bytes=300_000)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    folder = tmp_path / "files"
    folder.mkdir()
    return FileStore(folder, bytes(32))


@pytest.fixture
def stand_in() -> StandInBus:
    return StandInBus()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(
    settings: GatewaySettings, stand_in: StandInBus, files: FileStore, accounts_file: Path, clock: Clock
) -> Litestar:
    return make_app(settings, bus=stand_in, files=files, accounts=FileAccounts(accounts_file), clock=clock)


@pytest.fixture
async def anonymous(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=Edge(app)),
            base_url="http://gateway",  # type: ignore[arg-type]
        ) as client,
    ):
        yield client


@pytest.fixture
def token(settings: GatewaySettings, password_hash: str, clock: Clock) -> str:
    """The registrar's, without the 50 ms that a password costs."""
    (account,) = registrars(password_hash)
    return Tokens(settings.token_seed(), timedelta(minutes=30), clock).issue(account)


@pytest.fixture
def client(anonymous: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    """Signed in as the registrar."""
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return anonymous
