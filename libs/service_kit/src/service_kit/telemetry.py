"""Traces (OpenTelemetry), logs (JSON with the trace id) and nothing personal in either."""

from __future__ import annotations

import contextlib
import copy
import functools
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes
from pythonjsonlogger.json import JsonFormatter

from service_kit.settings import Settings

_TELLING = (OSError, NotImplementedError)
"""Exceptions of the language whose text carries no row: their message may be logged, but not that of what a library derives
from them (smtplib's are OSErrors too, and name who was written to)."""
_OF_THE_LANGUAGE = {"builtins", "socket", "ssl"}


_WAITING = 16_384
"""Spans that wait for the exporter at most."""


@functools.cache
def tracer() -> trace.Tracer:
    """Kept: the SDK makes a new one at every call, and each statement asks for it."""
    return trace.get_tracer("xueji")


def setup(service: str, settings: Settings) -> None:
    """Once per process: logs to stdout, spans to the OTLP endpoint when there is one."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(service))
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for noisy in ("httpx", "httpcore", "faststream", "nats", "alembic", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    _nothing_beside_the_log()
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"xueji-{service}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_sample)),
    )
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        # A case of twenty transactions has hundreds of spans: what does not fit into the queue is lost.
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter, schedule_delay_millis=500, max_queue_size=_WAITING, max_export_batch_size=1_024
            )
        )
    trace.set_tracer_provider(provider)


@contextlib.contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    context: Context | None = None,
    links: Sequence[Link] = (),
    attributes: Attributes = None,
) -> Iterator[Span]:
    """The one way to a span around work. What ends it is told as in the log; the SDK's own record of an exception is its
    whole text with those of its causes, and a database quotes rows in it."""
    with tracer().start_as_current_span(
        name, context=context, kind=kind, links=links, attributes=attributes,
        record_exception=False, set_status_on_exception=False,
    ) as current:  # fmt: skip
        try:
            yield current
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, describe(error)))
            raise


def continued(
    name: str, carriers: Sequence[Mapping[str, str]], kind: SpanKind
) -> contextlib.AbstractContextManager[Span]:
    """A span for what is done for several at once: it goes on in the trace of the first that is recorded, and links to the
    others'. `carriers`: the headers that each came with."""
    contexts = [propagate.extract(carrier) for carrier in carriers]
    known = [trace.get_current_span(context).get_span_context() for context in contexts]
    first = next((n for n, one in enumerate(known) if one.trace_flags.sampled), 0)
    links = [Link(one) for n, one in enumerate(known) if n != first and one.is_valid]
    return span(name, context=contexts[first], kind=kind, links=links)


@functools.lru_cache(maxsize=1_024)
def _named(text: str) -> tuple[str, str]:
    """A statement's first word and the statement on one line."""
    line = " ".join(text.split())
    return line.partition(" ")[0].rstrip(";").upper(), line


def statement_span(text: str, seconds: float) -> None:
    """A statement that has just come back, as a span under the work that sent it; none where no work is traced.

    Called for every statement, however it was sent: what SQLAlchemy prepares, BEGIN and COMMIT too; in a service that sends
    its spans nowhere for none. The text has placeholders; its values are never told.
    """
    if not trace.get_current_span().is_recording():
        return
    end = time.time_ns()
    name, line = _named(text)
    sent = tracer().start_span(
        name,
        kind=SpanKind.CLIENT,
        start_time=end - int(seconds * 1e9),
        attributes={"db.system.name": "postgresql", "db.query.text": line},
    )
    sent.end(end)


def shutdown() -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def describe(error: BaseException) -> str:
    """An exception without the data that its text may carry: its types, and its text only where it is ours.

    Database errors quote the offending row, decoders quote input: of those only the type and the SQL state are told.
    """
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < 5:
        kind = type(seen)
        text = kind.__name__
        state = getattr(seen, "sqlstate", None)
        if state:
            text += f"[{state}]"
        elif kind.__module__.split(".")[0] in _OURS or (
            kind.__module__ in _OF_THE_LANGUAGE and isinstance(seen, _TELLING)
        ):
            text += f": {seen}"
        parts.append(text)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " <- ".join(parts)


_OURS = {"service_kit", "shared_contracts", "regulation", "casework", "identity", "registry", "notifications",
         "transfer", "access", "gateway", "matcher"}  # fmt: skip


def _nothing_beside_the_log() -> None:
    """What others write past our formatter is led through it: it may quote values."""
    server = logging.getLogger("_granian")  # sets up its own handlers before it loads the application
    server.handlers.clear()
    server.propagate = True
    lost = logging.getLogger("unhandled")

    def of_process(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, frames)
        else:
            lost.critical("the process ends", exc_info=(kind, error, frames))

    def of_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            lost.error("a thread ends", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))

    def of_nobody(told: sys.UnraisableHookArgs) -> None:
        if told.exc_value is not None:
            lost.error("an error in what is thrown away", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, of_nobody


_SHOWING = {"asyncio", "_granian"}
"""Who says what has happened, and then shows the task with its exception, the callback with its arguments or a traceback."""


class _Formatter(JsonFormatter):
    def __init__(self, service: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", json_ensure_ascii=False,
                         rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                         static_fields={"service": service})  # fmt: skip

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno >= logging.ERROR and record.name.split(".")[0] in _SHOWING:
            record = copy.copy(record)
            record.msg, record.args = re.split(r"\s*[\n(<]", record.getMessage(), maxsplit=1)[0], ()
        return super().format(record)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        current = trace.get_current_span().get_span_context()
        if current.is_valid:
            log_data["trace_id"] = f"{current.trace_id:032x}"
            log_data["span_id"] = f"{current.span_id:016x}"

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        if ei[1] is None:
            return ""
        frames = traceback.extract_tb(ei[2])
        where = [f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
        return f"{describe(ei[1])} at {' > '.join(where)}"
