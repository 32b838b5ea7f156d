"""`/health/live`, `/health/ready`, `/metrics` on a port of their own, served from the service's loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[str | None]]
"""None when well, else a short text without data."""


class HealthServer:
    """`checks`: what must be well for the service to be ready, by name."""

    def __init__(self, host: str, port: int, checks: dict[str, Check]) -> None:
        self._checks = checks
        config = uvicorn.Config(
            self._app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="none",
            interface="asgi3",
        )
        self._server = uvicorn.Server(config)

    async def run(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            task = asyncio.create_task(self._server._serve(), name="health")  # serve() would take the signals
            await stop.wait()
            self._server.should_exit = True
            await task

    async def report(self) -> tuple[bool, dict[str, str]]:
        found = {}
        for name, check in self._checks.items():
            try:
                async with asyncio.timeout(2.0):
                    found[name] = await check() or "ok"
            except Exception as error:
                found[name] = type(error).__name__
        return all(state == "ok" for state in found.values()), found

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            status, kind, body = 405, b"application/json", b'{"status":"method not allowed"}'
        elif path == "/health/live":
            status, kind, body = 200, b"application/json", b'{"status":"ok"}'
        elif path == "/health/ready":
            ready, found = await self.report()
            status, kind = (200 if ready else 503), b"application/json"
            body = msgspec.json.encode({"status": "ok" if ready else "not ready", "checks": found})
        elif path == "/metrics":
            status, kind, body = 200, CONTENT_TYPE_LATEST.encode(), generate_latest()
        else:
            status, kind, body = 404, b"application/json", b'{"status":"not found"}'
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})
