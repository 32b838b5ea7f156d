"""`python -m <service> serve | migrate`: the same two words for every service, and what a service adds to them."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service_kit import migrate, settings
from service_kit.service import Service
from service_kit.settings import Settings


class CannotDo(Exception):
    """An act says why not, and how to go on: for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the operator. `arguments` adds its own to the parser; `run` returns what there is to tell."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], object]
    run: Callable[[Settings, argparse.Namespace], Awaitable[str]]


def main(service: Service[Any], *acts: Act) -> None:
    """The whole of a service's `__main__.py`."""
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}", description=f"Xueji service {service.name}")
    words = parser.add_subparsers(dest="act", required=True)
    words.add_parser("serve", help="serve requests until SIGTERM or SIGINT")
    words.add_parser("migrate", help="bring the database to head")
    for act in acts:
        act.arguments(words.add_parser(act.name, help=act.help))
    arguments = parser.parse_args()
    try:
        loaded = settings.load()
        if arguments.act == "serve":
            service.run(loaded)
        elif arguments.act == "migrate":
            _tell(f"{service.name}: {asyncio.run(_migrate(service.name, loaded))}")
        else:
            chosen = next(act for act in acts if act.name == arguments.act)
            _tell(asyncio.run(_carry_out(chosen, loaded, arguments)))
    except (settings.SettingsError, CannotDo) as error:
        sys.exit(f"{service.name}: {error}")


async def _carry_out(act: Act, loaded: Settings, arguments: argparse.Namespace) -> str:
    return await act.run(loaded, arguments)


async def _migrate(service: str, loaded: Settings) -> str:
    if not loaded.migration_database_url:
        raise settings.SettingsError("XUEJI_MIGRATION_DATABASE_URL is not set: migrations run as the owner role")
    return await migrate.upgrade(service, loaded.migration_database_url)


def _tell(text: str) -> None:
    print(text)  # noqa: T201 - the command's answer
