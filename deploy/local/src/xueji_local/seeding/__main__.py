"""`python -m xueji_local.seeding --students 2000000`: a synthetic province into the running local stack (`make up`)."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
import time
from typing import Any

import msgspec
from matcher.settings import from_environment
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from service_kit import settings
from service_kit.clock import Clock
from shared_contracts.registry import LoadOrganisations

from xueji_local.demo_client import Client
from xueji_local.demo_stack import Stack
from xueji_local.layout import Layout
from xueji_local.operator import OPERATOR, carry_out, named
from xueji_local.province import VALID_FROM
from xueji_local.seeding import checking, loading
from xueji_local.seeding.loading import Refusal, Target


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m xueji_local.seeding", description=__doc__)
    parser.add_argument("--students", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=max(2, os.cpu_count() or 2), help="processes that make rows")
    parser.add_argument("--check", action="store_true", help="only prove that what was loaded is consistent")
    chosen = parser.parse_args()
    try:
        return _run(chosen.students, chosen.workers, only_check=chosen.check)
    except (Refusal, checking.Inconsistent) as problem:
        print(f"\n{problem}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 1


def _run(students: int, workers: int, *, only_check: bool) -> int:
    layout = Layout()
    if not layout.stack.exists():
        raise Refusal("The stack does not run. Cure: make up, then once more.")
    stack = msgspec.json.decode(layout.stack.read_bytes(), type=Stack)
    target = Target(registry=environment(layout, "registry"), identity=environment(layout, "identity"))
    begun = time.monotonic()
    with _bars() as bars:
        progress = _Shown(bars)
        if not only_check:
            asyncio.run(loading.refuse(target, students))
            _organisations(layout, students, progress)
            asyncio.run(
                loading.load(
                    target,
                    students,
                    today=Clock.from_settings(settings.load(target.registry)).today(),
                    seed=from_environment(environment(layout, "matcher")).matcher_seed,
                    workers=workers,
                    progress=progress,
                )
            )
        loaded = time.monotonic() - begun
        done = asyncio.run(checking.check(target, students, progress))
        found = _through_the_api(stack, target)
    print(  # noqa: T201
        f"{students:,} pupils loaded in {loaded:.0f} s, checked in {time.monotonic() - begun - loaded:.0f} s: "
        f"{done['questions']} questions about all of them, {done['sample']} pupils opened with the services' own code, "
        f"{found} found through the API by number, former number and name."
    )
    return 0


def environment(layout: Layout, service: str) -> dict[str, str]:
    """A service's variables, as its env file of the local stack has them."""
    pairs = (line.split("=", 1) for line in layout.env_file(service).read_text().splitlines() if "=" in line)
    return {name: "".join(shlex.split(value)) for name, value in pairs}


def _organisations(layout: Layout, students: int, progress: loading.Progress) -> None:
    """Through the registry's own command, so that every service hears of them."""
    operator = environment(layout, "operator")
    parts = list(loading.organisations(students))
    for number, part in enumerate(parts, start=1):
        command = LoadOrganisations(command_id="", actor=OPERATOR, organisations=part, valid_from=VALID_FROM)
        refused = asyncio.run(
            carry_out(operator["XUEJI_NATS_URL"], operator["XUEJI_NATS_PASSWORD"], named("seed-province", command))
        )
        if refused:
            raise Refusal(f"the registry refuses the schools: {refused}")
        progress("schools", number, len(parts))


def _through_the_api(stack: Stack, target: Target) -> int:
    """As the officer of a county."""
    officer = next(
        one for one in stack.accounts if one.role == "authority_officer" and not one.organisation.endswith("00")
    )
    client = Client(stack.gateway, officer)

    def search(body: dict[str, Any]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = client.post("/v1/students/searches", body).json()["items"]
        return items

    return checking.through_the_api(search, target, officer.organisation)


def _bars() -> Bars:
    return Bars(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


class _Shown:
    """A bar for each thing that goes on, made when it is first heard of."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._tasks[what], completed=done)


if __name__ == "__main__":
    sys.exit(main())
