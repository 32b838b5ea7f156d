"""`make run, up, down, reset` with real PostgreSQL and NATS and small children in place of the services."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from xueji_local.processes import free_port
from xueji_local.testing import scratch

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]
HANGS = 300.0
"""Seconds after which something does not come any more, on the slowest machine."""
MINI = Path(__file__).parent / "mini.py"


class Home:
    """A `.xueji` of its own and the command over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")} | {"XUEJI_HOME": str(path)}

    def act(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(MINI), *args],
            env=self.env | env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=HANGS, check=False,
        )  # fmt: skip

    def run_in_foreground(self, **env: str) -> subprocess.Popen[str]:
        # Any port: everybody's first choice may be that of another stack which starts at this moment.
        return subprocess.Popen(
            [sys.executable, str(MINI), "run"], env=self.env | {"XUEJI_GATEWAY_PORT": "0"} | env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def up(self, **env: str) -> str:
        if not self.path.exists():  # not everybody's first choice: other stacks start on this machine at the same time
            self.path.mkdir(mode=0o700)
            (self.path / "ports.json").write_text(json.dumps({"gateway": free_port()}))
        done = self.act("up", **env)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def stack(self) -> dict[str, object]:
        return json.loads((self.path / "stack.json").read_text())  # type: ignore[no-any-return]

    def pids(self) -> dict[str, int]:
        known = json.loads((self.path / "children.json").read_text())
        return {name: entry["pid"] for name, entry in known.items()}

    def children(self) -> dict[str, psutil.Process]:
        return {name: psutil.Process(pid) for name, pid in self.pids().items()}

    def supervisor(self) -> psutil.Process:
        return psutil.Process(json.loads((self.path / "supervisor.json").read_text())["process"]["pid"])


@pytest.fixture
def home() -> Iterator[Home]:
    with scratch() as folder:
        made = Home(folder / ".xueji")
        yield made
        made.act("down")


def _all_end(processes: dict[str, psutil.Process], seconds: float = HANGS) -> bool:
    _, alive = psutil.wait_procs(list(processes.values()), timeout=seconds)
    return all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in alive)


def _until(true: object, seconds: float = HANGS) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


@contextlib.contextmanager
def _occupied(port: int = 0) -> Iterator[int]:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield other.getsockname()[1]


def test_up_status_down(home: Home) -> None:
    told = home.up()
    assert "All is healthy." in told and "xinchun.registrar" in told
    stack = home.stack
    assert urllib.request.urlopen(str(stack["gateway"])).status == 200
    assert {"role", "organisation", "username", "password"} <= set(stack["accounts"][0])  # type: ignore[index]
    assert {"role", "organisation", "client_id", "client_secret"} <= set(stack["clients"][0])  # type: ignore[index]
    for role in ("registrar", "class_teacher", "principal", "authority_officer", "leader", "auditor", "account_admin",
                 "integration_client"):  # fmt: skip
        assert told.count(f" {role} ") == 1, f"one account of the role {role} is shown"
    for private in (
        "stack.json",
        "secrets/credentials.json",
        "secrets/accounts.json",
        "env/identity.env",
        "env/access.env",
    ):
        assert stat.S_IMODE((home.path / private).stat().st_mode) == 0o600, private
    assert stat.S_IMODE((home.path / "secrets").stat().st_mode) == 0o700
    _until(lambda: home.act("status").returncode == 0)  # whoever does not answer within seconds is said not to
    children = home.children()
    assert set(children) == {
        "postgres",
        "nats",
        "matcher",
        "identity",
        "registry",
        "transfer",
        "notifications",
        "access",
        "gateway",
    }

    assert "up already" in home.up()
    refused = home.act("run")
    assert refused.returncode == 1 and "runs already" in refused.stdout and "make down" in refused.stdout

    assert home.act("down").returncode == 0
    assert _all_end(children, 1)
    assert not (home.path / "stack.json").exists()
    assert home.act("status").returncode == 3
    assert "does not run" in home.act("down").stdout


def test_no_secret_is_in_a_log_or_on_a_command_line(home: Home) -> None:
    home.up()
    keys = json.loads((home.path / "secrets/credentials.json").read_text())
    secrets = [keys["postgres"], *keys["database_roles"].values(), *keys["nats_users"].values(), keys["files_key"]]
    lines = [" ".join(p.cmdline()) for p in home.children().values()]
    home.act("down")
    text = "\n".join(path.read_text() for path in (home.path / "logs").iterdir())
    assert not any(secret in text for secret in secrets)
    assert not any(secret in line for secret in secrets for line in lines)


def test_a_second_start_keeps_data_ports_and_passwords(home: Home) -> None:
    home.up()
    first = home.stack
    home.act("down")
    told = home.up()
    assert "demonstration accounts" not in told, "made once"
    second = home.stack
    assert {k: first[k] for k in ("gateway", "matcher", "accounts")} == {
        k: second[k] for k in ("gateway", "matcher", "accounts")
    }


def test_env_files_are_for_a_shell(home: Home) -> None:
    home.up()
    script = f'set -a; . {home.path}/env/identity.env; printf %s "$XUEJI_DATABASE_URL"'
    url = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert url.startswith("postgresql://identity:") and url.endswith("/xueji_identity")


def test_run_follows_the_logs_and_ctrl_c_stops_all_of_it(home: Home) -> None:
    process = home.run_in_foreground()
    try:
        _until((home.path / "stack.json").exists)
        children = home.children()
        children["registry"].send_signal(signal.SIGTERM)
        _until(lambda: home.pids()["registry"] != children["registry"].pid)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=HANGS)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "08:00:00 registry      bye" in told, "the log as a line for a person"
    assert "registry ended with code 0, starts again" in told
    assert "stopped in" in told
    assert _all_end(children, 1)


def test_ctrl_c_while_it_starts(home: Home) -> None:
    process = home.run_in_foreground(MINI_BAD="identity", MINI_CHILD="slow")
    try:
        _until(lambda: (home.path / "children.json").exists() and "identity" in home.pids())
        children = home.children()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=HANGS)
    finally:
        process.kill()
    assert "stopped in" in told
    assert _all_end(children, 1)


def test_a_child_that_dies_at_start_is_shown_with_its_log_and_nothing_is_left(home: Home) -> None:
    done = home.act("up", MINI_BAD="registry", MINI_CHILD="dies", XUEJI_GATEWAY_PORT="0")
    assert done.returncode == 1
    assert "registry ends at start, 3 times, the last time ended with code 7" in done.stdout
    assert "the wheel has come off" in done.stdout and "Cure" in done.stdout
    assert home.act("status").returncode == 3
    assert not (home.path / "children.json").exists()
    home.up()


@pytest.mark.parametrize("name", ["registry", "nats", "postgres"])
def test_a_dead_child_is_started_again(home: Home, name: str) -> None:
    home.up()
    before = home.children()[name]
    before.kill()
    _until(lambda: home.pids()[name] != before.pid)
    _until(lambda: home.act("status").returncode == 0)
    assert f"{name} " in (home.path / "logs/supervisor.log").read_text().split("All is healthy.")[1]


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_works(home: Home) -> None:
    home.up()
    children, supervisor = home.children(), home.supervisor()
    supervisor.kill()
    if sys.platform == "linux":
        assert _all_end(children)
    told = home.up()
    assert "All is healthy." in told
    assert home.supervisor().pid != supervisor.pid
    assert _all_end(children, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="SIGSTOP as a stand-in for a child that hangs")
def test_a_stubborn_orphan_is_ended_by_the_next_start(home: Home) -> None:
    home.up(MINI_BAD="registry", MINI_CHILD="stubborn")
    children, supervisor = home.children(), home.supervisor()
    supervisor.kill()
    supervisor.wait(5) if supervisor.ppid() == os.getpid() else None
    _until(lambda: not supervisor.is_running() or supervisor.status() == psutil.STATUS_ZOMBIE)
    assert _all_end({name: child for name, child in children.items() if name != "registry"})
    assert children["registry"].is_running()
    assert "a killed run had left registry" in home.up()
    assert _all_end(children, 1)


def test_a_taken_port_moves_and_is_told(home: Home) -> None:
    home.up()
    ports = json.loads((home.path / "ports.json").read_text())
    home.act("down")
    with _occupied(ports["nats"]), _occupied(ports["matcher"]):
        told = home.up()
        assert f"port {ports['nats']} of nats is taken" in told
        assert f"port {ports['matcher']} of matcher is taken" in told
        moved = json.loads((home.path / "ports.json").read_text())
        assert moved["nats"] != ports["nats"] and moved["postgres"] == ports["postgres"]
        home.act("down")


def test_the_gateways_port_can_be_fixed_and_is_not_moved(home: Home) -> None:
    with _occupied() as port:
        done = home.act("up", XUEJI_GATEWAY_PORT=str(port))
        assert done.returncode == 1
        assert f"port {port} (XUEJI_GATEWAY_PORT) is taken" in done.stdout and "Cure" in done.stdout
    home.up(XUEJI_GATEWAY_PORT=str(port))
    assert home.stack["gateway"] == f"http://127.0.0.1:{port}"


def test_a_half_initialised_data_folder_is_moved_aside(home: Home) -> None:
    half = home.path / "pg" / "data.making"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    home.path.chmod(0o700)
    assert "an incomplete data folder was moved aside" in home.up()


def test_lost_secrets_are_not_replaced_silently(home: Home) -> None:
    home.up()
    home.act("down")
    kept = (home.path / "secrets/credentials.json").read_bytes()
    (home.path / "secrets/credentials.json").unlink()
    done = home.act("up")
    assert done.returncode == 1 and "credentials.json is gone" in done.stdout and "make reset" in done.stdout
    (home.path / "secrets/credentials.json").write_bytes(kept.replace(b'"postgres":"', b'"postgres":"x'))
    done = home.act("up")
    assert done.returncode == 1 and "PostgreSQL does not know our password" in done.stdout
    (home.path / "secrets/credentials.json").write_bytes(kept)
    home.up()


def test_a_home_from_before_the_access_service_still_starts(home: Home) -> None:
    home.up()
    passwords = {account["username"]: account["password"] for account in home.stack["accounts"]}  # type: ignore
    home.act("down")
    # As the version before left it: an accounts file of the gateway's, no credential and no database of access.
    credentials = home.path / "secrets/credentials.json"
    kept = json.loads(credentials.read_text())
    former = kept | {"token_key": "x" * 43 + "=", "audit_key": None, "database_roles": None}
    former["database_roles"] = {k: v for k, v in kept["database_roles"].items() if not k.startswith("access")}
    for name in ("nats_users", "field_keys"):
        former[name] = {k: v for k, v in kept[name].items() if k != "access"}
    del former["audit_key"]
    credentials.write_text(json.dumps(former))
    (home.path / "accounts.json").write_text("[]")
    known = [
        {"username": "xinchun.registrar", "password": passwords["xinchun.registrar"], "password_hash": "$argon2id$"}
    ]
    (home.path / "secrets/accounts.json").write_text(json.dumps(known))
    (home.path / "env/access.env").unlink()
    home.up()
    completed = json.loads(credentials.read_text())
    assert completed["audit_key"] and completed["field_keys"]["access"] and completed["database_roles"]["access"]
    assert completed["field_keys"]["registry"] == kept["field_keys"]["registry"]
    after = {account["username"]: account["password"] for account in home.stack["accounts"]}  # type: ignore
    assert after["xinchun.registrar"] == passwords["xinchun.registrar"]
    assert after["nangang.leader"] != passwords["nangang.leader"], "made anew, for it was not there"
    assert "XUEJI_AUDIT_KEY" in (home.path / "env/access.env").read_text()
    assert home.act("reset").returncode == 0
    assert not home.path.exists()


def test_a_place_that_cannot_be_written(home: Home) -> None:
    home.path.parent.mkdir(exist_ok=True)
    home.path.write_text("a file where the folder should be")
    done = home.act("up")
    assert done.returncode == 1 and "cannot be written" in done.stdout and "XUEJI_HOME" in done.stdout
    home.path.unlink()


def test_reset_stops_and_clears(home: Home) -> None:
    home.up()
    children = home.children()
    done = home.act("reset")
    assert done.returncode == 0 and "is cleared" in done.stdout
    assert not home.path.exists()
    assert _all_end(children, 1)


def test_not_in_production(home: Home) -> None:
    for act in ("run", "up"):
        done = home.act(act, XUEJI_ENV="production")
        assert done.returncode == 1 and "must not run there" in done.stdout
    assert not home.path.exists()
