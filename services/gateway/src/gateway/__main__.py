"""`python -m gateway serve | openapi | clauses`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator

from service_kit import settings as kit


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Xueji's HTTP API and web console")
    acts = {
        "serve": "answer HTTP until SIGTERM or SIGINT",
        "openapi": "print the API description (OpenAPI 3.1)",
        "clauses": "print which operations serve which clause, as JSON",
    }
    parser.add_argument("act", choices=acts, help="; ".join(f"{act}: {text}" for act, text in acts.items()))
    act = parser.parse_args().act
    try:
        if act == "serve":
            _serve()
        else:
            _describe(act)
    except kit.SettingsError as error:
        sys.exit(f"gateway: {error}")


def _serve() -> None:
    from gateway.settings import GatewaySettings

    settings = kit.read(GatewaySettings)
    with _shared_counters(settings.http_workers):  # before anything counts
        from service_kit.files import FileStore

        FileStore.from_settings(settings)  # say what is wrong before workers start and die of it, again and again
        from granian.constants import Interfaces, Loops
        from granian.log import LogLevels
        from granian.server import Server

        Server(
            "gateway.app:create",
            factory=True,
            address=settings.http_host,
            port=settings.http_port,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            workers=settings.http_workers,
            workers_kill_timeout=10,  # an event stream does not hold up the end for ever
            respawn_failed_workers=True,
            websockets=False,
            log_level=LogLevels.warning,
        ).serve()


@contextlib.contextmanager
def _shared_counters(workers: int) -> Iterator[None]:
    """Several workers count into one folder, so that /metrics tells of all of them whichever answers."""
    if workers < 2 or "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="xueji-gateway-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _describe(act: str) -> None:
    from gateway import openapi
    from gateway.app import describable

    app = describable()
    found = openapi.describe(app) if act == "openapi" else openapi.by_clause(app)
    json.dump(found, sys.stdout, ensure_ascii=False, indent=2, default=str)
    print()  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
