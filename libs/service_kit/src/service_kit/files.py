"""Files: encrypted at rest, in a local folder or an S3-compatible store (`blobs`, `s3`). One interface for both.

What is stored is a head (magic and a salt from which, with the store's key, the file's own key is derived) and chunks of
64 KiB, each sealed with AES-256-GCM under a nonce that counts, the last one marked, so that a truncated or reordered file
does not open and no nonce meets a key twice.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from shared_contracts.registry import FileRef

from service_kit.blobs import BlobMissing, Blobs, Folder
from service_kit.ids import new_id
from service_kit.settings import Settings, SettingsError

CHUNK = 64 * 1024
_MAGIC = b"XJF1"
_SALT = 16
_TAG = 16


class FileTooLarge(Exception):
    """More bytes than allowed; nothing was kept."""


class FileMissing(Exception):
    """No such file: expired, deleted, or never there."""


class FileBroken(Exception):
    """The stored bytes do not open: changed, truncated, or sealed with another key."""


class FileStore:
    """`put` returns a FileRef that other services may pass on; `read` and `stream` give the plain content back."""

    def __init__(self, where: Path | Blobs, key: bytes) -> None:
        """`where`: a folder, or any other place for sealed bytes. `key`: 32 bytes."""
        self._blobs: Blobs = Folder(where) if isinstance(where, Path) else where
        self._key = key

    @classmethod
    def from_settings(cls, settings: Settings) -> FileStore:
        """A bucket where one is set (`XUEJI_FILES_S3_BUCKET`), else the local folder."""
        if not settings.files_key or not (settings.files_dir or settings.files_s3_bucket):
            raise SettingsError(
                "XUEJI_FILES_KEY (32 bytes, base64) and XUEJI_FILES_DIR or XUEJI_FILES_S3_BUCKET must be set"
            )
        key = base64.b64decode(settings.files_key)
        if len(key) != 32:
            raise SettingsError("XUEJI_FILES_KEY must be 32 bytes, base64")
        store = cls(_place(settings), key)
        store.sweep()
        return store

    def sweep(self) -> int:
        """Remove what a kill left half written (at each start). Returns how many."""
        return self._blobs.sweep()

    async def put(
        self,
        name: str,
        media_type: str,
        content: bytes | AsyncIterable[bytes],
        max_size: int,
        file_id: str | None = None,
    ) -> FileRef:
        """Store a file. `file_id`: a derived id makes a repeat overwrite the same file. Raises FileTooLarge.

        The file appears under its id only when it is whole: a kill leaves nothing that is found.
        """
        file_id = _checked(file_id or new_id())
        size, digest = 0, hashlib.sha256()

        async def sealed() -> AsyncIterator[bytes]:
            nonlocal size
            salt = os.urandom(_SALT)
            sealer = _Sealer(_file_key(self._key, salt), file_id)
            yield _MAGIC + salt
            async for piece in _pieces(content):
                size += len(piece)
                if size > max_size:
                    raise FileTooLarge(f"more than {max_size} bytes")
                digest.update(piece)
                for chunk in sealer.feed(piece):
                    yield chunk
            yield sealer.finish()

        await self._blobs.put(file_id, sealed())
        return FileRef(id=file_id, name=name, size=size, sha256=digest.hexdigest(), media_type=media_type)

    async def read(self, file_id: str) -> bytes:
        return b"".join([chunk async for chunk in self.stream(file_id)])

    async def stream(self, file_id: str) -> AsyncIterator[bytes]:
        """Plain chunks of at most 64 KiB. Raises FileMissing before the first one, FileBroken where it breaks."""
        stored = _Exactly(self._blobs.get(_checked(file_id)))
        try:
            if await stored.read(len(_MAGIC)) != _MAGIC:
                raise FileBroken(f"file {file_id} is not one of ours")
            aead = _file_key(self._key, await stored.read(_SALT))
            number, sealed = 0, await stored.read(CHUNK + _TAG)
            while True:
                following = await stored.read(CHUNK + _TAG)
                try:
                    yield aead.decrypt(_nonce(number), sealed, _context(file_id, last=not following))
                except InvalidTag:
                    raise FileBroken(f"file {file_id} does not open") from None
                if not following:
                    return
                number, sealed = number + 1, following
        except BlobMissing:
            raise FileMissing(f"no file {file_id}") from None
        finally:
            await stored.close()

    async def delete(self, file_id: str) -> None:
        """Gone; deleting what is not there is fine."""
        try:
            blob_id = _checked(file_id)
        except FileMissing:
            return
        await self._blobs.delete(blob_id)


def _place(settings: Settings) -> Blobs:
    if settings.files_s3_bucket:
        from service_kit.s3 import Bucket  # who stores in a folder does not load the client

        return Bucket.from_settings(settings)
    folder = Path(settings.files_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Folder(folder)


def _checked(file_id: str) -> str:
    """An id is no path."""
    if not file_id or not all(c.isalnum() or c == "-" for c in file_id):
        raise FileMissing("not a file id")
    return file_id


class _Exactly:
    """Pieces of any size, read in sizes of ours."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = bytearray()

    async def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end."""
        while len(self._rest) < size:
            piece = await anext(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken

    async def close(self) -> None:
        """Let go of the file, or of the connection, also where not all of it was read."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


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


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece
