"""clamd's INSTREAM, against a program of its own that speaks it: verdicts, and every way of giving none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from kit_clamd import EICAR, LONGEST, ClamdProcess
from service_kit.scanning import Clamd, ScannerAway, scanner_of
from service_kit.settings import Settings, SettingsError


async def pieces(*some: bytes) -> AsyncIterator[bytes]:
    for piece in some:
        yield piece


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    with ClamdProcess("" if request.param == "tcp" else f"unix:{tmp_path}/clamd.ctl") as process:
        yield process


@pytest.mark.clause("45.3")
async def test_a_clean_file_and_a_virus(clamd: ClamdProcess) -> None:
    scanner = Clamd(clamd.address)
    assert (await scanner.scan(pieces(b"nothing", b"", b"bad"))).clean
    assert (await scanner.scan(pieces())).clean
    found = await scanner.scan(pieces(b"before" + EICAR[:20], EICAR[20:] + b"behind"))
    assert (found.clean, found.signature) == (False, "Eicar-Test-Signature")


@pytest.mark.clause("45.3")
async def test_what_is_too_large_for_the_scanner_has_no_verdict(clamd: ClamdProcess) -> None:
    with pytest.raises(ScannerAway):
        await Clamd(clamd.address).scan(pieces(*[bytes(1_000_000)] * (LONGEST // 1_000_000 + 2)))


@pytest.mark.clause("45.3")
async def test_a_scanner_that_is_gone_has_no_verdict(clamd: ClamdProcess) -> None:
    clamd.stop()
    with pytest.raises(ScannerAway):
        await Clamd(clamd.address).scan(pieces(b"x"))


async def serve(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> asyncio.Server:
    return await asyncio.start_server(answer, "127.0.0.1", 0)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "said", [b"", b"stream: \0", b"OK\0", b"stream: OK FOUND later\0", b"\xff\xfe", b"INSTREAM ERROR\0"]
)
async def test_an_answer_that_is_none_is_no_verdict(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(said)
        writer.close()

    async with await serve(answer) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ScannerAway):
            await Clamd(f"tcp://127.0.0.1:{port}").scan(pieces(b"x"))


@pytest.mark.clause("45.3")
async def test_a_scanner_that_does_not_answer_is_not_waited_for() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    server = await serve(answer)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ScannerAway):
        await Clamd(f"tcp://127.0.0.1:{port}", seconds=0.2).scan(pieces(b"x"))
    server.close()


async def test_what_the_content_raises_goes_through(clamd: ClamdProcess) -> None:
    class Broken(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise Broken

    with pytest.raises(Broken):
        await Clamd(clamd.address).scan(broken())


@pytest.mark.parametrize(
    "address", ["localhost:3310", "tcp://", "tcp://host", "tcp://host:x", "unix:relative", "http://host:80", "unix:"]
)
def test_an_address_that_is_none_is_said_to_be_none(address: str) -> None:
    with pytest.raises(SettingsError):
        Clamd(address)


def test_without_an_address_there_is_no_scanner() -> None:
    assert scanner_of(Settings()) is None
    assert scanner_of(Settings(scanner="tcp://127.0.0.1:3310")) is not None
