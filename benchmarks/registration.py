"""`make bench-registration`: what the main job costs, as ratios to what it could cost, all measured in one run.

    python benchmarks/registration.py [--rows 5000] [--rounds 2] [--write] [--gate]

- A roster's way from confirmation to issued numbers through the whole system, against a bare asyncpg program that writes
  the same final rows to the same PostgreSQL (fsync on): `system.py`, `baseline.py`.
- The relay's events per second against `publish_async` on the same NATS (sync always): `relaying.py`.
- Statements sent to PostgreSQL per 1,000 rows, for a small and a full batch. This is the gate: where a full batch sends
  more than a small one, something is done row by row, and the exit status is 1. `--gate` measures nothing else.

Exit status: 0; 1 the gate; 2 the system did not do what was to be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path
from statistics import median

import asyncpg
import msgspec
import relaying
import report
from baseline import Done, Order
from making import Keys
from measuring import COUNTED, SUPERUSER_DATABASE, Servers
from service_kit import migrate
from system import NotMeasured, Run, System, running
from xueji_infra.databases import database_name, owner_role
from xueji_local import demo_client, demo_flow, servers

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".xueji" / "benchmark"
SMALL, FULL = 50, 500
"""Rows of the two batches that the gate compares: one batch each."""
WARM = 200
BARE = {"final": ("final", False), "made": ("final", True), "kept": ("kept", False)}
"""The bare programs: which tables each writes, and whether it makes the rows too."""


# ---- the bare program -----------------------------------------------------------------------------------------------


async def make_targets(where: Servers) -> None:
    """A database for each set of tables: those of both services in a schema each, made by their own migrations."""
    for name in BARE:
        admin = await asyncpg.connect(where.postgres_url(SUPERUSER_DATABASE))
        await admin.execute(f"CREATE DATABASE {_target(name)}")
        await admin.close()
        inside = await asyncpg.connect(where.postgres_url(_target(name)))
        # In a schema that is renamed afterwards: functions of the migrations name theirs, and it is `public`.
        for service in COUNTED:
            owner = owner_role(service)
            await inside.execute(f"GRANT ALL ON SCHEMA public TO {owner}")
            await migrate.upgrade(service, where.postgres_url(_target(name), owner))
            await inside.execute(f"ALTER SCHEMA public RENAME TO {service}")
            await inside.execute("CREATE SCHEMA public")
        await inside.execute(f"ALTER DATABASE {_target(name)} SET search_path = {', '.join(reversed(COUNTED))}")
        # The bare program keeps no rule: what triggers hold is the system's work, and is measured with it.
        tables = await inside.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = ANY($1::text[])",
            list(COUNTED),
        )
        for table in tables:
            await inside.execute(f"ALTER TABLE {table['name']} DISABLE TRIGGER USER")
        await inside.close()


def _target(name: str) -> str:
    return f"bench_{name}"


def write_again(where: Servers, run: Run, name: str) -> Done:
    """The bare program writes what this run has left behind, into a database that is filled as the system's is."""
    tables, makes = BARE[name]
    keys = where.credentials
    order = Order(
        sources={name: where.postgres_url(database_name(name)) for name in COUNTED},
        target=where.postgres_url(_target(name)),
        tables=tables,
        roster_id=run.roster_id,
        outbox=run.outbox,
        keys=Keys(field=keys.field_key("identity"), index=keys.index_key("identity")) if makes else None,
    )
    done = subprocess.run(
        [sys.executable, str(HERE / "baseline.py")], input=msgspec.json.encode(order), capture_output=True, check=False
    )
    if done.returncode:
        raise NotMeasured(f"the bare program failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Done)


# ---- the round ------------------------------------------------------------------------------------------------------


def gate(system: System) -> tuple[Run, report.Trips]:
    """Statements for one small and one full batch, after the system has done the same once (the first run)."""
    warm = system.run(WARM)
    return warm, report.Trips(small=system.run(SMALL), full=system.run(FULL))


def measure(rows: int, rounds: int) -> report.Results:
    with running(HOME) as system:
        warm, trips = gate(system)
        rates = relaying.compare(system.servers, HOME / "relay-nats", max(3, rounds))
        asyncio.run(make_targets(system.servers))
        for name in BARE:  # as warm as the system
            for run in (warm, trips.small, trips.full):
                write_again(system.servers, run, name)
        runs: list[Run] = []
        bare: dict[str, list[Done]] = {name: [] for name in BARE}
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}: {rows} rows through the system, then by the bare program", flush=True)
            runs.append(system.run(rows))
            for name, done in bare.items():
                done.append(write_again(system.servers, runs[-1], name))
        return report.Results(
            machine=report.machine(),
            rows=rows,
            runs=tuple(runs),
            final=tuple(bare["final"]),
            made=tuple(bare["made"]),
            kept=tuple(bare["kept"]),
            rates=rates,
            trips=trips,
            middle=_middle(runs),
        )


def _middle(runs: list[Run]) -> Run:
    """The run whose rate is the (lower) median."""
    rates = sorted(run.rate for run in runs)
    wanted = median(rates) if len(rates) % 2 else rates[len(rates) // 2 - 1]
    return next(run for run in runs if run.rate == wanted)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-registration", description="The main job against a bare program")
    parser.add_argument("--rows", type=int, default=5000, help="rows of a roster")
    parser.add_argument("--rounds", type=int, default=3, help="how often system and bare program alternate")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.md")
    parser.add_argument("--gate", action="store_true", help="statements per batch only")
    arguments = parser.parse_args()
    try:
        if arguments.gate:
            with running(HOME) as system:
                _, trips = gate(system)
            print(report.trips(trips))
        else:
            results = measure(arguments.rows, arguments.rounds)
            trips = results.trips
            text = report.text(results)
            print(text)
            if arguments.write:
                (HERE / "results.md").write_text(text)
    except (NotMeasured, demo_flow.DemoProblem, demo_client.ApiProblem, servers.ServerProblem) as problem:
        print(f"\nnot measured: {problem}", file=sys.stderr)
        return 2
    if trips.grows:
        print(f"\nThe gate: {trips.why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
