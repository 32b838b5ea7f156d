"""`python -m <service> serve | migrate`: the same two words for every service."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from service_kit import migrate, settings
from service_kit.service import Service


def main(service: Service[Any]) -> None:
    """The whole of a service's `__main__.py`."""
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}", description=f"Xueji service {service.name}")
    parser.add_argument("act", choices=["serve", "migrate"], help="serve requests, or bring the database to head")
    arguments = parser.parse_args()
    try:
        loaded = settings.load()
        if arguments.act == "serve":
            service.run(loaded)
            return
        if not loaded.migration_database_url:
            raise settings.SettingsError("XUEJI_MIGRATION_DATABASE_URL is not set: migrations run as the owner role")
        revision = asyncio.run(migrate.upgrade(service.name, loaded.migration_database_url))
        print(f"{service.name}: {revision}")  # noqa: T201 - the command's answer
    except settings.SettingsError as error:
        sys.exit(f"{service.name}: {error}")
