"""The bare program: the commits and messages of transfers, and nothing of what they are about.

`python bare_transfers.py` reads an `Order` from standard input and prints the seconds. As many clients as the system had,
one event loop, asyncpg and nats-py. A transfer is here so many questions over NATS that another process answers at once, so
many transactions that insert one row, so many events that JetStream acknowledges (fsync on, `sync_interval: always`), and,
where the order asks for them, so many reads of a row by its key: the system's other statements.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time

import asyncpg
import msgspec
import nats
import uvloop
from nats.aio.msg import Msg
from xueji_infra import nats_conf

ASKED = "cmd.registry.grant_hold"
"""A subject that the transfer service may ask and the registry may answer."""
TOLD = "evt.transfer.transfers_stand"
TABLE = "CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)"
INSERT = "INSERT INTO bare (body) VALUES ($1)"
READ = "SELECT body FROM bare WHERE id = $1"
BODY = os.urandom(600)
"""About the size of a command, of an event and of a row."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`passwords`: of the users `transfer` and `registry`. The rest is for each transfer."""

    database: str
    nats_url: str
    passwords: dict[str, str]
    transfers: int
    clients: int
    requests: int
    commits: int
    events: int
    reads: int = 0


async def _connected(order: Order, user: str) -> nats.NATS:
    return await nats.connect(
        order.nats_url, user=user, password=order.passwords[user], inbox_prefix=nats_conf.inbox_prefix(user).encode()
    )


async def answer(order: Order) -> None:
    """The other side of the bus, until it is killed."""
    client = await _connected(order, "registry")

    async def back(message: Msg) -> None:
        await message.respond(message.data)

    await client.subscribe(ASKED, cb=back)
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def run(order: Order) -> float:
    pool = await asyncpg.create_pool(order.database, min_size=order.clients, max_size=order.clients)
    await pool.execute(TABLE)
    row = await pool.fetchval(f"{INSERT} RETURNING id", BODY)
    client = await _connected(order, "transfer")
    js = client.jetstream()
    left = iter(range(order.transfers))

    async def one() -> None:
        for _ in range(order.requests):
            await client.request(ASKED, BODY, timeout=30)
        async with pool.acquire() as connection:
            for _ in range(order.commits):
                await connection.execute(INSERT, BODY)
            for _ in range(order.reads):
                await connection.fetchval(READ, row)
        for _ in range(order.events):
            await js.publish(TOLD, BODY, timeout=30)

    async def all_of_them() -> None:
        for _ in left:
            await one()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(order.clients):
            group.create_task(all_of_them())
    seconds = time.perf_counter() - begun
    await client.close()
    await pool.close()
    return seconds


def main() -> None:
    given = sys.stdin.buffer.read()
    order = msgspec.json.decode(given, type=Order)
    if sys.argv[1:] == ["answer"]:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(answer(order))
        return
    command = [sys.executable, __file__, "answer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout
        other.stdin.write(given)
        other.stdin.close()
        try:
            if other.stdout.readline() != b"ready\n":
                raise RuntimeError("the other side of the bus did not come up")
            seconds = uvloop.run(run(order))
        finally:
            other.terminate()
    print(seconds)


if __name__ == "__main__":
    main()
