"""Whether the gateway lives, whether it can reach the services, and its counters."""

from __future__ import annotations

import os

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency as Given
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from gateway.backend import Backend
from gateway.keyring import Keyring
from gateway.openapi import about


class Health(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    checks: dict[str, str] = {}


@get("/health/live", **about("进程是否在运行", public=True))
async def live() -> Health:
    return Health(status="ok")


@get("/health/ready", **about("是否可以接受请求（消息总线可达，令牌公钥已取得）", public=True))
async def ready(backend: Given[Backend], keyring: Given[Keyring]) -> Response[Health]:
    checks = {
        "nats": "ok" if backend.bus.ready else "not connected",
        "keys": "ok" if keyring.ready else "not had yet from access",
    }
    good = backend.bus.ready and keyring.ready
    return Response(Health(status="ok" if good else "not ready", checks=checks), status_code=200 if good else 503)


@get("/metrics", **about("Prometheus 指标", public=True, produces="text/plain"))
async def metrics() -> Response[bytes]:
    """Of all workers, where there are several (they share a folder)."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


router = Router("/", route_handlers=[live, ready, metrics], tags=["health"])
