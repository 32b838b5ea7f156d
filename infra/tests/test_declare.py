"""Declaring makes what is missing, mends what is different and leaves alone what is right."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from xueji_infra.declare import consumer_config, declare, stream_config
from xueji_infra.topology import topology
from xueji_local.testing import AnyNats

pytestmark = pytest.mark.integration


async def test_again_does_nothing(bus: AnyNats, nats_admin: Client) -> None:
    assert await declare(nats_admin) == []


async def test_what_somebody_changed_is_mended_and_nothing_is_delivered_twice(bus: AnyNats, nats_admin: Client) -> None:
    js = nats_admin.jetstream()
    await js.publish("evt.identity.numbers_issued", b"1")
    pull = await js.pull_subscribe("evt.identity.>", durable="registry-identity", stream="IDENTITY")
    (message,) = await pull.fetch(1, timeout=60)
    await message.ack_sync()

    wrong = stream_config("IDENTITY", topology())
    wrong.max_age = 60.0
    wrong.duplicate_window = 30.0
    await js.update_stream(wrong)
    consumer = consumer_config("registry-identity", topology())
    consumer.max_deliver = 2
    consumer.filter_subjects = ["evt.identity.numbers_issued"]
    await js.add_consumer("IDENTITY", consumer)

    assert await declare(nats_admin) == ["stream IDENTITY changed", "consumer registry-identity changed"]
    stream = (await js.stream_info("IDENTITY")).config
    assert (stream.max_age, stream.duplicate_window, stream.allow_atomic) == (30 * 86_400, 600, True)
    info = await js.consumer_info("IDENTITY", "registry-identity")
    assert info.config.max_deliver == 8
    declared = topology().consumers["registry-identity"].filter
    assert set(info.config.filter_subjects or []) == set(declared) > {"evt.identity.numbers_issued"}
    assert info.num_pending == 0
    assert info.ack_floor and info.ack_floor.stream_seq == 1
    assert await declare(nats_admin) == []


async def test_a_stream_that_is_gone_comes_back_empty(bus: AnyNats, nats_admin: Client) -> None:
    js = nats_admin.jetstream()
    await js.delete_stream("REGISTRY")
    readers = [durable for durable in topology().consumers if durable.endswith("-registry")]
    assert len(readers) > 1
    assert await declare(nats_admin) == ["stream REGISTRY made", *(f"consumer {name} made" for name in readers)]
