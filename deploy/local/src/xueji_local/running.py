"""Who runs: one supervisor at a time (a lock that dies with its holder), and the children it has started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

import msgspec
import psutil

from xueji_local.credentials import write_private
from xueji_local.layout import Layout


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process and when it began (`_began`): a number that is used again does not fool us."""

    pid: int
    began: float

    def find(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(self.pid)
            if _began(self.pid) == self.began and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


def _began(pid: int) -> float:
    """Clock ticks since boot on Linux, where a clock that is set does not move it; else seconds since the epoch."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return float(stat.read_text().rpartition(")")[2].split()[19])
    return round(psutil.Process(pid).create_time())


class Supervisor(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock. `mode`: `run` (foreground) or `up` (background)."""

    process: Process
    mode: str


def this_process(pid: int | None = None) -> Process:
    pid = pid or os.getpid()
    return Process(pid=pid, began=_began(pid))


class Lock:
    """Held by the one supervisor of a home, released by the kernel however it ends."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.lock
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is ours. Whoever only looks who runs has it for an instant: that is waited for."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + _LOOK_SECONDS
        while True:
            over = time.monotonic() > end
            if _locked(file, fcntl.LOCK_EX):
                self._file = file
                return True
            if over:
                os.close(file)
                return False
            time.sleep(0.02)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


_LOOK_SECONDS = 2.0


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_running(layout: Layout) -> bool:
    """Looked for with a lock that others who look may have as well: two of them do not take each other for a supervisor."""
    try:
        file = os.open(layout.lock, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):  # what is wrong with the place is told when it is used
        return False
    try:
        return not _locked(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def supervisor(layout: Layout) -> Supervisor | None:
    """The running supervisor, or None; a file that a killed one left does not count."""
    if not is_running(layout):
        return None
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode(layout.supervisor.read_bytes(), type=Supervisor)
        if found.process.find():
            return found
    return None


def write_supervisor(layout: Layout, mode: str) -> None:
    write_private(layout.supervisor, msgspec.json.encode(Supervisor(process=this_process(), mode=mode)))


class Children:
    """The file of started children; the next supervisor ends what a killed one left."""

    def __init__(self, layout: Layout) -> None:
        self._file: Path = layout.children
        self._known: dict[str, Process] = {}

    def add(self, name: str, pid: int) -> None:
        with contextlib.suppress(psutil.Error, OSError):  # it has ended already
            self._known[name] = this_process(pid)
            self._write()

    def remove(self, name: str) -> None:
        if self._known.pop(name, None):
            self._write()

    def _write(self) -> None:
        write_private(self._file, msgspec.json.encode(self._known))

    @staticmethod
    def read(layout: Layout) -> dict[str, Process]:
        try:
            return msgspec.json.decode(layout.children.read_bytes(), type=dict[str, Process])
        except (OSError, msgspec.MsgspecError):
            return {}


PATIENCE = 20.0
"""Seconds that a leftover gets to end by itself."""


def end_leftovers(layout: Layout) -> list[str]:
    """End the children of a supervisor that was killed. Returns their names.

    On Linux the kernel has told them to end when it died; elsewhere, or when one hangs, this is what ends them.
    """
    left = {name: p for name, child in Children.read(layout).items() if (p := child.find())}
    for name, process in left.items():
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(list(left.values()), timeout=PATIENCE)
    for process in alive:
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    layout.children.unlink(missing_ok=True)
    return list(left)
