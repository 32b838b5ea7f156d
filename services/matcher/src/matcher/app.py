"""The HTTP side: routes, keys, faults, health, metrics. Wiring and nothing else."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import time
from collections import Counter as Tally
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import ScalarRenderPlugin
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from matcher import problems
from matcher.faults import Faults, Switchboard, falsify
from matcher.logs import trace_id
from matcher.matching import (
    BATCH,
    Answer,
    MatchRequest,
    MatchResponse,
    Record,
    compare,
    plain_number,
)
from matcher.population import capacity
from matcher.settings import Settings
from matcher.store import Store

log = logging.getLogger(__name__)

MAX_BODY = 2_000_000
"""Bytes. A full batch has about 250,000."""


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "matcher_requests", "Requests to POST /v1/matches by status", ["status"], registry=self.registry
        )
        self.answers = Counter("matcher_answers", "Answers by outcome", ["outcome"], registry=self.registry)
        self.batch = Histogram(
            "matcher_batch_items", "Items of a request", registry=self.registry, buckets=(1, 10, 100, 250, 500, BATCH)
        )
        self.seconds = Histogram("matcher_seconds", "Seconds to answer, faults included", registry=self.registry)
        self.people = Gauge("matcher_people", "People generated from the seed", registry=self.registry)


class Service(msgspec.Struct, kw_only=True):
    """What the routes share. `refuse`: close the port for so many seconds (given by whoever runs the server)."""

    settings: Settings
    store: Store
    refuse: Callable[[float], None]
    switchboard: Switchboard = msgspec.field(default_factory=Switchboard)
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    ready: bool = False

    def answer(self, request: MatchRequest, faults: Faults) -> tuple[Answer, ...]:
        """Blocking: one query for the whole batch."""
        numbers = [plain_number(item.document_number) for item in request.items]
        found = self.store.find(numbers)
        answers = (
            Answer(id=item.id, outcome=compare(item, found.get(number)))
            for item, number in zip(request.items, numbers, strict=True)
        )
        if faults.wrong_answers:
            pairs = zip(request.items, answers, strict=True)
            return tuple(falsify(item, answer, faults.wrong_answers) for item, answer in pairs)
        return tuple(answers)


class Broken(ASGIResponse):
    """An answer that promises more than comes: the server has to break the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"answers": [', "more_body": True})


class BrokenResponse(Response[None]):
    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return Broken()


def needs_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the header X-API-Key, compared in constant time."""
    service: Service = connection.app.state.service
    given = connection.headers.get("x-api-key", "")
    if not hmac.compare_digest(given.encode(), service.settings.matcher_api_key.encode()):
        raise NotAuthorizedException(detail="请在请求头 X-API-Key 中提供有效的接口密钥")


def service_of(request: Request[Any, Any, Any]) -> Service:
    service: Service = request.app.state.service
    return service


@post("/v1/matches", status_code=200, guards=[needs_key], summary="Compare up to 1,000 persons with the population")
async def match(request: Request[Any, Any, Any], data: MatchRequest) -> Response[Any]:
    service, begun = service_of(request), time.perf_counter()
    faults = service.switchboard.take()
    response = await _answer(service, data, faults)
    seconds = time.perf_counter() - begun
    status = "broken" if isinstance(response, BrokenResponse) else str(response.status_code)
    service.metrics.requests.labels(status).inc()
    service.metrics.seconds.observe(seconds)
    log.info(
        "match",
        extra={
            "fields": {
                "items": len(data.items),
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "trace_id": trace_id(request.headers.get("traceparent")),
            }
        },
    )
    return response


async def _answer(service: Service, data: MatchRequest, faults: Faults) -> Response[Any]:
    if faults.delay_ms:
        await asyncio.sleep(faults.delay_ms / 1000)
    if faults.down:
        return BrokenResponse(None)
    if wait := service.switchboard.over_limit(faults):
        return problems.problem(429, headers={"Retry-After": str(math.ceil(wait))})
    if faults.status:
        headers = {} if faults.retry_after is None else {"Retry-After": str(faults.retry_after)}
        return problems.problem(faults.status, "故障开关：按测试要求返回错误", headers=headers)
    if not service.ready:
        return problems.problem(503, "人口库正在生成，请稍后再试", headers={"Retry-After": "1"})
    answers = await asyncio.to_thread(service.answer, data, faults)
    service.metrics.batch.observe(len(answers))
    for outcome, count in Tally(a.outcome for a in answers).items():
        service.metrics.answers.labels(outcome.value).inc(count)
    return Response(MatchResponse(answers=answers), status_code=200)


class Growth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`size`: generate the line up to so many people. `people`: add these, or replace those with the same number."""

    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    people: Annotated[tuple[Record, ...], msgspec.Meta(max_length=BATCH)] = ()


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """`generated`: places of the seed's line that are known. `added`: what this request brought."""

    seed: int
    school_year: int
    generated: int
    added: int


@post("/v1/population", status_code=200, guards=[needs_key], summary="Add people (development only)")
async def grow(request: Request[Any, Any, Any], data: Growth) -> Population:
    service = service_of(request)
    if data.size > (most := capacity(service.store.school_year)):
        raise ValidationException(detail=f"人口库最多 {most} 人")

    def work() -> Population:
        added = service.store.put(data.people) + service.store.extend(data.size)
        return Population(
            seed=service.store.seed,
            school_year=service.store.school_year,
            generated=service.store.generated,
            added=added,
        )

    population = await asyncio.to_thread(work)
    service.metrics.people.set(population.generated)
    return population


@put("/v1/faults", guards=[needs_key], summary="Set the fault switches; an empty object clears them (development only)")
async def set_faults(request: Request[Any, Any, Any], data: Faults) -> Faults:
    service = service_of(request)
    log.warning("fault switches set", extra={"fields": {"faults": msgspec.to_builtins(data)}})
    if data.down and data.down.how == "refuse":
        service.refuse(data.down.seconds)
        data = msgspec.structs.replace(data, down=None)
    service.switchboard.set(data)
    return data


@get("/v1/faults", guards=[needs_key], summary="The fault switches in force (development only)")
async def get_faults(request: Request[Any, Any, Any]) -> Faults:
    return service_of(request).switchboard.current


@get("/health/live", summary="The process answers")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@get("/health/ready", summary="The population is complete")
async def ready(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    service = service_of(request)
    generated = await asyncio.to_thread(lambda: service.store.generated)
    body = {"status": "ok" if service.ready else "building", "generated": generated}
    return Response(body, status_code=200 if service.ready else 503)


@get("/metrics", media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(generate_latest(service_of(request).metrics.registry), media_type="text/plain; version=0.0.4")


def create_app(service: Service) -> Litestar:
    """The ASGI application. Fault switches and the growing of the population exist in development only."""
    handlers: list[BaseRouteHandler] = [match, live, ready, metrics]
    if service.settings.development:
        handlers += [grow, set_faults, get_faults]
    app = Litestar(
        route_handlers=handlers,
        exception_handlers=problems.HANDLERS,
        request_max_body_size=MAX_BODY,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="人口信息比对（替身）",
            version="1",
            description="Stand-in for the public-security population service.",
            render_plugins=[ScalarRenderPlugin()],
        ),
    )
    app.state.service = service
    return app
