"""What the bus still holds of the audit log: ids of the entries that the log's consumer has acknowledged, newest first.

The stream is a second memory outside the log's database. For the running day, which nobody has signed yet, it is what
tells that the newest entries were cut off.
"""

from __future__ import annotations

import asyncio

import nats
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from service_kit.audit import STREAM
from service_kit.service import inbox_prefix
from service_kit.settings import Settings

_AT_ONCE = 50


async def acknowledged(settings: Settings, service: str, most: int) -> list[str]:
    """Ids of at most `most` entries. Raises ConnectionError when the bus does not answer."""
    try:
        client = await nats.connect(
            settings.nats_url, user=settings.nats_user or None, password=settings.nats_password or None,
            inbox_prefix=inbox_prefix(settings.nats_user or service).encode(), connect_timeout=5, allow_reconnect=False,
        )  # fmt: skip
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise ConnectionError(type(error).__name__) from None
    try:
        return await _read(client.jetstream(), f"{service}-audit", most)
    except (TimeoutError, nats.errors.Error) as error:
        raise ConnectionError(type(error).__name__) from None
    finally:
        await client.close()


async def _read(js: JetStreamContext, durable: str, most: int) -> list[str]:
    consumer = await js.consumer_info(STREAM, durable)
    floor = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
    first = max((await js.stream_info(STREAM)).state.first_seq, floor - most + 1, 1)
    found: list[str] = []
    for start in range(floor, first - 1, -_AT_ONCE):
        numbers = range(start, max(start - _AT_ONCE, first - 1), -1)
        found += [one for one in await asyncio.gather(*(_id(js, seq) for seq in numbers)) if one]
    return found


async def _id(js: JetStreamContext, seq: int) -> str | None:
    try:
        message = await js.get_msg(STREAM, seq)
    except nats.js.errors.NotFoundError:
        return None
    return (message.headers or {}).get("ce-id")
