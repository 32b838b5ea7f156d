"""The embedded servers: what is durable, what is closed, and what they say when they cannot run."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest
from nats.js import JetStreamContext
from xueji_local import processes, servers
from xueji_local.processes import free_port, port_is_free, spawn, stop, wait_until
from xueji_local.servers import Nats, PortTaken, Postgres, ServerProblem
from xueji_local.testing import scratch

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as made:
        yield made


@contextlib.contextmanager
def occupied() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_postgres_keeps_what_was_committed_over_a_kill_and_its_port(folder: Path) -> None:
    with Postgres(folder / "pg", password="p@ss/word:1") as server:
        port = server.port
        client = await asyncpg.connect(server.url())
        await client.execute("CREATE TABLE t AS SELECT 42 AS x")
        server.kill()
        assert not server.alive()
        server.start()
        assert server.port == port
        again = await asyncpg.connect(server.url())
        assert await again.fetchval("SELECT x FROM t") == 42
        assert await again.fetchval("SHOW fsync") == "on"
        await again.close()
    assert not server.alive()


async def test_postgres_asks_for_the_password_and_listens_on_loopback_only(folder: Path) -> None:
    with Postgres(folder / "pg", password="right", fsync=False) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url(password="wrong"))
        listening = [c.laddr for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"]
        assert [(at.ip, at.port) for at in listening] == [("127.0.0.1", server.port)]
        assert "right" not in " ".join(psutil.Process(server.pid).cmdline())


async def test_postgres_writes_no_row_into_its_log(folder: Path) -> None:
    """A violated constraint's DETAIL quotes the row; a failing statement quotes its literals."""
    with Postgres(folder / "pg", password="x", fsync=False) as server:
        client = await asyncpg.connect(server.url())
        await client.execute("CREATE TABLE person (number text PRIMARY KEY)")
        await client.execute("INSERT INTO person VALUES ($1)", "230103201905054321")
        with pytest.raises(asyncpg.UniqueViolationError):
            await client.execute("INSERT INTO person VALUES ($1)", "230103201905054321")
        with pytest.raises(asyncpg.UniqueViolationError):
            await client.execute("INSERT INTO person VALUES ('230103201905054321')")
        with pytest.raises(asyncpg.DataError):
            await client.execute("SELECT '230103201905054321x'::bigint")
        await client.close()
        assert "unique constraint" in server.log.read_text()
    text = server.log.read_text()
    assert "230103201905054321" not in text.replace('"230103201905054321x"', "")
    assert "INSERT" not in text


@pytest.mark.parametrize("left", ["data.making", "data"])
async def test_an_interrupted_initdb_is_moved_aside_and_done_again(folder: Path, left: str) -> None:
    half = folder / "pg" / left
    (half / "base").mkdir(parents=True)
    (half / "postgresql.conf").write_text("")
    with Postgres(folder / "pg", password="x", fsync=False) as server:
        assert server.set_aside and (server.set_aside / "postgresql.conf").exists()
        client = await asyncpg.connect(server.url())
        await client.close()


def test_a_broken_data_folder_is_named_with_the_log(folder: Path) -> None:
    with Postgres(folder / "pg", password="x", fsync=False):
        pass
    shutil.rmtree(folder / "pg" / "data" / "global")
    with pytest.raises(ServerProblem, match=r"does not start[\s\S]*global/pg_control"):
        Postgres(folder / "pg", password="x", fsync=False).start()


def test_data_of_another_version_are_left_alone(folder: Path) -> None:
    with Postgres(folder / "pg", password="x", fsync=False):
        pass
    version = folder / "pg" / "data" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(ServerProblem, match=r"made by PostgreSQL 15.*Cure"):
        Postgres(folder / "pg", password="x", fsync=False).start()
    assert version.read_text() == "15\n"


def test_two_servers_on_one_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xueji_local.servers._FORMER_SECONDS", 0.3)
    with (
        Postgres(folder / "pg", password="x", fsync=False) as first,
        pytest.raises(ServerProblem, match=f"process {first.pid}.*Cure"),
    ):
        Postgres(folder / "pg", password="x", fsync=False).start()


def test_a_taken_port_is_named(folder: Path) -> None:
    with occupied() as port:
        with pytest.raises(PortTaken, match=f"port {port}"):
            Postgres(folder / "pg", password="x", port=port, fsync=False).start()
        with pytest.raises(PortTaken, match=f"port {port}"):
            Nats(folder / "nats", config="", port=port).start()


async def test_nats_comes_back_on_its_port_with_its_messages(folder: Path) -> None:
    with Nats(folder / "nats", config="jetstream { sync_interval: always }\n") as server:
        url = server.url
        async with _stream(url) as js:
            await js.add_stream(name="A", subjects=["a"])
            await js.publish("a", b"1")
        server.save_store(folder / "old")
        async with _stream(url) as js:
            await js.publish("a", b"2")
        server.kill()
        server.start()
        async with _stream(url) as js:
            assert (await js.stream_info("A")).state.messages == 2
        server.restore_store(folder / "old")
        async with _stream(url) as js:
            assert (await js.stream_info("A")).state.messages == 1


@contextlib.asynccontextmanager
async def _stream(url: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(url, allow_reconnect=False)
    yield client.jetstream()
    await client.close()


def test_a_bad_configuration_is_told_with_the_log(folder: Path) -> None:
    with pytest.raises(ServerProblem, match=r"NATS does not start[\s\S]*Parse error"):
        Nats(folder / "nats", config="jetstream {}\nnonsense: {\n", port=free_port()).start()


def test_a_group_is_ended_with_its_leader(tmp_path: Path) -> None:
    """A leader that ignores SIGTERM, and its child: both are gone."""
    code = (
        "import subprocess, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", code], log=log, env={})
    assert wait_until(lambda: log.read_text().strip() != "", lambda: True, 120)
    inner = psutil.Process(int(log.read_text()))
    stop(process, *[(15, 0.3)])  # type: ignore[list-item]
    assert process.returncode == -9
    assert _gone(inner)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_children_end_when_we_are_killed(tmp_path: Path) -> None:
    code = (
        "import time, pathlib; from xueji_local.processes import spawn;"
        f"p = spawn(['sleep', '600'], log=pathlib.Path({str(tmp_path / 'log')!r}), env={{}});"
        "print(p.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    assert _gone(child)


def _gone(process: psutil.Process, seconds: float = 120.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_nobody_is_given_the_port_of_a_process_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not listen yet, or no more for a moment: to whoever only looks its port is free."""
    code = "from xueji_local.processes import free_port; print(free_port(), flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout
    port, more = int(other.stdout.readline()), free_port()
    assert port_is_free(port)
    monkeypatch.setattr(processes, "_GIVEN", set())
    drawn = iter((port, more, port))
    monkeypatch.setattr(processes.random, "randint", lambda *_: next(drawn))
    assert free_port() == more
    other.communicate("\n")
    assert free_port() == port


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_programs_out_of_reach_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout and its environment in /root: PostgreSQL's user cannot enter."""
    monkeypatch.setattr(servers, "shared_folder", lambda: folder)
    monkeypatch.setattr(servers, "reachable", lambda path: str(path).startswith(str(folder)))
    programs = servers.pg_programs()
    assert programs.is_relative_to(folder)
    stamp = programs.stat().st_ctime_ns
    with Postgres(folder / "pg", password="x", fsync=False) as server:
        assert psutil.Process(server.pid).uids().real != 0
    assert servers.pg_programs() == programs and programs.stat().st_ctime_ns == stamp
    assert not list(folder.glob("making-*"))
