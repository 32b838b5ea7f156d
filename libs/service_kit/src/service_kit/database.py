"""PostgreSQL through SQLAlchemy Core, and the two ways round it that pay: `unnest` inserts and the driver itself.

Many rows go in with one statement (`insert_rows`): on two cores 81,000 rows/s against 4,600 with `.values([...])`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import asyncpg
import msgspec
import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service_kit.clock import Clock
from service_kit.crypto import FieldCipher
from service_kit.migrate import async_url
from service_kit.settings import Settings, SettingsError
from service_kit.telemetry import statement_span

D = TypeVar("D")

ROUND_TRIPS = Counter("db_round_trips_total", "Statements sent to PostgreSQL, BEGIN and COMMIT too")
"""What goes to the driver itself, as all that is done in bulk does; SQLAlchemy's own statements are in the traces only."""
_PLANNING = {"plan_cache_mode": "force_custom_plan", "jit": "off"}
"""Plan every statement for the tables as they are now, and compile none first. A plan kept from when a table was empty
reads all of it 500 times once it is not, until statistics are gathered: 1,100 ms instead of 10 in the first minute of a
first import. Planning costs 0.2 ms for a statement that moves 500 rows."""
_MORE = 4
"""Connections above `database_pool`, opened when they are first needed and kept then."""
_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def _dumps(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class Database:
    """One service's database as its least-privileged role, and the key that its stored replies are sealed with."""

    def __init__(self, engine: AsyncEngine, clock: Clock, cipher: FieldCipher) -> None:
        self.engine = engine
        self._reading = engine.execution_options(postgresql_readonly=True)
        self.cipher = cipher
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock, name: str) -> Database:
        if not settings.database_url:
            raise SettingsError("XUEJI_DATABASE_URL is not set. Cure: postgresql://role:password@host:port/database")
        engine = create_async_engine(
            async_url(settings.database_url),
            pool_size=settings.database_pool + _MORE,
            max_overflow=0,  # one that overflows is opened and closed for a single transaction: a process of the server
            pool_timeout=10,
            hide_parameters=True,  # an error's text would carry names and numbers
            json_serializer=_dumps,
            json_deserializer=msgspec.json.decode,
            connect_args={"server_settings": {"application_name": f"xueji-{name}", **_PLANNING}, "timeout": 10},
        )
        sa.event.listen(engine.sync_engine, "connect", _count_round_trips)
        if settings.otlp_endpoint:  # a span for each statement costs more than sending it, and nobody would see it
            sa.event.listen(engine.sync_engine, "connect", _trace_statements)
            sa.event.listen(engine.sync_engine, "before_cursor_execute", _begun)
            sa.event.listen(engine.sync_engine, "after_cursor_execute", _done)
        sa.event.listen(engine.sync_engine, "checkout", _replace_if_closed)
        return cls(engine, clock, FieldCipher.from_settings(settings))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back when it raises."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that PostgreSQL lets change nothing; it begins as one, which costs no statement of its own."""
        async with self._reading.begin() as connection:
            yield connection

    async def alone(self, statement: str, *values: Any) -> None:
        """One statement that is a transaction by itself: committed when this returns, in one round trip."""
        async with self.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            await cast("asyncpg.Connection[Any]", raw.driver_connection).execute(statement, *values)

    @asynccontextmanager
    async def unit(self, deps: D) -> AsyncIterator[Any]:
        """A unit of work for a worker (`Work[D]`): commit, with its events, and then what waits for the commit."""
        from service_kit.work import Work  # work imports this module

        async with self.engine.begin() as connection:
            work = Work(tx=connection, deps=deps, now=self._clock.now())
            yield work
            await work.flush()
        if work.events:
            self.wake_relay()
        for call in work.calls:
            call()

    def wake_relay(self) -> None:
        """Replaced by the service's relay: an in-process wake-up, since NOTIFY would cost half the commit rate."""

    async def close(self) -> None:
        await self.engine.dispose()


def _count_round_trips(dbapi_connection: Any, _record: Any) -> None:
    def count(_statement: asyncpg.connection.LoggedQuery) -> None:
        ROUND_TRIPS.inc()

    dbapi_connection.driver_connection.add_query_logger(count)


def _trace_statements(dbapi_connection: Any, _record: Any) -> None:
    def span(statement: asyncpg.connection.LoggedQuery) -> None:
        statement_span(statement.query, statement.elapsed)

    dbapi_connection.driver_connection.add_query_logger(span)


def _begun(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
    context.xueji_begun = time.monotonic()


def _done(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
    """SQLAlchemy prepares its statements, and what is prepared asyncpg tells no logger: traced here, not counted there."""
    statement_span(statement, time.monotonic() - context.xueji_begun)


def _replace_if_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """A connection that died in the driver's hands is unknown to the pool; asking costs no round trip."""
    if dbapi_connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


async def driver(tx: AsyncConnection) -> asyncpg.Connection[Any]:
    """The asyncpg connection of this transaction, for set-based SQL with arrays (`$1::text[]`).

    SQLAlchemy sends BEGIN with its own first statement, not before: what goes to the driver first would commit by
    itself. So the transaction is begun here (the adapter's own method; `test_database` proves the rollback).
    """
    raw = await tx.get_raw_connection()
    adapter: Any = raw.dbapi_connection
    connection = cast("asyncpg.Connection[Any]", raw.driver_connection)
    if adapter._transaction is None:
        try:
            await adapter._start_transaction()
        except Exception as error:
            if connection.is_closed():
                raise ConnectionResetError("the connection to PostgreSQL is lost") from error
            raise
    return connection


async def fetch_all(
    tx: AsyncConnection, statement: str | sa.Executable, params: Mapping[str, Any] | None = None
) -> Sequence[RowMapping]:
    return (await tx.execute(_statement(statement), params or {})).mappings().all()


async def fetch_one(
    tx: AsyncConnection, statement: str | sa.Executable, params: Mapping[str, Any] | None = None
) -> RowMapping | None:
    return (await tx.execute(_statement(statement), params or {})).mappings().first()


async def execute(tx: AsyncConnection, statement: str | sa.Executable, params: Mapping[str, Any] | None = None) -> int:
    """Rows touched."""
    result = await tx.execute(_statement(statement), params or {})
    return result.rowcount


def _statement(statement: str | sa.Executable) -> sa.Executable:
    return sa.text(statement) if isinstance(statement, str) else statement


async def insert_rows(
    tx: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: Sequence[str] = (),
    on_conflict: str = "",
    then: str = "",
    more: Sequence[Any] = (),
) -> list[asyncpg.Record]:
    """Insert many rows in one round trip: `INSERT … SELECT FROM unnest(array per column)`.

    All rows have the keys of the first. JSONB columns take any value msgspec encodes, array columns flat sequences of
    int or str. `on_conflict`: SQL after ON CONFLICT, `"DO NOTHING"`, `"(id) DO UPDATE SET …"`.
    Returns the rows of RETURNING (those really inserted).

    `then`: how the same statement goes on, where a round trip pays: what follows `WITH made AS (INSERT … RETURNING …)`,
    other parts of that WITH (`, a AS (…)`) and the SELECT whose rows are returned. None of it sees what the others have
    written but through `made`. `{0}`, `{1}` in it are the values of `more`.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    sql, adapters = _insert_statement(table, names, tuple(returning), on_conflict, then, len(more))
    columns = []
    for name, adapt in zip(names, adapters, strict=True):
        values = [row[name] for row in rows]
        columns.append(values if adapt is None else [None if v is None else adapt(v) for v in values])
    connection = await driver(tx)
    return await connection.fetch(sql, *columns, *more)


@functools.lru_cache(maxsize=256)
def _insert_statement(
    table: sa.Table, names: tuple[str, ...], returning: tuple[str, ...], on_conflict: str, then: str, more: int
) -> tuple[str, tuple[Any, ...]]:
    params: list[str] = []
    selected: list[str] = []
    adapters: list[Any] = []
    for position, name in enumerate(names, start=1):
        column = table.c[name]
        sql_type = column.type.compile(dialect=_dialect)
        if isinstance(column.type, sa.ARRAY):
            # unnest flattens arrays of arrays: each inner array travels as its text form.
            params.append(f"${position}::text[]")
            selected.append(f"c{position}::{sql_type}")
            adapters.append(array_text)
        else:
            params.append(f"${position}::{sql_type}[]")
            selected.append(f"c{position}")
            adapters.append(_dumps if isinstance(column.type, sa.JSON | postgresql.JSONB) else None)
    quoted = ", ".join(f'"{name}"' for name in names)
    aliases = ", ".join(f"c{i}" for i in range(1, len(names) + 1))
    sql = (
        f'INSERT INTO "{table.name}" ({quoted}) SELECT {", ".join(selected)} '  # noqa: S608 - names from our own tables
        f"FROM unnest({', '.join(params)}) AS t({aliases})"
    )
    if on_conflict:
        sql += f" ON CONFLICT {on_conflict}"
    if returning:
        sql += " RETURNING " + ", ".join(f'"{name}"' for name in returning)
    if then:
        last = len(names)
        sql = f"WITH made AS ({sql}) {then.format(*(f'${last + n}' for n in range(1, more + 1)))}"
    return sql, tuple(adapters)


def array_text(values: Sequence[int] | Sequence[str]) -> str:
    """A PostgreSQL array literal: how an array of each row travels, since `unnest` flattens arrays of arrays."""
    return "{" + ",".join(v if isinstance(v, str) else str(v) for v in map(_array_item, values)) + "}"


def _array_item(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
