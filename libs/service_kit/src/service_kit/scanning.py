"""Looking at files for viruses: clamd's INSTREAM over TCP or a unix socket. Nothing is written to disk for it.

`XUEJI_SCANNER`: `tcp://host:3310`, `unix:/run/clamav/clamd.ctl`, or empty: this installation has no scanner.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterable
from typing import Protocol

import msgspec

from service_kit.settings import Settings, SettingsError

SECONDS = 20.0
"""For one file, from the first byte to the answer."""
PIECE = 64 * 1024
_ANSWER = 4096
_FOUND = re.compile(r"^stream: (.+) FOUND$")


class ScannerAway(Exception):
    """No answer, or one that says nothing about the file: it has to be looked at later."""


class Verdict(msgspec.Struct, frozen=True):
    """`signature`: the virus's name, None for a clean file."""

    signature: str | None

    @property
    def clean(self) -> bool:
        return self.signature is None


class Scanner(Protocol):
    async def scan(self, content: AsyncIterable[bytes]) -> Verdict:
        """Raises ScannerAway. What the content itself raises goes through."""
        ...


class Clamd:
    """A clamd (ClamAV), or whatever speaks its protocol."""

    def __init__(self, address: str, seconds: float = SECONDS) -> None:
        kind, _, rest = address.partition(":")
        host, _, port = rest.removeprefix("//").rpartition(":")
        self._path = rest if kind == "unix" and rest.startswith("/") else ""
        self._host, self._port = (host, int(port)) if kind == "tcp" and host and port.isdigit() else ("", 0)
        if not self._path and not self._host:
            raise SettingsError("XUEJI_SCANNER is no address. Cure: tcp://host:3310 or unix:/run/clamav/clamd.ctl")
        self._seconds = seconds

    async def scan(self, content: AsyncIterable[bytes]) -> Verdict:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._scan(content)
        except TimeoutError:
            raise ScannerAway("no answer in time") from None

    async def _scan(self, content: AsyncIterable[bytes]) -> Verdict:
        try:
            reader, writer = await self._connect()
        except OSError as error:
            raise ScannerAway(type(error).__name__) from None
        try:
            writer.write(b"zINSTREAM\0")
            async for piece in content:
                if not piece:
                    continue  # a length of nothing would end the stream
                try:
                    writer.write(len(piece).to_bytes(4, "big") + piece)
                    await writer.drain()
                except OSError:
                    break  # clamd has heard enough: its answer says why
            try:
                with contextlib.suppress(OSError):
                    writer.write(bytes(4))
                    await writer.drain()
                answer = await reader.read(_ANSWER)
            except OSError as error:
                raise ScannerAway(type(error).__name__) from None
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return _verdict(answer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._path:
            return await asyncio.open_unix_connection(self._path)
        return await asyncio.open_connection(self._host, self._port)


def scanner_of(settings: Settings) -> Scanner | None:
    """The scanner of this installation. Raises SettingsError for an address that is none."""
    return Clamd(settings.scanner) if settings.scanner else None


def _verdict(answer: bytes) -> Verdict:
    text = answer.rstrip(b"\0\n").decode("utf-8", errors="replace")
    if text == "stream: OK":
        return Verdict(None)
    if found := _FOUND.match(text):
        return Verdict(found[1][:200])
    # Too large for its limits, out of memory, no answer at all.
    raise ScannerAway("the scanner gave no verdict")
