"""`make bench-transfers`: complete transfers per second with eight clients, and which hop takes how much of the time.

    python benchmarks/transfers.py [--cases 200] [--clients 8] [--rounds 3] [--write] [--statements]

Rounds of the whole system (application, hold and seat, three approvals, the record moved) alternate with rounds of a bare
program that does as many commits and sends as many messages (`bare_transfers.py`), on the same PostgreSQL and on a NATS with
the same configuration; the figure is the ratio. In those rounds nothing is traced. One more round is, and shows where the
time goes (`hops.py`): its spans are real ones, which the services send to a collector of this program.

Exit status: 0; 2 the system did not do what was to be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median, quantiles

import asyncpg
import msgspec
import report
from bare_transfers import Order
from hops import Way, ways
from measuring import SUPERUSER_DATABASE, cpu_of
from system import NotMeasured, System, running
from transferring import Clients, Pupil, Round, registered
from xueji_infra import declare, nats_conf
from xueji_infra.databases import database_name
from xueji_local import demo_client, demo_flow, servers
from xueji_local.collector import Collector
from xueji_local.servers import Nats

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".xueji" / "benchmark"
RESULTS = HERE / "transfer-results.md"
WARM = 24
DATABASE = "bench_transfers"
TELLING = ("transfer", "registry")
"""Services whose events a transfer causes."""
SETTLING = 30.0
"""Seconds within which the exporters have sent the last spans."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What one transfer takes on average, counted in its trace; `events`: rows of both outboxes, the audit log's too."""

    counts: dict[str, float]
    events: float

    def order(self, system: System, nats_url: str, transfers: int, clients: int, *, reads: bool) -> Order:
        passwords = system.servers.credentials.nats_users
        statements = sum(count for what, count in self.counts.items() if what.startswith("statements of"))
        # BEGIN and COMMIT are with the commit: a statement by itself is a transaction of its own.
        ends = 2 * (self.counts["transactions that write"] + self.counts["transactions that read"])
        more = max(0.0, statements - ends - self.counts["transactions that write"])
        return Order(
            database=system.servers.postgres_url(DATABASE),
            nats_url=nats_url,
            passwords={name: passwords[name] for name in TELLING},
            transfers=transfers,
            clients=clients,
            requests=round(self.counts["requests over the bus"]),
            commits=round(self.counts["transactions that write"]),
            events=round(self.events),
            reads=round(more) if reads else 0,
        )


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """`bare`, `busy`: transfers a second of the bare program, without and with the other statements. `cpu`: processor seconds
    by program in the rounds, `seconds` long altogether."""

    cases: int
    clients: int
    rounds: tuple[Round, ...]
    bare: tuple[float, ...]
    busy: tuple[float, ...]
    order: Order
    needs: Needs
    traced: Round
    ways: tuple[Way, ...]
    cpu: dict[str, float]
    seconds: float

    @property
    def rate(self) -> float:
        return median(one.rate for one in self.rounds)

    def against(self, bare: Sequence[float]) -> float:
        return median(one.rate / other for one, other in zip(self.rounds, bare, strict=True))


# ---- measuring --------------------------------------------------------------------------------------------------------


async def _prepare_database(system: System) -> None:
    connection = await asyncpg.connect(system.servers.postgres_url(SUPERUSER_DATABASE))
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def _prepare_nats(system: System, nats_url: str) -> None:
    admin = await declare.connect_admin(nats_url, system.servers.credentials.nats_users[nats_conf.ADMIN])
    await declare.declare(admin)
    await admin.close()


async def _events(system: System) -> int:
    """Rows that both services have had in their outboxes so far."""
    last = 0
    for service in TELLING:
        connection = await asyncpg.connect(system.servers.postgres_url(database_name(service)))
        for table in ("outbox", "audit_outbox"):
            last += await connection.fetchval(f"SELECT coalesce(max(seq), 0) FROM {table}")
        await connection.close()
    return last


def bare(order: Order) -> float:
    """Transfers a second of the bare program."""
    done = subprocess.run(
        [sys.executable, str(HERE / "bare_transfers.py")],
        input=msgspec.json.encode(order),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise NotMeasured(f"the bare program failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return order.transfers / float(done.stdout)


async def _traced(
    clients: Clients, collector: Collector, pupils: Sequence[Pupil], number: int
) -> tuple[Round, list[Way]]:
    """A round with its spans. A trace whose spans have not all come is left out, and not more than a few may be."""
    done = await clients.run(pupils, clients=number, traced=True)
    end = time.monotonic() + SETTLING
    while True:
        await asyncio.sleep(1.5)
        found = ways(done.cases, collector.spans())
        if len(found) == len(done.cases) or time.monotonic() > end:
            break
    if len(found) < 0.9 * len(done.cases):
        raise NotMeasured(f"{len(found)} of {len(done.cases)} traces are whole")
    return done, found


async def measure(system: System, collector: Collector, nats_url: str, pupils: list[Pupil], asked: Asked) -> Results:
    await _prepare_database(system)
    await _prepare_nats(system, nats_url)

    def next_ones(count: int) -> list[Pupil]:
        return [pupils.pop() for _ in range(count)]

    async with Clients(system) as clients:
        await clients.make_room(len(pupils))
        await clients.run(next_ones(WARM), clients=asked.clients, traced=True)
        before = await _events(system)
        print(f"{asked.cases} transfers that are traced", flush=True)
        traced, found = await _traced(clients, collector, next_ones(asked.cases), asked.clients)
        needs = Needs(
            counts=_means([way.counts for way in found]), events=(await _events(system) - before) / asked.cases
        )
        plain = needs.order(system, nats_url, asked.cases, asked.clients, reads=False)
        full = needs.order(system, nats_url, asked.cases, asked.clients, reads=True)
        for order in (plain, full):  # as warm as the system
            bare(msgspec.structs.replace(order, transfers=WARM))
        rounds: list[Round] = []
        rates: list[float] = []
        busy: list[float] = []
        cpu: Counter[str] = Counter()
        seconds = 0.0
        for number in range(1, asked.rounds + 1):
            print(f"round {number} of {asked.rounds}: {asked.cases} transfers, then the bare program", flush=True)
            spent, begun = cpu_of(system.stack), time.perf_counter()
            rounds.append(await clients.run(next_ones(asked.cases), clients=asked.clients, traced=False))
            seconds += time.perf_counter() - begun
            cpu.update({name: now - spent.get(name, 0.0) for name, now in cpu_of(system.stack).items()})
            rates.append(bare(plain))
            busy.append(bare(full))
    return Results(
        cases=asked.cases,
        clients=asked.clients,
        rounds=tuple(rounds),
        bare=tuple(rates),
        busy=tuple(busy),
        order=full,
        needs=needs,
        traced=traced,
        ways=tuple(found),
        cpu=dict(cpu),
        seconds=seconds,
    )


def _means(counted: Sequence[dict[str, int]]) -> dict[str, float]:
    names = sorted({name for one in counted for name in one})
    return {name: fmean(one.get(name, 0) for one in counted) for name in names}


# ---- the report -------------------------------------------------------------------------------------------------------


def text(results: Results) -> str:
    order = results.order
    parts = [
        "# Transfers: the whole system against a bare program",
        f"{results.clients} clients at once, {results.cases} transfers a round, {len(results.rounds)} rounds, medians. "
        f"{report.machine()}.",
        report.table(
            ("complete transfers", "a second", "system to it"),
            [
                ("the system", f"{results.rate:.1f}", ""),
                (
                    "bare: its commits and messages",
                    f"{median(results.bare):.1f}",
                    f"{results.against(results.bare):.2f}",
                ),
                (
                    "bare: its other statements, too",
                    f"{median(results.busy):.1f}",
                    f"{results.against(results.busy):.2f}",
                ),
            ],
        ),
        f"The bare program does for a transfer {order.requests} questions over the bus, {order.commits} transactions that "
        f"insert a row, {order.events} events to JetStream and, in the second line, {order.reads} reads by key.",
        report.table(("milliseconds", "median", "p95"), _times(results)),
        "## Where the time goes",
        f"{len(results.ways)} transfers were traced: {_ms(fmean(way.whole for way in results.ways))} ms each from the "
        f"application to the moved record ({results.traced.rate:.1f} a second while traced).",
        report.table(("hop", "ms", "share"), _hops(results.ways)),
        "## What a transfer takes",
        report.table(("counted in its trace", "a transfer"), _counts(results.needs)),
        report.table(("processor", "ms a transfer", "of the time"), _processors(results)),
    ]
    return "\n\n".join(parts) + "\n"


def _times(results: Results) -> list[tuple[str, str, str]]:
    times: defaultdict[str, list[float]] = defaultdict(list)
    for one in results.rounds:
        times["from application to moved record"] += one.moved
        for case in one.cases:
            for what, begun, ended in case.requests:
                times[f"request: {what}"].append((ended - begun) / 1e9)
    return [
        (what, f"{1000 * median(found):.0f}", f"{1000 * quantiles(found, n=20)[-1]:.0f}")
        for what, found in times.items()
    ]


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.1f}"


def _hops(found: Sequence[Way]) -> list[tuple[str, str, str]]:
    means = _means([way.hops for way in found])
    whole = sum(means.values())
    return [
        (name, _ms(spent), f"{100 * spent / whole:.0f} %")
        for name, spent in sorted(means.items(), key=lambda one: -one[1])
    ]


def _counts(needs: Needs) -> list[tuple[str, str]]:
    return [*((name, f"{count:.1f}") for name, count in needs.counts.items()), ("events", f"{needs.events:.1f}")]


def _processors(results: Results) -> list[tuple[str, str, str]]:
    done = len(results.rounds) * results.cases
    rows = [*sorted(results.cpu.items(), key=lambda one: -one[1]), ("together", sum(results.cpu.values()))]
    return [
        (name, f"{1000 * spent / done:.1f}", f"{100 * spent / results.seconds:.0f} %")
        for name, spent in rows
        if spent > 0
    ]


def statements(found: Sequence[Way], most: int = 60) -> str:
    """For whoever cuts: the statements that take longest in a transfer."""
    times: Counter[tuple[str, str]] = Counter()
    spent: Counter[tuple[str, str]] = Counter()
    for way in found:
        for key, (count, nanoseconds) in way.statements.items():
            times[key] += count
            spent[key] += nanoseconds
    rows = [
        (f"{service}: {line[:110]}", f"{times[service, line] / len(found):.1f}", _ms(total / len(found)))
        for (service, line), total in spent.most_common(most)
    ]
    return report.table(("statement", "a transfer", "ms of it"), rows)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    cases: int
    clients: int
    rounds: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-transfers", description="Transfers against a bare program")
    parser.add_argument("--cases", type=int, default=200, help="transfers a round")
    parser.add_argument("--clients", type=int, default=8, help="how many at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often system and bare program alternate")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--statements", action="store_true", help="show the statements of a transfer, too")
    given = parser.parse_args()
    asked = Asked(cases=given.cases, clients=given.clients, rounds=given.rounds)
    try:
        with Collector() as collector:
            settings = {"XUEJI_OTLP_ENDPOINT": collector.url, "XUEJI_TRACE_SAMPLE": "0"}
            with running(HOME, settings) as system:
                pupils = registered(system, WARM + asked.cases * (asked.rounds + 1))
                config = nats_conf.render(system.servers.credentials.nats_users)
                with Nats(HOME / "bare-nats", config=config) as other:
                    results = asyncio.run(measure(system, collector, other.url, pupils, asked))
    except (NotMeasured, demo_flow.DemoProblem, demo_client.ApiProblem, servers.ServerProblem) as problem:
        print(f"\nnot measured: {problem}", file=sys.stderr)
        return 2
    told = text(results)
    print(told)
    if given.statements:
        print(statements(results.ways))
    if given.write:
        RESULTS.write_text(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
