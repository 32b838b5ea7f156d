"""Fixtures: the service's handlers over a fresh database, with a mail server, a text message gateway and access at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from delivery_desk import DeliveryDesk
from xueji_local.sink import Sink


@pytest_asyncio.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def post(service_env: Any, sink: Sink) -> AsyncIterator[DeliveryDesk]:
    made = DeliveryDesk(await service_env("notifications") | sink.settings(), sink)
    yield made
    await made.shut()
