"""Small parts of the local stack by themselves."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from service_kit import settings
from xueji_infra.topology import topology
from xueji_local import credentials, follow, ports, programs, running, testing
from xueji_local.environment import Places, as_shell, environment_of
from xueji_local.follow import Follower, readable
from xueji_local.layout import Layout
from xueji_local.programs import Child, Program
from xueji_local.servers import PortTaken, ServerProblem

PLACES = Places(
    postgres_host="127.0.0.1",
    postgres_port=5433,
    nats_url="nats://127.0.0.1:4223",
    files=Path("/data/with space/files"),
    gateway_port=8000,
    matcher_port=8090,
)


def test_json_becomes_a_line_for_a_person() -> None:
    entry = {"time": "2026-09-01 08:15:30,123", "level": "WARNING", "logger": "x", "message": "NATS is away",
             "service": "registry", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "rows": 3}  # fmt: skip
    line = readable("registry", json.dumps(entry))
    assert line.text == "08:15:30 registry      ! NATS is away  rows=3 [trace 4bf92f35]"
    assert line.style == "yellow"


def test_an_exception_stands_below_its_line() -> None:
    entry = {"time": "2026-09-01 08:15:30,123", "level": "ERROR", "message": "failed", "exc_info": "ValueError at a:1"}
    first, second = readable("identity", json.dumps(entry)).text.splitlines()
    assert first.endswith("!! failed")
    assert second.strip() == "ValueError at a:1"


def test_lines_that_are_no_json_are_shown_as_they_are() -> None:
    assert readable("gateway", "Traceback (most recent call last):").text.endswith("Traceback (most recent call last):")
    assert readable("gateway", "[1, 2]").text.endswith("[1, 2]")


def test_following_over_half_lines_and_rotation(tmp_path: Path) -> None:
    log = tmp_path / "registry.log"
    log.write_text("old\n")
    follower = Follower({"registry": log})
    assert list(follower.poll()) == []
    with log.open("a") as file:
        file.write("one\ntw")
    assert [line.text.split()[-1] for line in follower.poll()] == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert [line.text.split()[-1] for line in follower.poll()] == ["two"]
    log.write_text("new\n")
    assert [line.text.split()[-1] for line in follower.poll()] == ["new"]


def test_servers_are_quiet_unless_they_complain(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    follower = Follower({"postgres": log})
    log.write_text("LOG:  checkpoint\nFATAL:  no space left\n")
    assert [line.text.split(maxsplit=1)[1] for line in follower.poll()] == ["FATAL:  no space left"]


def test_a_big_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "KEEP_BYTES", 10)
    log = tmp_path / "a.log"
    log.write_text("0123456789")
    follow.rotate(log)
    assert log.exists()
    log.write_text("0123456789!")
    follow.rotate(log)
    assert not log.exists() and (tmp_path / "a.log.1").read_text() == "0123456789!"


def test_ports_are_remembered_and_distinct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XUEJI_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(ports, "_FIRST_CHOICE", {})  # 8000 is everybody's: another program may come or go meanwhile
    first, told = ports.choose(tmp_path / "p.json", ("postgres", "nats", "gateway"))
    assert told == [] and len(set(first.values())) == 3
    assert ports.choose(tmp_path / "p.json", ("gateway", "postgres", "nats"))[0] == first


@pytest.mark.parametrize("text", ["http", "70000", "-1"])
def test_a_bad_fixed_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("XUEJI_GATEWAY_PORT", text)
    with pytest.raises(PortTaken, match="XUEJI_GATEWAY_PORT"):
        ports.choose(tmp_path / "p.json", ("gateway",))


def test_each_service_gets_its_own_secrets_and_no_others() -> None:
    keys = credentials.generate()
    environments = {name: environment_of(name, PLACES, keys) for name in topology().services}
    for name, values in environments.items():
        loaded = settings.load(values)
        assert loaded.nats_user == name and loaded.nats_password == keys.nats_users[name]
        others = [keys.nats_users[other] for other in keys.nats_users if other != name]
        others += [value for role, value in keys.database_roles.items() if role.removesuffix("_owner") != name]
        text = as_shell(values)
        assert not any(secret in text for secret in [*others, keys.postgres, keys.nats_users["admin"]])
    assert environments["identity"]["XUEJI_FIELD_KEYS"] != environments["registry"]["XUEJI_FIELD_KEYS"]
    assert "XUEJI_INDEX_KEY" not in environments["registry"]
    assert {name for name, values in environments.items() if "XUEJI_AUDIT_KEY" in values} == {"access"}
    assert {name for name, values in environments.items() if "XUEJI_FILES_KEY" in values} == {
        "registry", "gateway", "access",
    }  # fmt: skip
    assert "XUEJI_DATABASE_URL" not in environments["gateway"]


def test_settings_of_a_person_reach_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUEJI_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("XUEJI_DATABASE_URL", "postgresql://elsewhere/x")
    values = environment_of("registry", PLACES, credentials.generate())
    assert values["XUEJI_LOG_LEVEL"] == "DEBUG"
    assert values["XUEJI_DATABASE_URL"].startswith("postgresql://registry:")


def test_env_files_survive_spaces() -> None:
    values = environment_of("registry", PLACES, credentials.generate())
    read = dict(part.split("=", 1) for part in shlex.split(as_shell(values)))
    assert read == values


def test_credentials_do_not_show_themselves() -> None:
    keys = credentials.generate()
    assert keys.postgres not in repr(keys) and keys.files_key not in f"{keys}"


def test_a_process_number_that_is_used_again_is_not_the_old_process() -> None:
    me = running.this_process()
    assert (found := me.find()) and found.pid == os.getpid()
    assert running.Process(pid=me.pid, began=me.began + 1).find() is None
    assert running.Process(pid=2**22 + 1, began=me.began).find() is None


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first, second = running.Lock(layout), running.Lock(layout)
    assert first.take() and not second.take()
    assert running.is_running(layout)
    assert running.supervisor(layout) is None, "held, but nobody has signed"
    running.write_supervisor(layout, "run")
    assert (found := running.supervisor(layout)) and found.mode == "run"
    first.release()
    assert running.supervisor(layout) is None, "the file a killed supervisor left does not count"
    assert second.take()
    second.release()


def test_whoever_looks_who_runs_is_no_supervisor(tmp_path: Path) -> None:
    """As `make status` does while another one looks, and while `make run` begins."""
    layout = Layout(tmp_path)
    lock = running.Lock(layout)
    assert lock.take()
    lock.release()
    looking = os.open(layout.lock, os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not running.is_running(layout)
    threading.Timer(0.3, os.close, (looking,)).start()
    assert lock.take()
    assert running.is_running(layout)
    lock.release()


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=10 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(ServerProblem, match=r"only 10 MB are free[\s\S]*XUEJI_HOME"):
        Layout(tmp_path / ".xueji").open()


def test_clearing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.open()
    (tmp_path / "homework.txt").write_text("mine")
    layout.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["homework.txt"]


def test_folders_of_killed_runs_are_swept_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f"xueji-test-{gone.pid}-abc", f"xueji-test-{os.getppid()}-abc", "xueji-test-old", "other"):
        (tmp_path / name).mkdir()
    testing._sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"xueji-test-{os.getppid()}-abc", "xueji-test-old", "other"}


def test_another_programs_answer_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        child = Child(
            Program(name="registry", args=("sleep", "60"), environment={}, port=port, start_seconds=0.5),
            tmp_path / "log",
        )
        child.start()
        try:
            with pytest.raises(ServerProblem, match=f"another program answers on its port {port}"):
                child.wait_ready()
        finally:
            child.stop()
            server.shutdown()


def test_a_service_that_serves_is_not_given_the_owners_password() -> None:
    program = programs.service("identity", {"XUEJI_DATABASE_URL": "a", "XUEJI_MIGRATION_DATABASE_URL": "b"}, 1)
    assert program.environment == {"XUEJI_DATABASE_URL": "a"}
