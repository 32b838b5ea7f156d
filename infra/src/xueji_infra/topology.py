"""The topology as typed values: services, NATS users, streams and durable consumers, out of `topology.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`asks`: subjects of other services' commands and queries that it may send, `never`: but for these."""

    database: bool
    asks: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A NATS user that is no service. `replays`: streams whose dead letters it may send again."""

    asks: tuple[str, ...] = ()
    replays: tuple[str, ...] = ()


class Stream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    subjects: tuple[str, ...]
    max_age_days: int
    duplicate_window_seconds: int
    allow_atomic: bool


class Consumer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    filter: tuple[str, ...]


class ConsumerDefaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ack_wait_seconds: int
    max_deliver: int
    max_ack_pending: int


class Topology(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    services: dict[str, Service]
    users: dict[str, Person]
    streams: dict[str, Stream]
    consumers: dict[str, Consumer]
    consumer_defaults: ConsumerDefaults

    def __post_init__(self) -> None:
        for durable in self.consumers:
            reader, source = split_durable(durable)
            if reader not in self.services or source.upper() not in self.streams:
                raise ValueError(f"consumer {durable}: no such service or stream")

    @property
    def databases(self) -> tuple[str, ...]:
        """Services that own a database."""
        return tuple(name for name, service in self.services.items() if service.database)

    @property
    def nats_users(self) -> tuple[str, ...]:
        """Every NATS user but the administrator."""
        return (*self.services, *self.users)

    def consumed_by(self, service: str) -> tuple[tuple[str, str], ...]:
        """(stream, durable) of each consumer of a service."""
        split = ((split_durable(durable), durable) for durable in self.consumers)
        return tuple((source.upper(), durable) for (reader, source), durable in split if reader == service)


def split_durable(durable: str) -> tuple[str, str]:
    """`registry-identity` -> consumer `registry`, source `identity`: the service whose stream it is, or `audit`."""
    reader, _, source = durable.partition("-")
    return reader, source


@cache
def topology() -> Topology:
    text = resources.files("xueji_infra").joinpath("topology.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Topology)
