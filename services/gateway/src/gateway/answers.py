"""What an operation answers with: the thing as it is now."""

from __future__ import annotations

from typing import Protocol, TypeVar

from litestar import Response

from gateway.idempotency import etag


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


def versioned(view: V, location: str, status: int = 200) -> Response[V]:
    """The thing with its version as ETag; where it was made by this (201), or begins (202), with its address too."""
    headers = etag(view.version)
    if status in (201, 202):
        headers["Location"] = location
    return Response(view, status_code=status, headers=headers)
