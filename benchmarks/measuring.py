"""What is measured beside the clock: processor seconds of every process, and statements sent to PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence

import httpx
import msgspec
import psutil
from xueji_local.credentials import Credentials
from xueji_local.stack import Stack

SUPERUSER_DATABASE = "postgres"
COUNTED = ("identity", "registry")
"""Services whose statements are counted."""
_TRIPS = re.compile(r"^db_round_trips_total (\S+)$", re.MULTILINE)


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where PostgreSQL and NATS are. `postgres`: `host:port`."""

    postgres: str
    nats_url: str
    credentials: Credentials

    def postgres_url(self, database: str, role: str = "postgres") -> str:
        secret = self.credentials.postgres if role == "postgres" else self.credentials.role(role)
        return f"postgresql://{role}:{secret}@{self.postgres}/{database}"


def cpu_of(stack: Stack) -> dict[str, float]:
    """Processor seconds (user and system) so far, by program, its children with it; `client` is this process."""
    pids = {child.program.name: child.pid for child in stack.children}
    if stack.postgres and stack.nats:
        pids |= {"postgres": stack.postgres.pid, "nats": stack.nats.pid}
    found = {name: _family(pid) for name, pid in pids.items() if pid}
    return found | {"client": _family(os.getpid(), children=False)}


def _family(pid: int, *, children: bool = True) -> float:
    """Those that have ended and were waited for count with their parent."""
    root = psutil.Process(pid)
    times = root.cpu_times()
    total = times.user + times.system
    if not children:
        return total
    total += times.children_user + times.children_system
    for child in root.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:  # it ends now, and counts with its parent
            continue
        total += own.user + own.system
    return total


def round_trips(stack: Stack, services: Sequence[str] = COUNTED) -> dict[str, float]:
    """Statements that each service has sent to PostgreSQL since it started, BEGIN and COMMIT too (`/metrics`)."""
    found = {}
    for name in services:
        text = httpx.get(f"{stack.url_of(name)}/metrics", trust_env=False, timeout=10).raise_for_status().text
        counted = _TRIPS.search(text)
        if counted is None:
            raise RuntimeError(f"{name} does not count its round trips")
        found[name] = float(counted[1])
    return found


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Between two readings. `cpu`: processor seconds by program; `trips`: statements by service."""

    seconds: float
    cpu: dict[str, float]
    trips: dict[str, float]


class Meter:
    """Runs from when it is made; what happens while it is paused does not count."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._begun = self._reading()

    def _reading(self) -> Used:
        return Used(cpu=cpu_of(self._stack), trips=round_trips(self._stack), seconds=time.perf_counter())

    def read(self) -> Used:
        return _minus(self._reading(), self._begun)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        before = self.read()
        yield
        self._begun = _minus(self._reading(), before)


def _minus(later: Used, earlier: Used) -> Used:
    return Used(
        seconds=later.seconds - earlier.seconds,
        cpu={name: count - earlier.cpu.get(name, 0.0) for name, count in later.cpu.items()},
        trips={name: count - earlier.trips[name] for name, count in later.trips.items()},
    )
