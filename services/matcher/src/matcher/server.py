"""Runs the application on Granian in this process's loop: the port can be closed and opened again (fault `refuse`)."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading

from granian.constants import Interfaces
from granian.server.embed import Server

from matcher.app import Service, create_app
from matcher.settings import Settings
from matcher.store import Store

log = logging.getLogger(__name__)

BEFORE_CLOSING = 0.1
"""Seconds between the request that asks for it and the closing of the port: its answer has to get out."""


class PortTaken(Exception):
    pass


def ensure_free(host: str, port: int) -> None:
    """Raises PortTaken with the way out. Granian itself would only log it from a thread."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port} ({error.strerror}). Cure: stop what uses it, or set XUEJI_HTTP_PORT."
            ) from error


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. The population is built meanwhile; until then `/health/ready` says 503."""
    ensure_free(settings.http_host, settings.http_port)
    store = Store(settings.matcher_data, seed=settings.matcher_seed, school_year=settings.matcher_school_year)
    stop, stop_building = asyncio.Event(), threading.Event()
    outages: asyncio.Queue[float] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    service = Service(settings=settings, store=store, refuse=outages.put_nowait)
    app = create_app(service)

    async def build() -> None:
        await asyncio.to_thread(store.extend, settings.matcher_size, stop=stop_building)
        service.metrics.people.set(await asyncio.to_thread(lambda: store.generated))
        service.ready = not stop_building.is_set()

    building = asyncio.create_task(build())
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            server = Server(
                app,
                address=settings.http_host,
                port=settings.http_port,
                interface=Interfaces.ASGI,
                log_enabled=False,
                websockets=False,
            )
            serving = asyncio.create_task(server.serve())
            outage = asyncio.create_task(outages.get())
            log.info("serving on http://%s:%d", settings.http_host, settings.http_port)
            waited = {serving, outage, stopping} | ({building} if not building.done() else set())
            while not (stopping.done() or outage.done() or serving.done()):
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                waited -= {building}
                if building in done:
                    building.result()  # no population: better no service than a wrong one
            if outage.done():
                await asyncio.sleep(BEFORE_CLOSING)
            outage.cancel()
            if not serving.done():
                server.stop()  # type: ignore[no-untyped-call]
            await serving
            if outage.done() and not outage.cancelled():
                log.warning("port closed for %.1f s by the fault switch", outage.result())
                await asyncio.wait({stopping}, timeout=outage.result())
    finally:
        stop_building.set()
        stopping.cancel()
        await asyncio.gather(building, stopping, return_exceptions=True)
        store.close()
        log.info("stopped")
