"""Streams and consumers as the topology says: made where missing, changed where different, left alone where right."""

from __future__ import annotations

from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from xueji_infra.nats_conf import ADMIN
from xueji_infra.topology import Topology, split_durable, topology

_DAY = 86_400.0


async def connect_admin(url: str, password: str) -> Client:
    """The administrator's connection. Raises what nats-py raises when the server does not answer."""
    return await nats.connect(
        url, user=ADMIN, password=password, name="xueji-declare", connect_timeout=30, allow_reconnect=False
    )


def stream_config(name: str, plan: Topology, replicas: int = 1) -> api.StreamConfig:
    stream = plan.streams[name]
    return api.StreamConfig(
        name=name,
        subjects=list(stream.subjects),
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_age=stream.max_age_days * _DAY,
        max_msgs=-1,
        max_bytes=-1,
        max_consumers=-1,
        duplicate_window=stream.duplicate_window_seconds,
        num_replicas=replicas,
        allow_atomic=stream.allow_atomic,
    )


def consumer_config(durable: str, plan: Topology) -> api.ConsumerConfig:
    defaults = plan.consumer_defaults
    return api.ConsumerConfig(
        durable_name=durable,
        deliver_policy=api.DeliverPolicy.ALL,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=defaults.ack_wait_seconds,
        max_deliver=defaults.max_deliver,
        max_ack_pending=defaults.max_ack_pending,
        filter_subjects=list(plan.consumers[durable].filter),
    )


async def declare(client: Client, *, replicas: int = 1, plan: Topology | None = None) -> list[str]:
    """Make it so. Returns what was done, one line each; nothing when all was right."""
    plan = plan or topology()
    js = client.jetstream(timeout=30)
    done = []
    for name in plan.streams:
        done += await _stream(js, stream_config(name, plan, replicas))
    for durable in plan.consumers:
        done += await _consumer(js, split_durable(durable)[1].upper(), consumer_config(durable, plan))
    return done


async def clear(client: Client, *, plan: Topology | None = None) -> None:
    """Delete the streams with all they hold. For tests: a fresh bus without a fresh server."""
    plan = plan or topology()
    js = client.jetstream(timeout=30)
    for name in plan.streams:
        try:
            await js.delete_stream(name)
        except NotFoundError:
            continue


async def _stream(js: JetStreamContext, wanted: api.StreamConfig) -> list[str]:
    assert wanted.name
    try:
        present = (await js.stream_info(wanted.name)).config
    except NotFoundError:
        await js.add_stream(wanted)
        return [f"stream {wanted.name} made"]
    if not _differs(present, wanted):
        return []
    await js.update_stream(wanted)
    return [f"stream {wanted.name} changed"]


async def _consumer(js: JetStreamContext, stream: str, wanted: api.ConsumerConfig) -> list[str]:
    assert wanted.durable_name
    try:
        present = (await js.consumer_info(stream, wanted.durable_name)).config
    except NotFoundError:
        await js.add_consumer(stream, wanted)
        return [f"consumer {wanted.durable_name} made"]
    if not _differs(present, wanted):
        return []
    # JetStream's create-or-update: what the consumer has acknowledged stays acknowledged.
    await js.add_consumer(stream, wanted)
    return [f"consumer {wanted.durable_name} changed"]


def _differs(present: Any, wanted: Any) -> bool:
    """Whether a field that we set has another value on the server; a single filter comes back in another field."""
    have = {name: value for name, value in vars(present).items() if value is not None}
    if have.get("filter_subject") and not have.get("filter_subjects"):
        have["filter_subjects"] = [have["filter_subject"]]
    names = wanted.__dataclass_fields__
    unset = type(wanted)()
    return any(
        have.get(name, False) != getattr(wanted, name)  # the server leaves out what is false
        for name in names
        if getattr(wanted, name) not in (None, getattr(unset, name))
    )
