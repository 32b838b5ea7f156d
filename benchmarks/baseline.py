"""The bare program: the rows that a roster leaves behind, written again by one process with asyncpg and nothing else.

`python baseline.py` reads an `Order` from standard input and prints a `Done`. It takes the very rows that the services
have written (same columns, same sealed payloads, same tables with their indexes, constraints and triggers), holds them
in memory, and then writes them: per batch of 500 pupils one transaction with one `INSERT … SELECT FROM unnest(…)` a table.
Reading the rows is not clocked, and making and sealing them only where the order asks for it (`making`): without, it is
what the database and the driver need at least.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TypeAlias

import asyncpg
import msgspec
import psutil
import uvloop
from making import Keys, Maker, Rows

BATCH = 500

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Table(msgspec.Struct, frozen=True):
    """`key`: the column that holds the `person` or the `student` of a row."""

    service: str
    name: str
    key: str
    of: str


FINAL = (
    Table("identity", "persons", "id", "person"),
    Table("identity", "student_numbers", "person_id", "person"),
    Table("registry", "students", "id", "student"),
    Table("registry", "journal", "student_id", "student"),
)
"""Person, number, student, journal; the outbox of both services comes with them."""

KEPT = (
    *FINAL,
    Table("identity", "record_claims", "person_id", "person"),
    Table("identity", "verifications", "person_id", "person"),
    Table("registry", "registrations", "id", "student"),
    Table("registry", "profiles", "id", "student"),
    Table("registry", "cases", "id", "student"),
    Table("registry", "case_decisions", "case_id", "student"),
    Table("registry", "class_memberships", "student_id", "student"),
)
"""All that is kept of a pupil: the form, the claim, the case with its five decisions, the class, what the matcher said."""

SETS = {"final": FINAL, "kept": KEPT}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`sources`, `target`: addresses of databases. `keys`: make the rows too. `outbox`: the last outbox row before the
    roster and its last, by service.
    """

    sources: dict[str, str]
    target: str
    tables: str
    roster_id: str
    outbox: dict[str, tuple[int, int]]
    keys: Keys | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """`pupils` in `seconds`; `rows` of all tables; `cpu`: processor seconds of this process and of its server process."""

    pupils: int
    rows: int
    seconds: float
    cpu: float


class Insert(Rows, kw_only=True):
    """One statement with its arrays."""

    sql: str

    @property
    def rows(self) -> int:
        return len(self.columns[0])


# ---- the clocked part ---------------------------------------------------------------------------------------------


async def write(connection: Connection, batches: Sequence[Sequence[Insert]], maker: Maker | None) -> None:
    for batch in batches:
        async with connection.transaction():
            for insert in batch:
                if maker:
                    maker.make(insert)
                await connection.execute(insert.sql, *insert.columns)


# ---- getting the rows ---------------------------------------------------------------------------------------------

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute a
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
ORDER BY a.attnum
"""
_PUPILS = "SELECT id, person_id FROM registrations WHERE roster_id = $1 AND registered_at IS NOT NULL ORDER BY row"


async def _insert(source: Connection, table: str, into: str, where: str, *arguments: object) -> Insert:
    """The rows of a table as a statement for `into`. Arrays travel as text, since unnest flattens arrays of arrays."""
    columns = [(c["name"], c["type"], c["type"].endswith("[]")) for c in await source.fetch(_COLUMNS, table)]
    read = ", ".join(f'"{name}"::text' if nested else f'"{name}"' for name, _, nested in columns)
    records = await source.fetch(f"SELECT {read} FROM {table} WHERE {where}", *arguments)
    names = ", ".join(f'"{name}"' for name, _, _ in columns)
    values = ", ".join(f"c{n}::{kind}" if nested else f"c{n}" for n, (_, kind, nested) in enumerate(columns))
    arrays = ", ".join(f"${n}::{'text' if nested else kind}[]" for n, (_, kind, nested) in enumerate(columns, 1))
    aliases = ", ".join(f"c{n}" for n in range(len(columns)))
    return Insert(
        table=table,
        names=[name for name, _, _ in columns],
        columns=[[record[n] for record in records] for n in range(len(columns))],
        sql=f"INSERT INTO {into} ({names}) SELECT {values} FROM unnest({arrays}) AS t({aliases})",
    )


async def _outbox(source: Connection, service: str, span: tuple[int, int]) -> Insert:
    whole = await _insert(source, "outbox", f"{service}.outbox", "seq > $1 AND seq <= $2", *span)
    whole.put("stream_seq", [None] * whole.rows)  # as the services write it: not yet published
    return whole


async def batches_of(order: Order, sources: dict[str, Connection]) -> tuple[int, list[list[Insert]]]:
    """How many pupils, and per 500 of them one statement a table; the outbox rows are spread over the batches."""
    pupils = await sources["registry"].fetch(_PUPILS, order.roster_id)
    batches = []
    for first in range(0, len(pupils), BATCH):
        chosen = pupils[first : first + BATCH]
        keys = {"student": [p["id"] for p in chosen], "person": [p["person_id"] for p in chosen]}
        batches.append(
            [
                await _insert(
                    sources[table.service],
                    table.name,
                    f"{table.service}.{table.name}",
                    f'"{table.key}" = ANY($1::text[])',
                    keys[table.of],
                )
                for table in SETS[order.tables]
            ]
        )
    for service, connection in sources.items():
        whole = await _outbox(connection, service, order.outbox[service])
        for n, batch in enumerate(batches):
            share = slice(n * whole.rows // len(batches), (n + 1) * whole.rows // len(batches))
            batch.append(msgspec.structs.replace(whole, columns=[column[share] for column in whole.columns]))
    return len(pupils), batches


def _processor(server: psutil.Process) -> float:
    theirs = server.cpu_times()
    return time.process_time() + theirs.user + theirs.system


async def run(order: Order) -> Done:
    sources = {service: await asyncpg.connect(url) for service, url in order.sources.items()}
    pupils, batches = await batches_of(order, sources)
    for connection in sources.values():
        await connection.close()
    maker = Maker(order.keys) if order.keys else None
    if maker:
        for insert in (insert for batch in batches for insert in batch):
            maker.learn(insert)
    target = await asyncpg.connect(order.target)
    server = psutil.Process(await target.fetchval("SELECT pg_backend_pid()"))
    cpu, begun = _processor(server), time.perf_counter()
    await write(target, batches, maker)
    seconds, cpu = time.perf_counter() - begun, _processor(server) - cpu
    await target.close()
    rows = sum(insert.rows for batch in batches for insert in batch)
    return Done(pupils=pupils, rows=rows, seconds=seconds, cpu=cpu)


if __name__ == "__main__":
    done = uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)))
    sys.stdout.buffer.write(msgspec.json.encode(done))
