"""Files: encrypted at rest, in a local folder. One interface; object storage comes behind it in production.

A file is `<dir>/<2 last>/<id>`: a head (magic and a salt from which, with the store's key, the file's own key is derived)
and chunks of 64 KiB, each sealed with AES-256-GCM under a nonce that counts, the last one marked, so that a truncated or
reordered file does not open and no nonce meets a key twice.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from shared_contracts.registry import FileRef

from service_kit.ids import new_id
from service_kit.settings import Settings, SettingsError

CHUNK = 64 * 1024
_MAGIC = b"XJF1"
_SALT = 16
_TAG = 16
_PART_SECONDS = 3600.0  # no upload is still being written after that


class FileTooLarge(Exception):
    """More bytes than allowed; nothing was kept."""


class FileMissing(Exception):
    """No such file: expired, deleted, or never there."""


class FileBroken(Exception):
    """The stored bytes do not open: changed, truncated, or sealed with another key."""


class FileStore:
    """`put` returns a FileRef that other services may pass on; `read` and `stream` give the plain content back."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key

    @classmethod
    def from_settings(cls, settings: Settings) -> FileStore:
        if not settings.files_dir or not settings.files_key:
            raise SettingsError("XUEJI_FILES_DIR and XUEJI_FILES_KEY (32 bytes, base64) must be set")
        key = base64.b64decode(settings.files_key)
        if len(key) != 32:
            raise SettingsError("XUEJI_FILES_KEY must be 32 bytes, base64")
        folder = Path(settings.files_dir)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = cls(folder, key)
        store.sweep()
        return store

    def sweep(self) -> int:
        """Remove what a kill left half written (at each start). Returns how many."""
        long_ago = time.time() - _PART_SECONDS
        swept = 0
        for part in self._folder.glob("*/*.part"):
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_mtime < long_ago:
                    part.unlink()
                    swept += 1
        return swept

    def _path(self, file_id: str) -> Path:
        if not file_id or not all(c.isalnum() or c == "-" for c in file_id):
            raise FileMissing("not a file id")
        return self._folder / file_id[-2:] / file_id

    async def put(
        self,
        name: str,
        media_type: str,
        content: bytes | AsyncIterable[bytes],
        max_size: int,
        file_id: str | None = None,
    ) -> FileRef:
        """Store a file. `file_id`: a derived id makes a repeat overwrite the same file. Raises FileTooLarge.

        The file appears under its id only when it is whole: a kill leaves a `.part` that is swept.
        """
        file_id = file_id or new_id()
        path = self._path(file_id)
        part = path.with_suffix(f".{new_id()}.part")  # two that store one id at once: each its own, the last one stays
        size, digest = 0, hashlib.sha256()
        try:
            await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
            with await asyncio.to_thread(_create, part) as out:
                salt = os.urandom(_SALT)
                sealer = _Sealer(_file_key(self._key, salt), file_id)
                out.write(_MAGIC + salt)
                async for piece in _pieces(content):
                    size += len(piece)
                    if size > max_size:
                        raise FileTooLarge(f"more than {max_size} bytes")
                    digest.update(piece)
                    out.writelines(sealer.feed(piece))
                out.write(sealer.finish())
                out.flush()
                await asyncio.to_thread(os.fsync, out.fileno())
            await asyncio.to_thread(part.replace, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
        return FileRef(id=file_id, name=name, size=size, sha256=digest.hexdigest(), media_type=media_type)

    async def read(self, file_id: str) -> bytes:
        return b"".join([chunk async for chunk in self.stream(file_id)])

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        """Plain chunks of at most 64 KiB. Raises FileMissing before the first one, FileBroken where it breaks."""
        path = self._path(file_id)
        try:
            stored = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            raise FileMissing(f"no file {file_id}") from None
        with stored:
            if stored.read(len(_MAGIC)) != _MAGIC:
                raise FileBroken(f"file {file_id} is not one of ours")
            aead = _file_key(self._key, stored.read(_SALT))
            number, sealed = 0, stored.read(CHUNK + _TAG)
            while True:
                following = await asyncio.to_thread(stored.read, CHUNK + _TAG)
                try:
                    yield aead.decrypt(_nonce(number), sealed, _context(file_id, last=not following))
                except InvalidTag:
                    raise FileBroken(f"file {file_id} does not open") from None
                if not following:
                    return
                number, sealed = number + 1, following

    async def delete(self, file_id: str) -> None:
        """Gone; deleting what is not there is fine."""
        with contextlib.suppress(FileNotFoundError, FileMissing):
            await asyncio.to_thread(self._path(file_id).unlink)


class _Sealer:
    def __init__(self, aead: AESGCM, file_id: str) -> None:
        self._aead, self._file_id, self._number, self._rest = aead, file_id, 0, b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        self._rest += piece
        while len(self._rest) > CHUNK:  # the last chunk, even a full one, waits for finish()
            chunk, self._rest = self._rest[:CHUNK], self._rest[CHUNK:]
            yield self._seal(chunk, last=False)

    def finish(self) -> bytes:
        return self._seal(self._rest, last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> bytes:
        sealed = self._aead.encrypt(_nonce(self._number), chunk, _context(self._file_id, last=last))
        self._number += 1
        return sealed


def _file_key(store_key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"xueji-file").derive(store_key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _context(file_id: str, *, last: bool) -> bytes:
    return f"{file_id}:{'last' if last else 'more'}".encode()


def _create(path: Path):  # type: ignore[no-untyped-def]
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: PTH123 - mode 0600


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece
