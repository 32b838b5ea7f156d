"""Fixtures: the registry beside the transfer service, over its own fresh database, with pupils in three schools."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

sys.path.extend(
    str(Path(__file__).parents[2] / part / "support")
    for part in (
        "transfer/tests",
        "transfer/tests/cases",
        "registry/tests/registration",
        "registry/tests/form",
        "registry/tests/reorganisation",
    )
)

from moving_world import MovingWorld


@pytest_asyncio.fixture
async def registry(service_env: Any) -> AsyncIterator[MovingWorld]:
    made = MovingWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()
