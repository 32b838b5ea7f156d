"""A service as a supervised child process: started, watched, started again with growing pauses."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil

from xueji_local import interrupt
from xueji_local.processes import spawn, stop, tail
from xueji_local.servers import ServerProblem

SERVICES = ("matcher", "identity", "registry", "transfer", "notifications", "access", "gateway")
"""In the order in which they start."""

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_SECONDS = 60.0
"""Alive for so long: its next end is a new trouble and not the old one."""
START_TRIES = 3
STOP_SECONDS = 20.0
"""From SIGTERM to SIGKILL: a service finishes what is under way."""


class External(msgspec.Struct, frozen=True, kw_only=True):
    """Servers that somebody else runs (the end-to-end tests): the superuser's and the users' passwords are those of
    `secrets/credentials.json`."""

    postgres_host: str
    postgres_port: int
    nats_url: str


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `port`: where `/health/ready` answers on 127.0.0.1. `start_seconds`: when it counts as stuck."""

    name: str
    args: tuple[str, ...]
    environment: dict[str, str]
    port: int
    start_seconds: float = 180.0


def service(name: str, environment: dict[str, str], port: int) -> Program:
    """A service that serves: without the owner's password, which `migrate` alone needs."""
    least = {key: value for key, value in environment.items() if key != "XUEJI_MIGRATION_DATABASE_URL"}
    return Program(name=name, args=(sys.executable, "-m", name, "serve"), environment=least, port=port)


class Child:
    """One program's process over its restarts. All calls from the main thread (see `processes.spawn`)."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.ends = 0
        """How often it has ended by itself since it was last steady."""
        self._started = 0.0
        self._again_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.alive() and self.process else None

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        base = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")}
        self.process = spawn(
            self.program.args, log=self.log, env=base | {"PYTHONUNBUFFERED": "1"} | self.program.environment
        )
        self._started = time.monotonic()
        self._again_at = None

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, (signal.SIGTERM, STOP_SECONDS))
            self.process = None
        self._again_at = None

    def ready(self) -> bool:
        """Whether it answers, and it is our process that does: somebody else may have taken the port meanwhile."""
        return self._answers() and self._listens()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _listens(self) -> bool:
        """The process or one of its workers has the port."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid or 0)
            family = [process, *process.children(recursive=True)]
            open_ports = (
                c.laddr.port for p in family for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN
            )
            return self.program.port in open_ports
        return False

    def wait_ready(self) -> None:
        """Until it is ready, over at most START_TRIES starts. Raises ServerProblem with the end of its log."""
        while True:
            interrupt.check()
            if not self.alive():
                code = self.process.returncode if self.process else None
                self.ends += 1
                if self.ends >= START_TRIES:
                    raise ServerProblem(
                        f"{self.program.name} ends at start, {self.ends} times, the last time {ended(code)}. "
                        f"The end of {self.log}:\n{tail(self.log)}\n"
                        "Cure: what the log says (a port that was taken meanwhile: start again, another is chosen); "
                        "`make reset` starts from nothing (and deletes the data)."
                    )
                time.sleep(_PAUSES[self.ends - 1])
                self.start()
            elif self.ready():
                self.ends = 0
                return
            elif time.monotonic() - self._started > self.program.start_seconds:
                raise ServerProblem(
                    f"{self.program.name} has not become ready in {self.program.start_seconds:.0f} s"
                    f"{f' and another program answers on its port {self.program.port}' if self._answers() else ''}. "
                    f"The end of {self.log}:\n{tail(self.log)}"
                )
            else:
                time.sleep(0.05)

    def watch(self) -> str | None:
        """Called now and then: start it again when it is time. Returns what there is to tell."""
        if self.alive():
            if self.ends and time.monotonic() - self._started > _STEADY_SECONDS:
                self.ends = 0
            return None
        if self._again_at is None:
            code = self.process.returncode if self.process else None
            pause = _PAUSES[min(self.ends, len(_PAUSES) - 1)]
            self.ends += 1
            self._again_at = time.monotonic() + pause
            told = f"{self.program.name} {ended(code)}, starts again in {pause:g} s"
            if self.ends >= START_TRIES:
                told += f" (for the {self.ends}th time; its log: {self.log}):\n{tail(self.log, 6)}"
            return told
        if time.monotonic() >= self._again_at:
            self.start()
            return f"{self.program.name} is started again"
        return None


def ended(code: int | None) -> str:
    """`was killed by SIGKILL`, `ended with code 1`."""
    if code is None:
        return "did not start"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
