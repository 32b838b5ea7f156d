"""What it costs that every look at a pupil is recorded before it is shown (clause 45.1): audited reads against bare ones.

`GET /v1/students/{id}` over HTTP through the whole system, fsync on, in turns of a few hundred: with what the registry does,
and with a `Recorder.publish` that does nothing. This program does that to a registry process of its own, by a signal; the
product has no switch for it. `python benchmarks/audited_read.py [--reads 300] [--turns 12]`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import time
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
from measuring import cpu_of
from system import System, running
from xueji_local.programs import Child, Program

AIM = 0.8
HOME = Path(__file__).resolve().parents[1] / ".xueji" / "benchmark-audited"
PUPILS = 60
AT_ONCE = (1, 16)
"""Connections, each with one request under way."""
SERVE = "--serve-with-a-switch"
WITHOUT, WITH = signal.SIGUSR1, signal.SIGUSR2


class Turn(msgspec.Struct, frozen=True):
    """`rate`: reads a second. `median`: seconds of one read. `cpu`: processor seconds a read, by program."""

    rate: float
    median: float
    cpu: dict[str, float]


def serve_with_a_switch() -> None:
    """The registry; between the two signals nothing that it shows is told to the audit log."""
    from registry.app import SERVICE
    from service_kit.audit import Recorder
    from service_kit.cli import main as serve
    from shared_contracts.audit import Audited

    told = True
    as_it_is = Recorder.publish

    def switch(number: int, _frame: object) -> None:
        nonlocal told
        told = number == WITH

    async def publish(self: Recorder, entry: Audited) -> None:
        if told:
            await as_it_is(self, entry)

    Recorder.publish = publish  # type: ignore[method-assign]
    for number in (WITHOUT, WITH):
        signal.signal(number, switch)
    sys.argv = ["registry", "serve"]
    serve(SERVICE)


# ---- reading ------------------------------------------------------------------------------------------------------------


async def read_all(url: str, token: str, ids: list[str], reads: int, at_once: int) -> list[float]:
    """Seconds of each read. The client is a few lines on a socket, so that it is not what is measured."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    seconds: list[float] = []
    turns, left = cycle(ids), reads

    async def reader() -> None:
        nonlocal left
        incoming, out = await asyncio.open_connection(host, port)
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            path = f"/v1/students/{next(turns)}"
            out.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            head = (await incoming.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if not head.startswith("http/1.1 200"):
                raise RuntimeError(f"not read: {head.splitlines()[0]}")
            await incoming.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
            seconds.append(time.perf_counter() - begun)
        out.close()

    await asyncio.gather(*(reader() for _ in range(at_once)))
    return seconds


class Reader:
    """Takes turns, audited and bare ones, over the same pupils."""

    def __init__(self, bench: System, reads: int) -> None:
        self._bench, self._reads = bench, reads
        self._registry = next(child for child in bench.stack.children if child.program.name == "registry")
        _replace(
            self._registry, msgspec.structs.replace(self._registry.program, args=(sys.executable, __file__, SERVE))
        )
        self._ids = pupils(bench)

    def turn(self, at_once: int, *, audited: bool) -> Turn:
        """What comes after the answers, in the audit log, is waited for: it is no burden of the next turn's."""
        assert self._registry.pid
        os.kill(self._registry.pid, WITH if audited else WITHOUT)
        token = sign_in(self._bench)
        entries = self._settled()
        before, begun = cpu_of(self._bench.stack), time.perf_counter()
        seconds = asyncio.run(read_all(self._bench.file.gateway, token, self._ids, self._reads, at_once))
        took = time.perf_counter() - begun
        if (told := self._settled() - entries) != (self._reads if audited else 0):
            raise RuntimeError(f"{self._reads} reads, audited={audited}: {told} entries")
        after = cpu_of(self._bench.stack)
        used = {name: (after[name] - before[name]) / self._reads for name in after if name != "client"}
        return Turn(self._reads / took, statistics.median(seconds), used)

    def _settled(self) -> int:
        """Entries in the log, once no more come."""
        before, now = -1, 0
        while now != before:
            time.sleep(1.0)
            before, now = now, int(self._bench._sql("access", "SELECT count(*) FROM audit_entries"))
        return now


def sign_in(bench: System) -> str:
    account = next(one for one in bench.file.accounts if one.role == "registrar")
    body = {"username": account.username, "password": account.password}
    answer = httpx.post(f"{bench.file.gateway}/v1/sessions", json=body, trust_env=False).raise_for_status()
    return str(answer.json()["access_token"])


def pupils(bench: System) -> list[str]:
    """Ids of the records of one roster, made as it is always made."""
    bench.run(PUPILS)
    headers = {"Authorization": f"Bearer {sign_in(bench)}"}
    answer = httpx.get(f"{bench.file.gateway}/v1/students?limit=200", headers=headers, trust_env=False)
    return [student["id"] for student in answer.raise_for_status().json()["items"]]


def _replace(child: Child, program: Program) -> None:
    child.stop()
    child.program = program
    child.start()
    child.wait_ready()


def compare(bench: System, reads: int, turns: int) -> dict[int, tuple[list[Turn], list[Turn]]]:
    """By connections: audited turns and bare ones, one after the other."""
    reader = Reader(bench, reads)
    found: dict[int, tuple[list[Turn], list[Turn]]] = {at_once: ([], []) for at_once in AT_ONCE}
    for at_once, (audited, bare) in found.items():
        reader.turn(at_once, audited=True)  # warm: plans, connections
        for number in range(turns):
            for with_it in (True, False) if number % 2 else (False, True):
                (audited if with_it else bare).append(reader.turn(at_once, audited=with_it))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=300, help="of a turn")
    parser.add_argument("--turns", type=int, default=12)
    chosen = parser.parse_args()
    with running(HOME) as bench:
        found = compare(bench, chosen.reads, chosen.turns)
    ratios = {}
    print("connections   audited/s      bare/s   ratio   audited ms     bare ms")
    for at_once, sides in found.items():
        ratio = ratios[at_once] = statistics.median(a.rate / b.rate for a, b in zip(*sides, strict=True))
        (many, few), (slow, fast) = ([_median(side, name) for side in sides] for name in ("rate", "median"))
        print(f"{at_once:11} {many:11.0f} {few:11.0f} {ratio:7.2f} {slow * 1e3:12.2f} {fast * 1e3:11.2f}")
    print("processor ms a read, audited and bare, with the most connections:")
    for name in sides[0][0].cpu:
        with_it, without = (statistics.median(turn.cpu[name] for turn in side) * 1e3 for side in sides)
        print(f"  {name:14} {with_it:6.2f} {without:6.2f}")
    worst = min(ratios.values())
    print(f"an audited read to a bare one: {worst:.2f} at the worst (aim {AIM})")
    return 0 if worst >= AIM else 1


def _median(turns: list[Turn], name: str) -> float:
    return float(statistics.median(getattr(turn, name) for turn in turns))


if __name__ == "__main__":
    if SERVE in sys.argv:
        serve_with_a_switch()
    else:
        sys.exit(main())
