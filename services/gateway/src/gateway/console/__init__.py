"""The web console's files: HTML, CSS and JavaScript as they are, served from memory, without any build step."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from gateway.auth import PUBLIC
from gateway.edge import CONSOLE_POLICY
from gateway.problems import ProblemError

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class _File:
    def __init__(self, name: str, content: bytes) -> None:
        self.content = content
        self.media_type = _TYPES[name[name.rindex(".") :]]
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'


FILES = {
    entry.name: _File(entry.name, entry.read_bytes())
    for entry in resources.files(__name__).iterdir()
    if entry.name.endswith(tuple(_TYPES))
}


def _serve(name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    file = FILES.get(name)
    if file is None:
        raise ProblemError("not_found")
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",  # kept, and asked for again each time
        "Content-Security-Policy": CONSOLE_POLICY,
    }
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


@get("/", include_in_schema=False, opt={PUBLIC: True})
async def index(request: Request[Any, Any, Any]) -> Response[bytes]:
    return _serve("index.html", request)


@get("/console/{name:str}", include_in_schema=False, opt={PUBLIC: True})
async def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    return _serve(name, request)


router = Router("/", route_handlers=[index, file])
