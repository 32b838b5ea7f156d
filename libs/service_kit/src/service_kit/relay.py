"""The relay: what the outbox holds goes to JetStream, in order, and is known to be there.

One live relay a database (an advisory lock that dies with its connection); the others wait. PostgreSQL is the record:
rows are kept with the sequence JetStream gave them, and on every connect `reconcile` looks for rows that the stream
does not hold any more (JetStream acknowledges before it syncs; an old store may have been put back) and sends them again.
A row sent twice is dropped by JetStream's duplicate window or by the consumer's inbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence
from typing import Any, Literal

import asyncpg
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge
from shared_contracts.messages import stream

from service_kit import audit
from service_kit.ids import new_id
from service_kit.pausing import pause
from service_kit.telemetry import continued, describe

log = logging.getLogger(__name__)

BATCH = 500  # rows; JetStream takes at most 1,000 in an atomic batch
BATCH_BYTES = 4 * 1024 * 1024
POLL_SECONDS = 0.25
ACK_SECONDS = 5.0
_LOCK = 0x7865_6A69  # one number for each table: the lock lives in the service's own database
_DUPLICATE_IN_BATCH = 10201

PUBLISHED = Counter("relay_published_total", "Outbox rows acknowledged by JetStream")
RESENT = Counter("relay_resent_total", "Outbox rows sent again by reconcile")
LIVE = Gauge("relay_live", "1 while this copy holds the relay's lock")
WAITING = Gauge("outbox_unpublished", "Outbox rows seen waiting by the live relay")

_UNPUBLISHED = """
SELECT seq, event_id, subject, payload, headers FROM {table} WHERE stream_seq IS NULL ORDER BY seq LIMIT $1
"""
_MARK = """
UPDATE {table} o SET stream_seq = t.stream_seq FROM unnest($1::bigint[], $2::bigint[]) AS t(seq, stream_seq)
WHERE o.seq = t.seq
"""
# Plan: index only on outbox_published; the n-th published row from the newest, n probed by halving.
_NTH = """
SELECT stream_seq, event_id FROM {table} WHERE stream_seq >= $1 ORDER BY stream_seq OFFSET $2 LIMIT 1
"""


class Relay:
    """`run(stop)` for the life of the process; `wake()` after a commit; `reconnected()` when NATS is back.

    `table`: where the rows wait, `outbox` or `audit_outbox`; all rows of a table go to one stream.
    """

    def __init__(
        self, service: str, dsn: str, client: Client, *, table: Literal["outbox", "audit_outbox"] = "outbox"
    ) -> None:
        self._stream = audit.STREAM if table == "audit_outbox" else stream(service)
        self._lock = _LOCK + (table == "audit_outbox")
        self._table = table
        self._unpublished, self._mark, self._nth = (text.format(table=table) for text in (_UNPUBLISHED, _MARK, _NTH))
        self._dsn = dsn
        self._client = client
        self._js: JetStreamContext = client.jetstream(timeout=ACK_SECONDS)
        self._woken = asyncio.Event()
        self._reconcile = True

    def wake(self) -> None:
        self._woken.set()

    def reconnected(self) -> None:
        self._reconcile = True
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        delay = 0.2
        while not stop.is_set():
            try:
                await self._serve(stop)
                delay = 0.2
            except Exception as error:
                # Whatever it is, also an answer nobody foresaw: a relay that ended would be a silent one.
                LIVE.set(0)
                log.warning("relay interrupted, goes on in %.1f s: %s", delay, describe(error))
                await pause(stop, delay)
                delay = min(delay * 2, 5.0)

    async def _serve(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=10, command_timeout=30)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                await pause(stop, 1.0)
                if stop.is_set():
                    return
            LIVE.set(1)
            self._reconcile = True
            while not stop.is_set():
                self._woken.clear()
                if self._reconcile:
                    self._reconcile = False
                    await self._reconcile_or_repeat(connection)
                if await self.publish_waiting(connection) == 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            await self.publish_waiting(connection)
        finally:
            LIVE.set(0)
            # The lock goes with the connection, also when the process is killed.
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=2)

    async def _reconcile_or_repeat(self, connection: asyncpg.Connection[Any]) -> None:
        try:
            await self.reconcile(connection)
        except BaseException:
            self._reconcile = True
            raise

    # ---- publishing -----------------------------------------------------------------------------------------------

    async def publish_waiting(self, connection: asyncpg.Connection[Any]) -> int:
        """Send one batch of waiting rows and mark them. Returns how many."""
        rows = _within(await connection.fetch(self._unpublished, BATCH), BATCH_BYTES)
        WAITING.set(len(rows))
        if not rows:
            return 0
        traced = [json.loads(row["headers"]) for row in rows if row["headers"] != "{}"]
        name = f"publish {rows[0]['subject']}"
        with continued(name, traced, SpanKind.PRODUCER) if traced else contextlib.nullcontext():
            sequences = await self._publish(rows)
        await connection.execute(self._mark, [row["seq"] for row in rows], sequences)
        PUBLISHED.inc(len(rows))
        return len(rows)

    async def _publish(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        if len(rows) > 1:
            try:
                return await self._publish_batch(rows)
            except _BatchRefused as refused:
                # A row is in the stream already (we were killed before the mark): each by itself, same ids.
                log.info("atomic batch refused (%s), rows go one by one", refused)
        return [await self._publish_one(row) for row in rows]

    async def _publish_one(self, row: asyncpg.Record) -> int:
        acknowledged = await self._js.publish(
            row["subject"], row["payload"], stream=self._stream, headers=_headers(row), timeout=ACK_SECONDS
        )
        return int(acknowledged.seq)

    async def _publish_batch(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        """JetStream's atomic batch: the first and the last are requests, those between are plain publishes."""
        batch_id, last = new_id(), len(rows)
        for number, row in enumerate(rows, start=1):
            headers = _headers(row)
            headers["Nats-Batch-Id"] = batch_id
            headers["Nats-Batch-Sequence"] = str(number)
            if number == last:
                headers["Nats-Batch-Commit"] = "1"
            if number in (1, last):
                reply = await self._client.request(row["subject"], row["payload"], timeout=ACK_SECONDS, headers=headers)
                answer = json.loads(reply.data) if reply.data else {}
                if "error" in answer:
                    raise _BatchRefused(answer["error"].get("err_code"))
            else:
                await self._client.publish(row["subject"], row["payload"], headers=headers)
        final = int(answer["seq"])
        return list(range(final - last + 1, final + 1))

    # ---- reconcile ------------------------------------------------------------------------------------------------

    async def reconcile(self, connection: asyncpg.Connection[Any]) -> int:
        """Find the published rows that the stream does not hold (any more) and let them be sent again.

        What the stream dropped by age lies below its first sequence and is not looked at. Above it, held rows come
        first and lost ones after them, so the border is found by halving. Returns how many rows go again.
        """
        state = (await self._js.stream_info(self._stream)).state
        first = state.first_seq if state.messages else (state.last_seq + 1 if state.last_seq else 0)
        counted = f"SELECT count(*) FROM {self._table} WHERE stream_seq >= $1"  # noqa: S608 - one of two names
        total = int(await connection.fetchval(counted, first))
        held, unknown = 0, total
        if total and await self._holds(connection, first, total - 1):
            return 0
        while held < unknown:
            middle = (held + unknown) // 2
            if await self._holds(connection, first, middle):
                held = middle + 1
            else:
                unknown = middle
        if held == total:
            return 0
        border = await connection.fetchrow(self._nth, first, held)
        assert border is not None
        lost = await connection.execute(
            f"UPDATE {self._table} SET stream_seq = NULL WHERE stream_seq >= $1",  # noqa: S608 - one of two names
            border["stream_seq"],
        )
        count = int(lost.split()[-1])
        RESENT.inc(count)
        log.warning("stream %s has lost %d of our events: they are sent again", self._stream, count)
        return count

    async def _holds(self, connection: asyncpg.Connection[Any], first: int, number: int) -> bool:
        row = await connection.fetchrow(self._nth, first, number)
        if row is None:
            return False
        try:
            message = await self._js.get_msg(self._stream, row["stream_seq"])
        except nats.js.errors.NotFoundError:
            return False
        return bool((message.headers or {}).get("Nats-Msg-Id") == row["event_id"])


class _BatchRefused(Exception):
    """The server took nothing of the batch."""


def _headers(row: asyncpg.Record) -> dict[str, str]:
    """CloudEvents attributes (binary mode), the id that JetStream and the inbox recognise, and the trace."""
    stored: dict[str, str] = json.loads(row["headers"])
    return {
        **stored,
        "Nats-Msg-Id": row["event_id"],
        "ce-specversion": "1.0",
        "ce-id": row["event_id"],
        "ce-type": row["subject"].removeprefix("evt."),
        "ce-source": f"/xueji/{row['subject'].split('.')[1]}",
    }


def _within(rows: Sequence[asyncpg.Record], limit: int) -> list[asyncpg.Record]:
    """The first rows whose payloads stay under `limit` bytes together, at least one."""
    taken: list[asyncpg.Record] = []
    size = 0
    for row in rows:
        size += len(row["payload"])
        if taken and size > limit:
            break
        taken.append(row)
    return taken
