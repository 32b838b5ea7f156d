"""The application: wiring and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.types import ASGIApp
from service_kit import telemetry
from service_kit.clock import Clock
from service_kit.files import FileStore
from service_kit.service import connect, make_broker
from service_kit.settings import read
from shared_contracts.actors import Actor

from gateway import openapi
from gateway.allowance import Allowance
from gateway.auth import middleware
from gateway.backend import Asks, Backend, LateBus
from gateway.console import router as console
from gateway.cookies import RefreshCookie
from gateway.edge import Edge
from gateway.guards import GUARDS
from gateway.idempotency import provide_command_id
from gateway.keyring import Keyring
from gateway.problems import EXCEPTION_HANDLERS
from gateway.routes import (
    accounts,
    admission_applications,
    admission_schemes,
    admissions,
    appointments,
    archives,
    attendance,
    attendance_zones,
    audit,
    cancellations,
    children,
    class_assignments,
    class_moves,
    classes,
    clients,
    codes,
    contacts,
    corrections,
    credentials,
    duplicates,
    enrolment_plans,
    evidence_files,
    exports,
    handover,
    health,
    inspection,
    junior_intakes,
    looking_back,
    notices,
    oauth,
    organisation_imports,
    organisations,
    outside_transfers,
    policy,
    private_places,
    registrations,
    reorganisations,
    reveals,
    rosters,
    sessions,
    students,
    study_places,
    transfer_reports,
    transfers,
    webhooks,
    working_days,
    worklist,
)
from gateway.settings import GatewaySettings, split
from gateway.throttle import Throttle

log = logging.getLogger(__name__)

MAX_BODY = 1_000_000
"""Bytes of a JSON body."""
ROUTERS = (
    sessions,
    credentials,
    oauth,
    accounts,
    clients,
    appointments,
    audit,
    rosters,
    registrations,
    students,
    study_places,
    looking_back,
    archives,
    reveals,
    exports,
    evidence_files,
    attendance_zones,
    children,
    admissions,
    admission_applications,
    organisation_imports,
    organisations,
    reorganisations,
    junior_intakes,
    transfer_reports,
    transfers,
    outside_transfers,
    duplicates,
    corrections,
    cancellations,
    inspection,
    handover,
    attendance,
    policy,
    working_days,
    classes,
    class_assignments,
    class_moves,
    enrolment_plans,
    admission_schemes,
    private_places,
    codes,
    worklist,
    notices,
    contacts,
    webhooks,
    health,
)


def provide_actor(request: Request[Actor, Any, Any]) -> Actor:
    return request.user


def make_app(
    settings: GatewaySettings,
    *,
    bus: Asks,
    files: FileStore,
    clock: Clock,
    keyring: Keyring | None = None,
    closing: asyncio.Event | None = None,
    lifespan: Any = (),
) -> Litestar:
    """The application over the given bus, files and clock. Serve it behind `Edge`.

    `keyring`: whoever gives it keeps it fresh; by itself it looks only when it meets a key that it does not know.
    `closing` is set when the server goes down: streams end then.
    """
    closing = closing or asyncio.Event()
    backend = Backend(bus, files, settings.max_upload_bytes, settings.answer_seconds)
    keyring = keyring or Keyring(bus, clock)
    throttle, cookie = Throttle(), RefreshCookie(secure=settings.production)
    allowance = Allowance()
    origins = split(settings.cors_origins)
    return Litestar(
        route_handlers=[*(module.router for module in ROUTERS), console],
        dependencies={
            "backend": Provide(lambda: backend, sync_to_thread=False),
            "keyring": Provide(lambda: keyring, sync_to_thread=False),
            "cookie": Provide(lambda: cookie, sync_to_thread=False),
            "throttle": Provide(lambda: throttle, sync_to_thread=False),
            "allowance": Provide(lambda: allowance, sync_to_thread=False),
            "clock": Provide(lambda: clock, sync_to_thread=False),
            "closing": Provide(lambda: closing, sync_to_thread=False),
            "actor": Provide(provide_actor, sync_to_thread=False),
            "command_id": Provide(provide_command_id, sync_to_thread=False),
        },
        middleware=middleware(keyring),
        guards=GUARDS,
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=openapi.config(),
        cors_config=_cors(origins) if origins else None,
        request_max_body_size=MAX_BODY,
        lifespan=list(lifespan),
        logging_config=None,  # the kit's
    )


def _cors(origins: list[str]) -> CORSConfig:
    return CORSConfig(
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Last-Event-ID"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Trace-Id", "Content-Disposition"],
    )


def create() -> ASGIApp:
    """What each worker process of the server runs: settings from the environment, the bus, the files."""
    settings = read(GatewaySettings)
    telemetry.setup("gateway", settings)
    files, clock = FileStore.from_settings(settings), Clock.from_settings(settings)
    late, closing = LateBus(), asyncio.Event()
    keyring = Keyring(late, clock)

    @contextlib.asynccontextmanager
    async def on_the_bus(_app: Litestar) -> AsyncIterator[None]:
        broker = make_broker("gateway", settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            on_signal_too(number, closing)

        async def join() -> None:
            late.connected(await connect(broker))
            log.info("gateway is on the bus")
            await keyring.run(closing)

        tasks = [asyncio.create_task(join()), asyncio.create_task(end_with(os.getppid()))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(Exception):  # NATS may have gone first: then there is nothing to say good-bye to
                await asyncio.wait_for(broker.stop(), 5)
            telemetry.shutdown()

    app = make_app(
        settings,
        bus=late,
        files=files,
        clock=clock,
        keyring=keyring,
        closing=closing,
        lifespan=(on_the_bus,),
    )
    edge: ASGIApp = Edge(app, production=settings.production, clock=clock if clock.moves else None)
    if proxies := split(settings.trusted_proxies):
        from granian.utils.proxies import wrap_asgi_with_proxy_headers

        edge = wrap_asgi_with_proxy_headers(edge, trusted_hosts=proxies)
    return edge


def on_signal_too(number: signal.Signals, event: asyncio.Event) -> None:
    """Set the event when the signal comes, and let whoever handles it now (Granian) have it as before.

    Granian waits for open responses before it tells the application anything: an event stream would hold it up.
    """
    before = signal.getsignal(number)
    loop = asyncio.get_running_loop()

    def handle(signum: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)
        if callable(before):
            before(signum, frame)

    signal.signal(number, handle)


async def end_with(parent: int) -> None:
    """A worker whose server was killed ends too, instead of keeping the port for ever."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(1.0)
    log.error("the server is gone: this worker ends")
    os.kill(os.getpid(), signal.SIGTERM)


def describable() -> Litestar:
    """The application without anything behind it: for its description."""
    nowhere = FileStore(Path(), bytes(32))
    return make_app(GatewaySettings(), bus=LateBus(), files=nowhere, clock=Clock())
