"""Copying a synthetic province into the services' own databases, as their owners, several processes at once.

Indexes that no constraint needs are taken away before and made again afterwards: one sort is cheaper than two million
places. Refused in production and where there are pupils; what was broken off is no province: `make reset` and once more.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from datetime import date
from typing import Any

import asyncpg
import msgspec
from identity.vault import Vault
from regulation.school_year import school_year
from service_kit import settings
from service_kit.crypto import FieldCipher
from shared_contracts.organisations import OrganisationView

from xueji_local.seeding import plan, rows
from xueji_local.seeding.rows import COLUMNS, Batch, Maker, Task

BATCH = 5_000
MOST = 4_000_000
DATABASES = ("registry", "identity")
_FILLED = {"xueji.search": "filled"}
"""Tells the registry's triggers that the index of names is filled here."""


class Refusal(Exception):
    """Why nothing is loaded, and the way out."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The environments (`XUEJI_*`) of the two services whose databases are filled."""

    registry: dict[str, str]
    identity: dict[str, str]

    def __repr__(self) -> str:
        return "Target(…)"

    def environment(self, database: str) -> dict[str, str]:
        return self.registry if database == "registry" else self.identity

    def owner_url(self, database: str) -> str:
        return self.environment(database)["XUEJI_MIGRATION_DATABASE_URL"]

    def vault(self) -> Vault:
        return Vault.from_settings(settings.load(self.identity))

    def forms(self) -> FieldCipher:
        return FieldCipher.from_settings(settings.load(self.registry))


Progress = Callable[[str, int, int], None]
"""`(what, done, of how many)`."""


async def refuse(target: Target, students: int) -> None:
    """Raises Refusal where a province must not be loaded."""
    if "production" in (
        os.environ.get("XUEJI_ENV"),
        target.registry.get("XUEJI_ENV"),
        target.identity.get("XUEJI_ENV"),
    ):
        raise Refusal("XUEJI_ENV=production: made-up pupils never go into a database of real ones.")
    if not 9 <= students <= MOST:
        raise Refusal(f"STUDENTS must be 9 to {MOST:,}, not {students:,}.")
    for database, table in (("registry", "registrations"), ("registry", "students"), ("identity", "persons")):
        connection = await asyncpg.connect(target.owner_url(database))
        try:
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
                raise Refusal(
                    f"{database}: there are pupils ({table}) already. Cure: make reset, make up, and once more."
                )
        finally:
            await connection.close()


def organisations(students: int) -> Iterator[tuple[OrganisationView, ...]]:
    """The planned schools, in parts that one command takes. The authorities are there: the stack has loaded them."""
    views = [school.view for school in plan.schools(students)]
    for start in range(0, len(views), 1_000):
        yield tuple(views[start : start + 1_000])


async def load(target: Target, students: int, *, today: date, seed: int, workers: int, progress: Progress) -> None:
    """Everything but the organisations, which the registry has by now."""
    kept = [await _take_indexes(target, database) for database in DATABASES]
    try:
        connection = await asyncpg.connect(target.owner_url("registry"))
        await connection.execute(
            "INSERT INTO policy_decisions (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            rows.DECISION_ID,
            rows.DECISION,
        )
        await connection.close()
        tasks = [
            Task(students=students, grade=grade, school_year=school_year(today), today=today, seed=seed)
            for grade in plan.GRADES
        ]
        await asyncio.to_thread(_in_processes, target, tasks, workers, progress)
    finally:
        made = [0]
        total = sum(map(len, kept))

        def one_more() -> None:
            made[0] += 1
            progress("indexes", made[0], total)

        await asyncio.gather(
            *(_make_indexes(target, database, own, one_more) for database, own in zip(DATABASES, kept, strict=True))
        )
    done = 0
    for database in DATABASES:
        connection = await asyncpg.connect(target.owner_url(database))
        if database == "registry":
            highest = await connection.fetchval("SELECT coalesce(max(n), 0) FROM search_entries")
            await connection.execute(f"ALTER TABLE search_entries ALTER COLUMN n RESTART WITH {highest + 1}")
        for table in COLUMNS[database]:
            await connection.execute(f"VACUUM (ANALYZE) {table}")
            done += 1
            progress("statistics", done, sum(map(len, COLUMNS.values())))
        await connection.close()


# ---- copying --------------------------------------------------------------------------------------------------------


def _in_processes(target: Target, tasks: Sequence[Task], workers: int, progress: Progress) -> None:
    """A grade is one process's. The first that fails ends the load."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(workers, mp_context=context) as pool:
        told = manager.Queue()
        under_way = {pool.submit(_grade, target, task, told) for task in tasks}
        done, total = 0, tasks[0].students
        while under_way:
            ended, under_way = wait(under_way, timeout=0.2, return_when=FIRST_COMPLETED)
            while not told.empty():
                done += told.get()
            progress("pupils", done, total)
            for future in ended:
                if error := future.exception():
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise error


def _grade(target: Target, task: Task, told: Any) -> None:
    asyncio.run(_copy_grade(target, task, told))


async def _copy_grade(target: Target, task: Task, told: Any) -> None:
    maker = Maker(task, target.vault(), target.forms())
    connections = {
        database: await asyncpg.connect(
            target.owner_url(database), server_settings=_FILLED if database == "registry" else {}, command_timeout=600
        )
        for database in DATABASES
    }
    writing: asyncio.Task[None] | None = None
    for many, batch in maker.batches(BATCH):
        if writing is not None:
            await writing
        writing = asyncio.create_task(_write(connections, batch, many, told))
        await asyncio.sleep(0)
    if writing is not None:
        await writing
    for connection in connections.values():
        await connection.close()


async def _write(connections: Mapping[str, asyncpg.Connection], batch: Batch, many: int, told: Any) -> None:
    await asyncio.gather(*(_copy(connections[database], database, batch[database]) for database in DATABASES))
    told.put(many)


async def _copy(connection: asyncpg.Connection, database: str, tables: Mapping[str, list[tuple[Any, ...]]]) -> None:
    async with connection.transaction():
        for table, columns in COLUMNS[database].items():
            if tables[table]:
                await connection.copy_records_to_table(table, records=tables[table], columns=columns)


# ---- indexes --------------------------------------------------------------------------------------------------------


async def _take_indexes(target: Target, database: str) -> list[str]:
    """Drops what no constraint needs; returns how to make it again."""
    connection = await asyncpg.connect(target.owner_url(database))
    try:
        found = await connection.fetch(
            """
            SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made
            FROM pg_index i
            WHERE i.indrelid = ANY($1::text[]::regclass[])
              AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
            ORDER BY 1
            """,
            list(COLUMNS[database]),
        )
        for index in found:
            await connection.execute(f"DROP INDEX {index['name']}")
    finally:
        await connection.close()
    return [index["made"] for index in found]


async def _make_indexes(target: Target, database: str, made: Sequence[str], one_more: Callable[[], None]) -> None:
    connection = await asyncpg.connect(target.owner_url(database), command_timeout=3600)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        for statement in made:
            await connection.execute(statement)
            one_more()
    finally:
        await connection.close()
