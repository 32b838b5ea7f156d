"""Events are pulled in batches: what is there at once, what is not there without asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from kit_sandbox import Sandbox
from nats.aio.msg import Msg
from nats.js import api
from service_kit import pulling
from service_kit.ids import new_id
from service_kit.pulling import BATCH, Puller

pytestmark = pytest.mark.integration


class Taken:
    """What a puller gives, batch by batch. `during` is called while the first one is taken."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.stream = f"PULL{new_id()[-8:]}"
        self.batches: list[list[str]] = []
        self.waiting_meanwhile: list[int | None] = []
        self._js = sandbox.client.jetstream()

    async def declare_stream(self) -> None:
        await self._js.add_stream(name=self.stream, subjects=[f"{self.stream}.>"], storage=api.StorageType.MEMORY)

    async def declare_consumer(self) -> None:
        await self._js.add_consumer(
            self.stream, durable_name="taker", ack_policy=api.AckPolicy.EXPLICIT, ack_wait=30, max_ack_pending=1000
        )

    async def publish(self, count: int) -> None:
        for number in range(count):
            await self._js.publish(f"{self.stream}.x", str(number).encode())

    async def take(self, messages: Sequence[Msg]) -> None:
        self.batches.append([message.data.decode() for message in messages])
        self.waiting_meanwhile.append(await self.open_requests())
        for message in messages:
            await message.ack()

    async def open_requests(self) -> int | None:
        return (await self._js.consumer_info(self.stream, "taker")).num_waiting

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.02)

    @property
    def all(self) -> list[str]:
        return [one for batch in self.batches for one in batch]


@asynccontextmanager
async def pulling_from(sandbox: Sandbox, taken: Taken, *, gather: float = 0.0) -> AsyncIterator[Puller]:
    stop = asyncio.Event()
    puller = Puller(sandbox.client, taken.stream, "taker", taken.take, gather=gather)
    task = asyncio.create_task(puller.run(stop))
    try:
        yield puller
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


@pytest.fixture(autouse=True)
def in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server always answers in time: what a busy machine delays is not asked for once more, nor a batch cut short."""
    monkeypatch.setattr(pulling, "WAITS", 60.0)
    monkeypatch.setattr(pulling, "ANSWERS", 60.0)


@pytest.fixture
async def taken(sandbox: Sandbox) -> Taken:
    taken = Taken(sandbox)
    await taken.declare_stream()
    return taken


async def test_what_is_there_comes_in_whole_batches_once_and_in_order(sandbox: Sandbox, taken: Taken) -> None:
    await taken.declare_consumer()
    await taken.publish(2 * BATCH + 50)
    async with pulling_from(sandbox, taken):
        await taken.until(lambda: len(taken.all) >= 2 * BATCH + 50)
    assert taken.all == [str(n) for n in range(2 * BATCH + 50)]
    assert [len(batch) for batch in taken.batches] == [BATCH, BATCH, 50]


async def test_no_request_is_open_while_a_batch_is_taken(sandbox: Sandbox, taken: Taken) -> None:
    await taken.declare_consumer()
    await taken.publish(3)
    async with pulling_from(sandbox, taken):
        await taken.until(lambda: len(taken.all) >= 3)
        await taken.publish(1)
        await taken.until(lambda: len(taken.all) >= 4)
    assert set(taken.waiting_meanwhile) == {0}


async def test_an_empty_stream_is_asked_once_and_waits(sandbox: Sandbox, taken: Taken) -> None:
    await taken.declare_consumer()
    async with pulling_from(sandbox, taken) as puller:
        async with asyncio.timeout(60):
            while await taken.open_requests() != 1:
                await asyncio.sleep(0.02)
        asked = puller.asked
        await taken.publish(1)
        await taken.until(lambda: taken.all == ["0"])
        assert puller.asked - asked <= 2, "one message, and the next request"


async def test_a_request_that_expires_is_made_again(
    sandbox: Sandbox, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "WAITS", 0.1)
    await taken.declare_consumer()
    async with pulling_from(sandbox, taken) as puller:
        await taken.until(lambda: puller.asked >= 3)
        await taken.publish(2)
        await taken.until(lambda: taken.all == ["0", "1"])


async def test_what_nobody_waits_for_comes_together(
    sandbox: Sandbox, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two seconds last until all five are there."""
    published, gathered = asyncio.Event(), []

    async def two_seconds(_: asyncio.Event, seconds: float) -> None:
        gathered.append(seconds)
        await published.wait()

    monkeypatch.setattr(pulling, "pause", two_seconds)
    await taken.declare_consumer()
    async with pulling_from(sandbox, taken, gather=2.0):
        await taken.publish(5)
        published.set()
        await taken.until(lambda: len(taken.all) >= 5)
    assert taken.batches == [["0", "1", "2", "3", "4"]]
    assert gathered == [2.0]


async def test_a_consumer_that_is_declared_later_is_found(sandbox: Sandbox, taken: Taken) -> None:
    await taken.publish(1)
    async with pulling_from(sandbox, taken) as puller:
        await taken.until(lambda: puller.asked >= 2)
        await taken.declare_consumer()
        await taken.until(lambda: taken.all == ["0"])


async def test_a_batch_that_fails_does_not_end_the_loop(sandbox: Sandbox, taken: Taken) -> None:
    await taken.declare_consumer()
    good, failed = taken.take, []

    async def at_first_not(messages: Sequence[Msg]) -> None:
        if not failed:
            failed.extend(messages)
            await messages[0].nak()
            raise RuntimeError("the first batch")
        await good(messages)

    taken.take = at_first_not  # type: ignore[method-assign]
    await taken.publish(1)
    async with pulling_from(sandbox, taken):
        await taken.until(lambda: taken.all == ["0"])
    assert len(failed) == 1


async def test_after_a_reconnect_the_request_is_made_again(sandbox: Sandbox, taken: Taken) -> None:
    await taken.declare_consumer()
    async with pulling_from(sandbox, taken) as puller:
        await taken.until(lambda: puller.asked == 1)
        puller.reconnected()
        await taken.until(lambda: puller.asked == 2)
        await taken.publish(1)
        await taken.until(lambda: taken.all == ["0"])
