"""What the routes stand on: the bus to ask the services, and the file store for what is too large for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from litestar.response import Stream
from nats.aio.client import Client
from service_kit.bus import Bus, Unavailable, Unknown
from service_kit.files import FileStore
from shared_contracts.decisions import Refused
from shared_contracts.messages import Command, Message, Query
from shared_contracts.registry import FileRef

from gateway.problems import ProblemError, refusal

R = TypeVar("R", bound=Message)

BULK = 60.0
"""Seconds for a command that moves a whole roster."""


class Asks(Protocol):
    """The part of `service_kit.bus.Bus` that the gateway needs, and whether it is connected."""

    @property
    def ready(self) -> bool: ...

    async def ask(self, message: Command | Query, timeout: float = 5.0) -> Any: ...  # noqa: ASYNC109


class LateBus:
    """A bus that may not be there yet: the gateway answers (503) while NATS is still coming up."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._bus: Bus | None = None

    def connected(self, client: Client) -> None:
        self._client, self._bus = client, Bus(client)

    @property
    def ready(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def ask(self, message: Command | Query, timeout: float = 5.0) -> Any:  # noqa: ASYNC109
        if self._bus is None:
            raise Unavailable("not connected to NATS yet")
        return await self._bus.ask(message, timeout)


class Backend:
    def __init__(self, bus: Asks, files: FileStore, max_upload: int, patience: float) -> None:
        self.bus = bus
        self.files = files
        self.max_upload = max_upload
        self._patience = patience

    async def ask(self, message: Command | Query, reply: type[R], timeout: float | None = None) -> R:  # noqa: ASYNC109
        """The reply. `timeout`: seconds, where it may take longer than the usual patience.

        Raises ProblemError for a refusal, BusError where no answer came.
        """
        try:
            answer = await self.bus.ask(message, timeout or self._patience)
        except Unknown:
            if isinstance(message, Query):  # nothing can have happened
                raise ProblemError("timeout", headers={"Retry-After": "2"}) from None
            raise
        if isinstance(answer, Refused):
            raise refusal(answer)
        if not isinstance(answer, reply):
            raise TypeError(f"{type(message).__name__} was answered with {type(answer).__name__}")
        return answer

    async def download(self, file: FileRef, name: str, *, once: bool = False) -> Stream:
        """The plain content of a stored file, opened before the first header is sent. `once`: it is gone afterwards."""
        chunks = self.files.stream(file.id)
        first = await anext(chunks, b"")

        async def content() -> AsyncIterator[bytes]:
            try:
                yield first
                async for chunk in chunks:
                    yield chunk
            finally:
                if once:
                    await self.files.delete(file.id)

        return Stream(
            content(),
            media_type=file.media_type,
            headers={"Content-Disposition": attachment(name), "Content-Length": str(file.size)},
        )


def attachment(name: str) -> str:
    """A Content-Disposition that carries a Chinese file name (RFC 6266, RFC 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
