"""The service's side of a child process (`jobs`): started for one file, ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Literal

from registry.rosters.frames import HEAD

Job = Literal[
    "check",
    "returned",
    "sheets",
    "export",
    "organisations",
    "plans",
    "zones",
    "children",
    "notices",
    "pdf",
    "junior_intake",
    "attendance",
]

_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "TZ", "HOME", "LD_LIBRARY_PATH")
"""Of our environment the child sees this: none of our settings, none of our keys."""


class ChildDied(Exception):
    """The child ended before it had answered: its limits, a parser's fault, or somebody killed it."""

    def __init__(self, job: str, status: int | None) -> None:
        super().__init__(f"the child for {job} ended with {status}")


class Child:
    """Frames to and from one child."""

    def __init__(self, job: Job, process: asyncio.subprocess.Process) -> None:
        self._job, self._process = job, process

    async def send(self, body: bytes) -> None:
        """Raises ChildDied."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(HEAD.pack(len(body)))
            stdin.write(body)
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError, RuntimeError):  # uvloop's word for a pipe that is closed
            raise ChildDied(self._job, await self._status()) from None

    async def _status(self) -> int | None:
        """How it ended, for the log: it is not always reaped yet when its pipe is found closed."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._process.wait(), 1.0)
        return None

    def close(self) -> None:
        """There is no more to send."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def receive(self) -> bytes | None:
        """The next frame; None where the child has ended well. Raises ChildDied."""
        stdout = self._process.stdout
        assert stdout is not None
        try:
            (size,) = HEAD.unpack(await stdout.readexactly(HEAD.size))
            return await stdout.readexactly(size)
        except asyncio.IncompleteReadError as broken:
            status = await self._process.wait()
            if status == 0 and not broken.partial:
                return None
            raise ChildDied(self._job, status) from None

    async def answer(self) -> bytes:
        """The next frame, where there must be one."""
        frame = await self.receive()
        if frame is None:
            raise ChildDied(self._job, 0)
        return frame


@contextlib.asynccontextmanager
async def child(job: Job, module: str = "registry.rosters.jobs", **more: str) -> AsyncIterator[Child]:
    """A child for one job of a module. Leaving the block ends it, whatever it is doing. `more`: added to its environment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        job,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | more,
        limit=1024 * 1024,
    )
    try:
        yield Child(job, process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.shield(process.wait())
