"""Where stored files lie: sealed bytes under an id. A local folder; an S3-compatible store is in `s3`.

Neither knows what it holds: `files` seals before and opens after. Both pass the same contract (`tests/test_files.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from service_kit.ids import new_id

_PART_SECONDS = 3600.0  # no upload is still being written after that
_READ = 256 * 1024


class BlobMissing(Exception):
    """Nothing lies under this id."""


class BlobsAway(Exception):
    """The store cannot be reached, or refuses us: tried again later. The text carries no key and no address."""


class Blobs(Protocol):
    async def put(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        """Under its id only when it is whole; where `pieces` raises, nothing is. The last one to be stored stays."""

    def get(self, blob_id: str) -> AsyncIterator[bytes]:
        """Pieces of any size. Raises BlobMissing before the first."""
        ...

    async def delete(self, blob_id: str) -> None:
        """Deleting what is not there is fine."""

    def sweep(self) -> int:
        """Remove what a kill left half written (at each start). Returns how many."""
        ...


class Folder:
    """A local folder: `<dir>/<2 last>/<id>`, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sweep(self) -> int:
        long_ago = time.time() - _PART_SECONDS
        swept = 0
        for part in self._folder.glob("*/*.part"):
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_mtime < long_ago:
                    part.unlink()
                    swept += 1
        return swept

    def _path(self, blob_id: str) -> Path:
        return self._folder / blob_id[-2:] / blob_id

    async def put(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        path = self._path(blob_id)
        part = path.with_suffix(f".{new_id()}.part")  # two that store one id at once: each its own, the last one stays
        try:
            await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
            with await asyncio.to_thread(_create, part) as out:
                async for piece in pieces:
                    out.write(piece)
                out.flush()
                await asyncio.to_thread(os.fsync, out.fileno())
            await asyncio.to_thread(part.replace, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()

    async def get(self, blob_id: str) -> AsyncIterator[bytes]:
        try:
            stored = await asyncio.to_thread(self._path(blob_id).open, "rb")
        except FileNotFoundError:
            raise BlobMissing from None
        with stored:
            while piece := await asyncio.to_thread(stored.read, _READ):
                yield piece

    async def delete(self, blob_id: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(self._path(blob_id).unlink)


def _create(path: Path):  # type: ignore[no-untyped-def]
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: PTH123 - mode 0600
