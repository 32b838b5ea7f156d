"""One contract for the file store, wherever the bytes lie: in a folder, or in a bucket of an S3-speaking server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from kit_s3 import KEY, S3Process
from service_kit.blobs import BlobsAway
from service_kit.files import CHUNK, FileBroken, FileMissing, FileStore, FileTooLarge
from service_kit.settings import Settings, SettingsError

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * 1024 * 1024 + 5]


class Place:
    """A store, and a way past it to the sealed bytes."""

    def __init__(self, store: FileStore, folder: Path | None, s3: S3Process | None) -> None:
        self.store, self._folder, self._s3 = store, folder, s3

    def names(self) -> list[str]:
        if self._s3 is not None:
            return self._s3.names()
        assert self._folder is not None
        return [path.name for path in self._folder.rglob("*") if path.is_file()]

    def raw(self, file_id: str) -> bytes:
        if self._s3 is not None:
            return self._s3.raw(f"{file_id[-2:]}/{file_id}")
        assert self._folder is not None
        return next(self._folder.rglob(file_id)).read_bytes()

    def replace(self, file_id: str, content: bytes) -> None:
        if self._s3 is not None:
            self._s3.replace(f"{file_id[-2:]}/{file_id}", content)
        else:
            assert self._folder is not None
            next(self._folder.rglob(file_id)).write_bytes(content)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Process]:
    with S3Process() as process:
        yield process


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place(FileStore.from_settings(Settings(files_key=KEY, files_dir=str(tmp_path))), tmp_path, None)
    process: S3Process = request.getfixturevalue("s3")
    return Place(FileStore.from_settings(process.settings), None, process)


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_comes_back_whole_and_lies_sealed(place: Place, size: int) -> None:
    content = os.urandom(size)
    ref = await place.store.put("名册.xlsx", "application/x", pieces(content), max_size=10**8)
    assert (ref.size, await place.store.read(ref.id)) == (size, content)
    assert content[:64] not in place.raw(ref.id) or size < 8
    chunks = [chunk async for chunk in place.store.stream(ref.id)]
    assert max(map(len, chunks)) <= CHUNK
    await place.store.delete(ref.id)
    await place.store.delete(ref.id)
    with pytest.raises(FileMissing):
        await place.store.read(ref.id)


async def test_a_repeat_under_one_id_is_one_file(place: Place) -> None:
    for content in (b"one", b"two"):
        ref = await place.store.put("a", "x", content, 10, file_id="the-same")
        assert await place.store.read(ref.id) == content
    assert sum("the-same" in name for name in place.names()) == 1
    await asyncio.gather(*(place.store.put("a", "x", b"%d" % n, 10, file_id="the-same") for n in range(5)))
    assert await place.store.read("the-same") in {b"%d" % n for n in range(5)}
    await place.store.delete("the-same")


@pytest.mark.parametrize("size", [5, 20_000_000])
async def test_what_is_too_large_leaves_nothing(place: Place, size: int) -> None:
    before = place.names()
    with pytest.raises(FileTooLarge):
        await place.store.put("a", "x", pieces(bytes(size)), max_size=size - 1, file_id="large")
    with pytest.raises(FileMissing):
        await place.store.read("large")
    assert place.names() == before


async def test_what_breaks_off_leaves_nothing(place: Place) -> None:
    class Gone(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(9_000_000)
        raise Gone

    before = place.names()
    with pytest.raises(Gone):
        await place.store.put("a", "x", broken(), 10**8, file_id="broken")
    assert place.names() == before


async def test_a_changed_truncated_or_exchanged_file_does_not_open(place: Place) -> None:
    one = await place.store.put("a", "x", os.urandom(3 * CHUNK), 10**7)
    two = await place.store.put("b", "x", os.urandom(3 * CHUNK), 10**7)
    whole = place.raw(one.id)
    for other in (
        whole[: len(whole) - CHUNK - 16],
        whole[:-1],
        whole[:100] + b"x" + whole[101:],
        place.raw(two.id),
        b"",
    ):
        place.replace(one.id, other)
        with pytest.raises(FileBroken):
            await place.store.read(one.id)


async def test_a_reader_may_leave_early(place: Place) -> None:
    ref = await place.store.put("a", "x", os.urandom(4_000_000), 10**7)
    for _ in range(20):
        chunks = place.store.stream(ref.id)
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
    assert len(await place.store.read(ref.id)) == 4_000_000


@pytest.mark.parametrize("bad", ["../../etc/passwd", "", "a/b", "a.b"])
async def test_an_id_is_no_path(place: Place, bad: str) -> None:
    with pytest.raises(FileMissing):
        await place.store.read(bad)
    if bad:
        with pytest.raises(FileMissing):
            await place.store.put("a", "x", b"", 1, file_id=bad)
    await place.store.delete(bad)


async def test_uploads_that_were_given_up_are_told_to_the_store(s3: S3Process) -> None:
    store = FileStore.from_settings(s3.settings)
    with pytest.raises(FileTooLarge):
        await store.put("a", "x", pieces(bytes(30_000_000), 1_000_000), max_size=29_000_000)
    assert s3.uploads() == 0


async def test_a_store_that_is_away_is_said_to_be_away_and_no_more() -> None:
    with S3Process() as process:
        store = FileStore.from_settings(process.settings)
        ref = await store.put("a", "x", b"content", 10)
        process.stop()
        settings = msgspec.structs.replace(process.settings)
        store = FileStore.from_settings(settings)
        with pytest.raises(BlobsAway) as away:
            await store.put("a", "x", b"content", 10)
        assert "127.0.0.1" not in str(away.value)
        with pytest.raises(BlobsAway):
            await store.read(ref.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"files_s3_endpoint": ""},
        {"files_s3_access_key": ""},
        {"files_s3_secret_key": ""},
        {"files_key": ""},
        {"files_key": "QUFB"},
        {"env": "production"},
    ],
)
def test_what_a_bucket_needs(s3: S3Process, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        FileStore.from_settings(msgspec.structs.replace(s3.settings, **wrong))


def test_without_a_place_there_is_no_store() -> None:
    with pytest.raises(SettingsError):
        FileStore.from_settings(Settings(files_key=KEY))
