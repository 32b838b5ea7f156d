"""A registry that is killed by SIGKILL at a chosen line: run by test_relay in a process of its own.

argv: database url, NATS url, where (`before_publish` | `before_mark` | `before_commit`).
"""

import asyncio
import os
import signal
import sys
from typing import Any

from kit_sandbox import FIELD_KEYS, emit_events
from service_kit import commands
from service_kit.relay import Relay
from service_kit.service import Service
from service_kit.settings import Settings
from shared_contracts import registry


def die(*_args: Any, **_kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def build(_kit: Any) -> None:
    return None


def main() -> None:
    database, nats_url, where = sys.argv[1:]
    if where == "before_publish":
        Relay._publish = die  # type: ignore[method-assign,assignment]
    elif where == "before_mark":
        publish = Relay._publish

        async def publish_and_die(self: Relay, rows: Any) -> list[int]:
            await publish(self, rows)
            die()
            return []

        Relay._publish = publish_and_die  # type: ignore[method-assign]
    elif where == "before_commit":
        commands._REPLY = "SELECT pg_sleep(4), $1::text, $2::bytea"  # time for the kill

    service = Service("registry", commands={registry.DecideRoster: emit_events}, queries={}, events={}, build=build)
    settings = Settings(database_url=database, nats_url=nats_url, field_keys=FIELD_KEYS)
    asyncio.run(service.serve(settings, asyncio.Event()))


main()
