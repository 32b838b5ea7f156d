"""The small parts: sealed fields and files, ids, settings, set-based inserts, logs, health."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import socket
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from kit_sandbox import Sandbox
from service_kit import telemetry
from service_kit.clock import Clock
from service_kit.crypto import BlindIndex, FieldCipher, SealBroken
from service_kit.database import ROUND_TRIPS, Database, driver, execute, fetch_all, insert_rows
from service_kit.files import CHUNK, FileBroken, FileMissing, FileStore, FileTooLarge
from service_kit.health import HealthServer
from service_kit.ids import derived, derived_in_line, new_id
from service_kit.migrate import _split
from service_kit.settings import Settings, SettingsError, read
from service_kit.work import Work
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


def cipher(*key_ids: str) -> FieldCipher:
    return FieldCipher({key_id: key_id.encode().ljust(32, b"-") for key_id in key_ids})


@given(st.lists(st.integers(0, 2**28 - 1), min_size=2, unique=True), st.text(max_size=40))
def test_ids_of_a_series_sort_by_place_and_repeat(places: list[int], series: str) -> None:
    made = {place: derived_in_line(place, "row", series) for place in places}
    assert sorted(made.values()) == [made[place] for place in sorted(places)]
    assert made == {place: derived_in_line(place, "row", series) for place in places}
    assert all(UUID(one).version == 8 for one in made.values())
    other = {derived_in_line(place, "row", series + "x") for place in places}
    assert other.isdisjoint(made.values())


async def test_what_was_gathered_is_done_once_with_all_of_it() -> None:
    calls: list[tuple[str, list[int]]] = []

    async def sums(_work: Work[None], items: Sequence[int]) -> None:
        calls.append(("sums", list(items)))

    async def others(_work: Work[None], items: Sequence[int]) -> None:
        calls.append(("others", list(items)))

    work: Work[None] = Work(tx=cast("Any", None), deps=None, now=Clock().now())
    for item in (3, 1, 2):
        work.gather(sums, item)
    work.gather(others, 9)
    assert calls == []
    await work.flush()
    assert calls == [("sums", [3, 1, 2]), ("others", [9])]


@pytest.mark.parametrize("place", [-1, 2**28])
def test_a_series_ends_somewhere(place: int) -> None:
    with pytest.raises(ValueError, match="place"):
        derived_in_line(place, "row")


@given(st.text(max_size=200), st.binary(max_size=20))
def test_a_sealed_field_opens_in_its_place_and_nowhere_else(text: str, context: bytes) -> None:
    sealed = cipher("k1").seal(text, context)
    assert cipher("k1").open(sealed, context) == text
    with pytest.raises(SealBroken):
        cipher("k1").open(sealed, context + b"x")
    with pytest.raises(SealBroken):
        cipher("k1").open(sealed[:-1] + bytes([sealed[-1] ^ 1]), context)


def test_rotation_a_new_key_in_front_and_the_old_one_still_opens() -> None:
    old = cipher("k1").seal("230102201901011234", b"p")
    both = cipher("k2", "k1")
    assert both.open(old, b"p") == "230102201901011234"
    assert both.key_id(both.seal("x", b"p")) == "k2"
    with pytest.raises(SealBroken, match="k1"):
        cipher("k2").open(old, b"p")


def test_the_blind_index_needs_its_key() -> None:
    assert BlindIndex(b"a" * 32).of("x") == BlindIndex(b"a" * 32).of("x")
    assert BlindIndex(b"a" * 32).of("x") != BlindIndex(b"b" * 32).of("x")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
async def test_a_file_comes_back_whole(tmp_path: Path, size: int) -> None:
    store = FileStore(tmp_path, os.urandom(32))
    content = os.urandom(size)
    ref = await store.put("名册.xlsx", "application/x", content, max_size=10**7)
    assert (ref.size, await store.read(ref.id)) == (size, content)
    stored = next(p for p in tmp_path.rglob(ref.id))
    assert content[:64] not in stored.read_bytes() or size < 8
    assert stored.stat().st_mode & 0o777 == 0o600
    await store.delete(ref.id)
    await store.delete(ref.id)
    with pytest.raises(FileMissing):
        await store.read(ref.id)


async def test_a_changed_truncated_or_exchanged_file_does_not_open(tmp_path: Path) -> None:
    store = FileStore(tmp_path, os.urandom(32))
    one = await store.put("a", "x", os.urandom(3 * CHUNK), max_size=10**7)
    two = await store.put("b", "x", os.urandom(3 * CHUNK), max_size=10**7)
    path = next(tmp_path.rglob(one.id))
    whole = path.read_bytes()
    for broken in (whole[: len(whole) - CHUNK - 16], whole[:-1], next(tmp_path.rglob(two.id)).read_bytes()):
        path.write_bytes(broken)
        with pytest.raises(FileBroken):
            await store.read(one.id)


async def test_a_file_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path, os.urandom(32))
    with pytest.raises(FileTooLarge):
        await store.put("a", "x", b"12345", max_size=4)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


async def test_what_a_kill_left_half_written_is_swept(tmp_path: Path) -> None:
    store = FileStore(tmp_path, os.urandom(32))
    whole = await store.put("a", "x", b"12345", max_size=9)
    folder = next(tmp_path.rglob(whole.id)).parent
    for name, age in (("old.1.part", 4000), ("new.1.part", 10)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    assert store.sweep() == 1
    assert (folder / "new.1.part").exists() and await store.read(whole.id) == b"12345"


@pytest.mark.parametrize("bad", ["../../etc/passwd", "", "a/b", "a.b"])
async def test_an_id_is_no_path(tmp_path: Path, bad: str) -> None:
    with pytest.raises(FileMissing):
        await FileStore(tmp_path, os.urandom(32)).read(bad)


def test_ids_are_ordered_and_derived_ones_repeat() -> None:
    made = [new_id() for _ in range(200)]
    assert len(set(made)) == 200
    assert [i[:13] for i in made] == sorted(i[:13] for i in made)
    assert UUID(made[0]).version == 7 and UUID(made[0]).variant == "specified in RFC 4122"
    assert derived("r", 1) == derived("r", 1) != derived("r", 11)


def test_a_bad_setting_is_named_without_its_value() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Settings, {"XUEJI_HEALTH_PORT": "hunter2"})
    assert "XUEJI_HEALTH_PORT" in str(caught.value) and "hunter2" not in str(caught.value)
    assert read(Settings, {"XUEJI_HEALTH_PORT": "80", "XUEJI_ENV": "production", "OTHER": "1"}).production


def test_a_migration_script_keeps_function_bodies_whole() -> None:
    script = "CREATE TABLE a (b int);\nCREATE FUNCTION f() AS $$ BEGIN\nx;\ny;\nEND $$ LANGUAGE plpgsql;\nSELECT 1;"
    assert [s.strip().split()[1] for s in _split(script)] == ["TABLE", "FUNCTION", "1"]
    assert "x;\ny;" in _split(script)[1]


# ---- PostgreSQL -------------------------------------------------------------------------------------------------------

things = sa.Table(
    "things", sa.MetaData(), sa.Column("id", sa.Text, primary_key=True), sa.Column("n", sa.Integer),
    sa.Column("day", sa.Date), sa.Column("body", JSONB), sa.Column("keys", ARRAY(sa.BigInteger)),
    sa.Column("words", ARRAY(sa.Text)),
)  # fmt: skip


@pytest.fixture
async def db(sandbox: Sandbox):  # type: ignore[no-untyped-def]
    database = Database.from_settings(sandbox.settings("registry"), Clock(), "test")
    await sandbox.sql("registry", "CREATE TABLE things (id text PRIMARY KEY, n int, day date, body jsonb, "
                                  "keys bigint[], words text[])")  # fmt: skip
    yield database
    await database.close()


@pytest.mark.integration
async def test_many_rows_go_in_with_one_statement_and_conflicts_are_told(db: Database) -> None:
    rows = [
        {"id": f"t{n}", "n": n if n % 2 else None, "day": date(2026, 9, 1), "body": {"名": n}, "keys": [n, -n],
         "words": ['a"b', "c\\d", "{,}"]}
        for n in range(1000)
    ]  # fmt: skip
    async with db.transaction() as tx:
        made = await insert_rows(tx, things, rows, returning=["id"], on_conflict="DO NOTHING")
        again = await insert_rows(tx, things, rows[:10], returning=["id"], on_conflict="DO NOTHING")
    assert len(made) == 1000 and again == []
    async with db.transaction() as tx:
        found = (await fetch_all(tx, "SELECT * FROM things WHERE id = :id", {"id": "t7"}))[0]
    assert dict(found) == rows[7]


@pytest.mark.integration
async def test_an_insert_goes_on_in_the_same_statement(db: Database) -> None:
    """Only what was really inserted is told on, and nothing else sees it yet."""
    then = """, copied AS (INSERT INTO things (id, n) SELECT 'of ' || id, {0}::int FROM made ORDER BY id)
              SELECT id, (SELECT count(*) FROM things) AS there FROM made ORDER BY id"""
    async with db.transaction() as tx:
        await insert_rows(tx, things, [{"id": "a", "n": 1}])
        before = ROUND_TRIPS._value.get()
        rows = [{"id": key, "n": 1} for key in ("a", "b", "c")]
        made = await insert_rows(tx, things, rows, returning=["id"], on_conflict="DO NOTHING", then=then, more=[7])
        assert ROUND_TRIPS._value.get() == before + 1
    assert [(row["id"], row["there"]) for row in made] == [("b", 1), ("c", 1)]
    async with db.transaction() as tx:
        found = await fetch_all(tx, "SELECT id, n FROM things WHERE id LIKE 'of %' ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("of b", 7), ("of c", 7)]


@pytest.mark.integration
async def test_what_goes_to_the_driver_first_is_rolled_back_too(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await (await driver(tx)).execute("INSERT INTO things (id) VALUES ('x')")
            raise ZeroDivisionError
    async with db.transaction() as tx:
        assert await execute(tx, "UPDATE things SET n = 1") == 0


@pytest.mark.integration
async def test_a_reading_transaction_changes_nothing_and_the_next_one_may(db: Database) -> None:
    for _ in range(3):  # the same connection, in turns
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            async with db.reading() as tx:
                await tx.execute(sa.insert(things).values(id="r", n=1))
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with db.reading() as tx:
                await (await driver(tx)).execute("DELETE FROM things")
        async with db.transaction() as tx:
            await execute(tx, "INSERT INTO things (id, n) VALUES ('w', 1) ON CONFLICT (id) DO UPDATE SET n = 2")


@pytest.mark.integration
async def test_a_statement_alone_is_committed_in_one_round_trip(db: Database) -> None:
    await db.alone("INSERT INTO things (id, n) VALUES ($1, $2)", "a", 1)
    await asyncio.sleep(0)  # the driver tells its loggers in the loop's next turn
    before = ROUND_TRIPS._value.get()
    await db.alone("UPDATE things SET n = $2 WHERE id = $1", "a", 7)
    await asyncio.sleep(0)
    assert ROUND_TRIPS._value.get() == before + 1
    async with db.reading() as tx:
        assert (await fetch_all(tx, "SELECT n FROM things WHERE id = 'a'"))[0]["n"] == 7


@pytest.mark.integration
async def test_a_dead_connection_is_replaced_at_checkout(db: Database, sandbox: Sandbox) -> None:
    async with db.transaction() as tx:
        pid = await (await driver(tx)).fetchval("SELECT pg_backend_pid()")
    await sandbox.sql("identity", "SELECT pg_terminate_backend($1)", pid)
    await asyncio.sleep(0.2)
    async with db.transaction() as tx:
        assert await (await driver(tx)).fetchval("SELECT 1") == 1


# ---- logs, health -----------------------------------------------------------------------------------------------------


def log_line(error: BaseException | None = None) -> dict[str, str]:
    formatter = telemetry._Formatter("registry")
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("registry.x", logging.ERROR, __file__, 1, "roster %s failed", ("r1",), info)
    line: dict[str, str] = json.loads(formatter.format(record))
    return line


def test_logs_are_json_and_an_exception_tells_no_data() -> None:
    try:
        raise asyncpg.UniqueViolationError("Key (document)=(230102201901011234) already exists.")
    except asyncpg.PostgresError as error:
        line = log_line(error)
    assert line["service"] == "registry" and line["level"] == "ERROR" and line["message"] == "roster r1 failed"
    assert "UniqueViolationError" in line["exc_info"] and "test_parts.py" in line["exc_info"]
    assert "230102201901011234" not in json.dumps(line)


def test_a_log_line_inside_a_span_carries_its_trace() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider().get_tracer("t").start_as_current_span("s") as span:
        line = log_line()
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"


async def test_health_says_what_is_not_well() -> None:
    state: dict[str, str | None] = {"database": None}

    async def check() -> str | None:
        return state["database"]

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = asyncio.Event()
    server = asyncio.create_task(HealthServer("127.0.0.1", port, {"database": check}).run(stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(60):
            while True:
                try:
                    live = await client.get("/health/live")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        assert live.status_code == 200
        assert (await client.get("/health/ready")).status_code == 200
        state["database"] = "away"
        ready = await client.get("/health/ready")
        assert ready.status_code == 503 and ready.json()["checks"] == {"database": "away"}
        assert b"db_round_trips_total" in (await client.get("/metrics")).content
        assert (await client.post("/metrics")).status_code == 405
        assert (await client.get("/nothing")).status_code == 404
    stop.set()
    await server


def test_keys_must_be_32_bytes() -> None:
    with pytest.raises(SettingsError):
        FieldCipher.from_settings(Settings(field_keys="k1:" + base64.b64encode(b"short").decode()))
    with pytest.raises(SettingsError):
        FieldCipher.from_settings(Settings())
