"""What every answer has: security headers, a trace, a count by its route and a log line without its path."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from gateway.app import make_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway_support import StandInBus, key, roster_view, running
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
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
