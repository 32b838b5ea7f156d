"""The outermost layer: a span, the counters, one log line and the security headers for each request, matched or not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send
from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Counter, Histogram
from service_kit.clock import Clock
from service_kit.telemetry import span

log = logging.getLogger("gateway.access")

REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "http_request_seconds",
    "Time to the last byte, but for event streams",
    ["method", "route"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"))
_TRACE = frozenset((b"traceparent", b"tracestate"))
_QUIET = frozenset(("/health/live", "/health/ready", "/metrics"))
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


_SMALL = 65_536
"""Bytes of a body that is taken to its end though the answer does not need it."""
_PATIENCE = 2.0
"""Seconds in which such a body has to come."""


class _Body:
    """What is still to come of a request. `receive` is the application's."""

    def __init__(self, scope: Any, receive: Receive) -> None:
        headers = dict(scope["headers"])
        given = headers.get(b"content-length", b"")
        self._receive = receive
        self._left = int(given) if given.isdigit() else None
        self._small = self._left is not None and self._left <= _SMALL and b"expect" not in headers
        self.ended = b"transfer-encoding" not in headers and not self._left

    async def receive(self) -> Any:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            self.ended = True
        return message

    async def take_the_rest(self) -> None:
        if self._small:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    while not self.ended:
                        await self.receive()


class AnswerBroken(Exception):
    """An error after the answer had begun: logged already."""


class Edge:
    """Wraps the whole application, so that a 404 is traced, counted and hardened like everything else."""

    def __init__(self, app: ASGIApp, *, production: bool = False, clock: Clock | None = None) -> None:
        """`clock`: one that was moved; every answer says its day, so that pages do not go by the reader's own."""
        self.app = app
        self._clock = clock
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
        ]
        if production:
            self._headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except Exception:
            # The server has to know, to break the connection off; what it is told it prints with everything that led to it.
            raise AnswerBroken from None

    async def _serve(self, scope: Any, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        # The caller's trace goes on; what else it may carry (baggage) ends here.
        carrier = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _TRACE}
        started, status, stream = time.perf_counter(), 500, False
        with span(method, context=propagate.extract(carrier), kind=SpanKind.SERVER) as current:
            trace_id = f"{current.get_span_context().trace_id:032x}"

            body = _Body(scope, receive)

            async def harden(message: Message) -> None:
                nonlocal status, stream
                if message["type"] == "http.response.start":
                    # The server closes a connection whose request was not read to its end, mostly without saying so, and the
                    # next request on it is lost: a refusal often needs no body. What is large is not waited for.
                    await body.take_the_rest()
                    status = message["status"]
                    names = {name.lower(): value for name, value in message["headers"]}
                    stream = names.get(b"content-type", b"").startswith(b"text/event-stream")
                    added = [*self._headers, (b"x-trace-id", trace_id.encode())]
                    if not body.ended:
                        added.append((b"connection", b"close"))
                    if self._clock is not None:
                        added.append((b"x-xueji-day", self._clock.today().isoformat().encode()))
                    if b"content-security-policy" not in names:
                        added.append((b"content-security-policy", _NOTHING.encode()))
                    if b"cache-control" not in names:
                        added.append((b"cache-control", b"no-store"))
                    message["headers"] = [*message["headers"], *added]
                await send(message)

            try:
                await self.app(scope, body.receive, harden)
            except Exception as error:
                log.error("the answer breaks off", exc_info=error)
                raise
            finally:
                _report(scope, current, method, status, time.perf_counter() - started, stream=stream)


def _report(scope: Any, current: Span, method: str, status: int, seconds: float, *, stream: bool) -> None:
    route = str(scope.get("path_template") or "unmatched")
    current.update_name(f"{method} {route}")
    current.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if status >= 500:
        current.set_status(Status(StatusCode.ERROR))
    REQUESTS.labels(method, route, str(status)).inc()
    if not stream:
        SECONDS.labels(method, route).observe(seconds)
    if route not in _QUIET or status >= 500:
        # The route's template, never the path or the query: those may carry ids of people.
        log.info(
            "request",
            extra={"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)},
        )
