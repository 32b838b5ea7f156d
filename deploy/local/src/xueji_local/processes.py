"""Child processes that never outlive us: a process group of their own, and on Linux a signal when we die."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Identity(NamedTuple):
    """The user that a child runs as."""

    uid: int
    gid: int


def spawn(
    args: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    identity: Identity | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child with its output appended to `log`.

    It leads a process group of its own, so that Ctrl-C in the terminal reaches us alone and we stop the children in
    order. On Linux the kernel sends it `death_signal` when we die, however we die. The kernel means the *thread* that
    started it: call this from the main thread.
    """
    parent = os.getpid()

    def after_fork() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # we died between fork and prctl
                os._exit(1)

    who = {"user": identity.uid, "group": identity.gid, "extra_groups": []} if identity else {}
    with log.open("ab") as out:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            process_group=0,
            preexec_fn=after_fork,  # noqa: PLW1509 - no thread of ours holds a lock that ctypes needs
            **who,  # type: ignore[call-overload]
        )
        return process


def stop(process: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait its seconds; at the end whatever is left of the group is killed."""
    for number, seconds in signals or ((signal.SIGTERM, 10.0),):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on at this moment, below the range from which the kernel takes the ports of
    outgoing connections: else, while a server restarts, some client's own end could sit on its port.

    Nobody else of ours is given it as long as we live: from here to the server that listens on it, and while that one
    restarts, seconds go by in which it is free.
    """
    for _ in range(200):
        port = random.randint(15000, 32000)  # noqa: S311 - no secret
        if port not in _GIVEN and _promised(port) and port_is_free(port):
            _GIVEN.add(port)
            return port
    raise OSError("no free loopback port between 15000 and 32000")


_GIVEN: set[int] = set()


@functools.cache
def _promises() -> int | None:
    """One file for all processes of a user: whoever has locked its nth byte has been given port n. The locks go with the
    process; its children have none of them."""
    path = Path(tempfile.gettempdir()) / f"xueji-ports-{os.geteuid()}"
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return None


def _promised(port: int) -> bool:
    """Whether it is ours from now on. Where there is no place for such a file everything is."""
    if (file := _promises()) is None:
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a message to a person."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 32_768))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


def wait_until(
    ready: Callable[[], bool],
    alive: Callable[[], bool],
    seconds: float,
    check: Callable[[], None] = lambda: None,
    step: float = 0.02,
) -> bool:
    """Whether `ready` came true while `alive` and within `seconds`; it is looked at once more when they are over. What
    `check` raises goes to the caller."""
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() > end
        if ready():
            return True
        check()
        if over or not alive():
            return False
        time.sleep(step)
