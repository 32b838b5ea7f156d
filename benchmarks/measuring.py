"""What is measured beside the clock: processor seconds of every process, and statements sent to PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import httpx
import msgspec
import psutil
from xueji_local.credentials import Credentials
from xueji_local.stack import Stack

SUPERUSER_DATABASE = "postgres"
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


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def round_trips(stack: Stack, services: tuple[str, ...] = ("identity", "registry")) -> dict[str, float]:
    """Statements that each service has sent to PostgreSQL since it started, BEGIN and COMMIT too (`/metrics`)."""
    found = {}
    for name in services:
        text = httpx.get(f"{stack.url_of(name)}/metrics", trust_env=False, timeout=10).raise_for_status().text
        counted = _TRIPS.search(text)
        if counted is None:
            raise RuntimeError(f"{name} does not count its round trips")
        found[name] = float(counted[1])
    return found
