"""What every answer has: security headers, a trace, a count by its route and a log line without its path."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from gateway.app import make_app
from gateway.edge import AnswerBroken, Edge
from gateway.settings import GatewaySettings
from gateway_support import StandInBus, key, roster_view, running
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from service_kit import telemetry
from service_kit.clock import Clock
from service_kit.files import FileStore
from shared_contracts.registry import GetRoster

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PERSONAL = "230102202003050019"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Spans of this test. The process has one provider for good: ours is added to whichever it is."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


def served(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.kind is trace.SpanKind.SERVER]


@pytest.mark.parametrize("path", ["/", "/health/live", "/v1/rosters", "/nowhere", "/console/app.js"])
async def test_every_answer_is_hardened(anonymous: httpx.AsyncClient, path: str) -> None:
    headers = (await anonymous.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "strict-transport-security" not in headers, "only in production, where TLS ends before us"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-trace-id"])
    assert "server" not in headers
    if path not in ("/", "/console/app.js"):
        assert headers["cache-control"] == "no-store"


async def test_a_trace_goes_on_where_the_caller_began_it(
    client: httpx.AsyncClient, stand_in: StandInBus, spans: InMemorySpanExporter
) -> None:
    stand_in.answer(GetRoster, roster_view())
    answer = await client.get("/v1/rosters/r1", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert answer.headers["x-trace-id"] == TRACE
    (span,) = served(spans)
    assert span.name == "GET /v1/rosters/{roster_id}"
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.attributes is not None
    assert span.attributes["http.route"] == "/v1/rosters/{roster_id}"
    assert span.attributes["http.response.status_code"] == 200


async def test_a_problem_tells_its_trace(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    answer = await client.get("/v1/rosters/r1")
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
    (span,) = served(spans)
    assert f"{span.context.trace_id:032x}" == answer.headers["x-trace-id"]


async def test_neither_path_nor_query_nor_body_reaches_logs_spans_or_counters(
    client: httpx.AsyncClient, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await client.get(f"/v1/students/{PERSONAL}?number={PERSONAL}")
    await client.get(f"/{PERSONAL}")
    await client.post("/v1/students/searches", json={"number": PERSONAL}, headers=key())
    await client.post("/v1/students/searches", json={"numbr": PERSONAL}, headers=key())
    await client.post("/v1/sessions", json={"username": "u", "password": PERSONAL})
    ours = [record for record in caplog.records if record.name.split(".")[0] in ("gateway", "litestar")]
    assert len(ours) >= 5
    logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in ours)
    seen = " ".join(f"{span.name} {span.attributes} {span.events}" for span in spans.get_finished_spans())
    counted = (await client.get("/metrics")).text
    for where, text in (("log", logged), ("trace", seen), ("metrics", counted)):
        assert PERSONAL not in text, where


async def test_requests_are_counted_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    for path in ("/v1/rosters/r1", "/v1/rosters/r2", "/nowhere/1", "/nowhere/2"):
        await client.get(path)
    await client.request("BREW", "/v1/rosters")
    text = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/v1/rosters/{roster_id}",status="404"}' in text
    assert 'route="unmatched"' in text
    assert 'method="OTHER"' in text
    assert "BREW" not in text
    assert "/nowhere" not in text


async def test_production_asks_for_tls_and_an_origin_is_allowed_only_by_name(
    settings: GatewaySettings, stand_in: StandInBus, files: FileStore
) -> None:
    import msgspec

    for origins, allowed in (("", None), ("https://portal.example", "https://portal.example")):
        changed = msgspec.structs.replace(settings, cors_origins=origins)
        app = make_app(changed, bus=stand_in, files=files, clock=Clock())
        transport = httpx.ASGITransport(app=Edge(app, production=True))  # type: ignore[arg-type]
        async with running(app), httpx.AsyncClient(transport=transport, base_url="https://g") as client:
            answer = await client.get("/health/live", headers={"Origin": "https://portal.example"})
            assert answer.headers.get("access-control-allow-origin") == allowed
            other = await client.get("/health/live", headers={"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in other.headers
            assert answer.headers["strict-transport-security"].startswith("max-age=")


# ---- a body that the answer does not need ----------------------------------------------------------------------------


async def refused_at_once(
    *, body: Sequence[bytes], headers: dict[bytes, bytes], reads: int = 0, never: bool = False
) -> tuple[dict[bytes, bytes], int]:
    """An application that answers before it has read more than `reads` parts. Its headers, and how many parts were taken
    before the answer. `never`: what is left of the body does not come."""
    waiting, taken, answer = list(body), 0, {}

    async def receive() -> Any:
        nonlocal taken
        if not waiting:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        part, taken = waiting.pop(0), taken + 1
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or never}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.update(message["headers"])
            answer[b"taken"] = str(taken).encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(reads):
            await receive()
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers.items())}
    async with asyncio.timeout(10):
        await Edge(app)(scope, receive, send)  # type: ignore[arg-type]
    return answer, int(answer[b"taken"])


@pytest.mark.parametrize("reads", [0, 1, 2])
async def test_a_small_body_is_taken_to_its_end_before_a_refusal(reads: int) -> None:
    answer, taken = await refused_at_once(body=[b"a", b"b"], headers={b"content-length": b"2"}, reads=reads)
    assert taken == 2
    assert b"connection" not in answer, "the client may go on with it"


@pytest.mark.parametrize(
    ("headers", "takes"),
    [
        ({b"content-length": b"65536"}, True),
        ({b"content-length": b"65537"}, False),
        ({b"transfer-encoding": b"chunked"}, False),
        ({b"content-length": b"2", b"expect": b"100-continue"}, False),
    ],
)
async def test_what_is_not_waited_for_ends_the_connection_and_says_so(headers: dict[bytes, bytes], takes: bool) -> None:
    answer, taken = await refused_at_once(body=[b"a", b"b"], headers=headers)
    assert (taken, answer.get(b"connection")) == ((2, None) if takes else (0, b"close"))


async def test_a_body_that_does_not_come_is_waited_for_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.edge._PATIENCE", 0.05)
    answer, taken = await refused_at_once(body=[b"a"], headers={b"content-length": b"9"}, never=True)
    assert (taken, answer[b"connection"]) == (1, b"close")


@pytest.mark.parametrize("headers", [{}, {b"content-length": b"0"}])
async def test_where_there_is_no_body_nothing_is_waited_for(headers: dict[bytes, bytes]) -> None:
    answer, taken = await refused_at_once(body=[], headers=headers)
    assert (taken, b"connection" in answer) == (0, False)


# ---- what goes wrong is told without what it went wrong with -----------------------------------------------------------


async def test_an_answer_that_breaks_off_is_logged_here_and_tells_the_server_nothing(
    spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """What reaches the server is printed by it as it is: text, causes and all."""

    async def broken(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(PERSONAL) from LookupError(PERSONAL)

    with pytest.raises(AnswerBroken) as raised:
        await Edge(broken)(request_scope(), None, swallow)  # type: ignore[arg-type]
    error = raised.value
    assert PERSONAL not in "".join(traceback.format_exception(error))
    (record,) = (one for one in caplog.records if one.levelno == logging.ERROR)
    line = telemetry._Formatter("gateway").format(record)
    assert "ValueError <- LookupError" in line and PERSONAL not in line
    (span,) = served(spans)
    assert span.status.description == "ValueError <- LookupError" and PERSONAL not in span.to_json()


async def swallow(_message: Any) -> None:
    return None


def request_scope() -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": []}


def test_what_the_server_prints_of_an_error_is_cut() -> None:
    """Granian puts the traceback into the message, with a handler of its own that was there before us."""
    program = f"""
import logging
from granian.log import LogLevels, configure_logging
configure_logging(LogLevels.warning)
from service_kit import telemetry
from service_kit.settings import Settings
telemetry.setup("gateway", Settings(database_url="", nats_url="", field_keys=""))
logging.getLogger("_granian.utils").error("Application callable raised an exception\\nTraceback: ValueError: {PERSONAL}")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    (line,) = ended.stdout.splitlines()
    assert json.loads(line)["message"] == "Application callable raised an exception"
    assert PERSONAL not in ended.stdout + ended.stderr
