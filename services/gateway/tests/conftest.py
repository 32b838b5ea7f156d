"""The gateway over a stand-in bus, for what is HTTP alone. What crosses NATS is tested on the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from gateway.app import make_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway_support import SIGNER, StandInBus, running
from litestar import Litestar
from service_kit.clock import Clock
from service_kit.files import FileStore


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(max_upload_bytes=300_000)


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
def app(settings: GatewaySettings, stand_in: StandInBus, files: FileStore, clock: Clock) -> Litestar:
    return make_app(settings, bus=stand_in, files=files, clock=clock)


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
def token() -> str:
    """The registrar's."""
    return SIGNER.token()


@pytest.fixture
def client(anonymous: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    """Signed in as the registrar."""
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return anonymous
