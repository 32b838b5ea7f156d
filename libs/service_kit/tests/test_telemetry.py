"""Spans: what is done for several goes on with one that is recorded; a statement is a span under the work that sent it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from service_kit import telemetry


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def carrier(number: int, *, recorded: bool) -> dict[str, str]:
    return {"traceparent": f"00-{number:032x}-{number:016x}-{'01' if recorded else '00'}"}


def test_a_batch_goes_on_in_the_first_trace_that_is_recorded_and_links_to_the_others(
    spans: InMemorySpanExporter,
) -> None:
    carriers = [{}, carrier(1, recorded=False), carrier(2, recorded=True), carrier(3, recorded=True)]
    with telemetry.continued("take", carriers, SpanKind.CONSUMER):
        telemetry.statement_span("SELECT\n  name FROM t WHERE id = $1", 0.25)
    statement, batch = spans.get_finished_spans()
    assert batch.context and batch.context.trace_id == 2
    assert {link.context.trace_id for link in batch.links} == {1, 3}
    assert (statement.name, statement.parent) == ("SELECT", batch.context)
    assert statement.attributes == {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT name FROM t WHERE id = $1",
    }
    assert statement.end_time and statement.start_time
    assert statement.end_time - statement.start_time == 250_000_000


def test_a_statement_of_nobody_is_no_span(spans: InMemorySpanExporter) -> None:
    assert not trace.get_current_span().is_recording()
    telemetry.statement_span("COMMIT;", 0.1)
    assert spans.get_finished_spans() == ()
