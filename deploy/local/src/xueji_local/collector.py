"""An OTLP receiver for tests and benchmarks: a small HTTP server that keeps every span it is sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire

KINDS = {int(Wire.SPAN_KIND_SERVER): "server", int(Wire.SPAN_KIND_CLIENT): "client",
         int(Wire.SPAN_KIND_PRODUCER): "producer", int(Wire.SPAN_KIND_CONSUMER): "consumer"}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """Ids are hex. `links`: (trace id, span id). `start`, `end`: nanoseconds since 1970."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]
    links: tuple[tuple[str, str], ...] = field(default=())
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"{self.service:22} {self.kind:9} {self.name:50.50} {self.span_id} <- {self.parent_id or '-'}"


class Collector:
    """`with Collector() as collector:` listens on a loopback port; `url` is XUEJI_OTLP_ENDPOINT."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: list[bytes] = []
        self._spans: list[Span] = []
        self._read = 0  # bodies whose spans are known: who measures does not want to pay for reading meanwhile
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes) -> None:
        with self._lock:
            self._bodies.append(body)

    def bodies(self) -> list[bytes]:
        """Everything as it came: strings stand in protobuf as they are."""
        with self._lock:
            return list(self._bodies)

    def spans(self) -> list[Span]:
        with self._lock:
            for body in self._bodies[self._read :]:
                self._spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self._read = len(self._bodies)
            return list(self._spans)

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans() if span.trace_id == trace_id]

    def wait(self, trace_id: str, enough: Callable[[list[Span]], bool], seconds: float = 120.0) -> list[Span]:
        """The spans of a trace once they are enough; exporters send every half second. The last state after `seconds`."""
        end = time.monotonic() + seconds
        while not enough(found := self.trace(trace_id)) and time.monotonic() < end:
            time.sleep(0.1)
        return found


def _spans(request: ExportTraceServiceRequest) -> Iterable[Span]:
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes).get("service.name", "?").removeprefix("xueji-")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=service,
                    name=span.name,
                    kind=KINDS.get(int(span.kind), "internal"),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    attributes=_attributes(span.attributes),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: _text(pair.value) for pair in pairs}


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    return str(getattr(value, kind)) if kind else ""
