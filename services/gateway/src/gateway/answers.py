"""What operations answer with, beside plain values: a thing with its version, a file, what is published to all."""

from __future__ import annotations

from typing import Protocol, TypeVar

from litestar import Response

from gateway.backend import attachment
from gateway.idempotency import etag


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


class Made(Protocol):
    """A file that was made for this answer."""

    @property
    def name(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> bytes: ...


V = TypeVar("V", bound=Versioned)


def versioned(view: V, location: str, status: int = 200) -> Response[V]:
    """The thing with its version as ETag; where it was made by this (201), or begins (202), with its address too."""
    headers = etag(view.version)
    if status in (201, 202):
        headers["Location"] = location
    return Response(view, status_code=status, headers=headers)


def download(made: Made) -> Response[bytes]:
    return Response(made.content, media_type=made.media_type, headers={"Content-Disposition": attachment(made.name)})


def public(document: str) -> Response[bytes]:
    """A document (JSON) that anybody may read and count anew; whoever stands between may keep it for a short while."""
    headers = {"Cache-Control": "public, max-age=30"}
    return Response(document.encode(), media_type="application/json", headers=headers)
