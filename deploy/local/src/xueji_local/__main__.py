"""`python -m xueji_local run | up | down | reset | status | logs | services`: the stack on one machine."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from service_kit import time_travel
from service_kit.clock import ZONE, Clock

from xueji_local import interrupt, running
from xueji_local.follow import Follower
from xueji_local.interrupt import Interrupted
from xueji_local.layout import Layout
from xueji_local.processes import tail
from xueji_local.programs import SERVICES
from xueji_local.progress import Terminal
from xueji_local.running import Lock
from xueji_local.servers import ServerProblem

if TYPE_CHECKING:
    from xueji_local.stack import Stack

DAEMON = (sys.executable, "-m", "xueji_local", "supervise")
"""The command of the background process that `up` starts."""
_UP_SECONDS = 420.0
_DOWN_SECONDS = 90.0


def _refuse_production() -> None:
    if os.environ.get("XUEJI_ENV") == "production":
        raise ServerProblem(
            "XUEJI_ENV=production: the local stack makes demonstration accounts and must not run there. "
            "Cure: unset XUEJI_ENV, or deploy the services (README: how to run each service by itself)."
        )


def _serve(layout: Layout, terminal: Terminal, mode: str) -> int:
    """Start, watch and stop in this process. `run` follows the logs; `up` (the daemon) only watches."""
    interrupt.listen()
    from xueji_local import stack as machinery  # a second of imports that the other acts do without

    _refuse_production()
    lock = Lock(layout)
    if not lock.take():
        raise ServerProblem(_already(layout))
    stack = machinery.Stack(layout, terminal)
    try:
        running.write_supervisor(layout, mode)
        stack.start()
        follower = Follower({name: layout.log(name) for name in ("postgres", "nats", *SERVICES)})
        stack.announce()
        _show(layout, terminal, mode)
        while True:
            for sentence in stack.watch():
                terminal.say(f"{time.strftime('%H:%M:%S')} xueji         {sentence}", style="yellow")
            for line in follower.poll() if mode == "run" else ():
                terminal.say(line.text, style=line.style)
            interrupt.check()
            time.sleep(0.25)
    except Interrupted:
        return 0
    except ServerProblem as problem:
        terminal.problem(str(problem))
        return 1
    except BrokenPipeError:  # whoever read our lines is gone
        return 1
    finally:
        _stop(stack, terminal)
        layout.supervisor.unlink(missing_ok=True)
        lock.release()


def _stop(stack: Stack, terminal: Terminal) -> None:
    interrupt.ignore()
    begun = time.monotonic()
    with contextlib.suppress(OSError):
        terminal.say("stopping …")
    stack.stop()
    with contextlib.suppress(OSError):
        terminal.say(f"stopped in {time.monotonic() - begun:.1f} s")


def _already(layout: Layout) -> str:
    found = running.supervisor(layout)
    who = f"process {found.process.pid}, make {found.mode}" if found else "another process"
    where = f", gateway {info['gateway']}" if (info := _read_stack(layout)) else ", still starting"
    return f"The stack runs already ({who}{where}). Cure: use it, or stop it: make down"


def _read_stack(layout: Layout) -> dict[str, object] | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        found: dict[str, object] = msgspec.json.decode(layout.stack.read_bytes())
        return found
    return None


def _show(layout: Layout, terminal: Terminal, mode: str) -> None:
    """One short table: where things are, and who may sign in."""
    info = msgspec.json.decode(layout.stack.read_bytes(), type=_StackFile)
    terminal.say("")
    terminal.table(
        [
            ("gateway", info.gateway, "HTTP API; its description: /schema"),
            ("matcher", info.matcher, "stand-in for the public-security population service"),
            (
                "clock",
                f"{Clock(layout.clock).now():%Y-%m-%d %H:%M}",
                "the stack's own; make clock TO=… moves it",
            ),
            ("logs, settings", str(layout.logs), f"{layout.env}/<service>.env"),
        ]
    )
    terminal.say("")
    shown: dict[str, _Account] = {}
    for account in info.accounts:
        shown.setdefault(account.role, account)  # one of each role is enough here
    terminal.table(
        [("user", "password", "role", "organisation")]
        + [(a.username, a.password, a.role, a.organisation_name) for a in shown.values()]
        + [(c.client_id, c.client_secret, c.role, c.organisation_name) for c in info.clients]
    )
    terminal.note(f"… and {len(info.accounts) - len(shown)} more in {layout.stack}")
    terminal.say("")
    terminal.say(
        "All is healthy. In another shell: make demo. Ctrl-C stops everything."
        if mode == "run"
        else "All is healthy. make demo · make status · make logs · make down"
    )


class _Account(msgspec.Struct):
    username: str
    password: str
    role: str
    organisation_name: str


class _Client(msgspec.Struct):
    client_id: str
    client_secret: str
    role: str
    organisation_name: str


class _StackFile(msgspec.Struct):
    gateway: str
    matcher: str
    accounts: list[_Account]
    clients: list[_Client]
    health: dict[str, str]


def _up(layout: Layout, terminal: Terminal) -> int:
    """Start the supervisor in the background; show its progress; return when all is healthy."""
    _refuse_production()
    if running.is_running(layout):
        if _read_stack(layout) is None:
            raise ServerProblem(_already(layout))
        terminal.say("The stack is up already.")
        _show(layout, terminal, "up")
        return 0
    layout.open()
    log = layout.log("supervisor")
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            DAEMON,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"XUEJI_HOME": str(layout.home)},
        )
    shown = 0
    end = time.monotonic() + _UP_SECONDS
    try:
        while True:
            text = log.read_bytes()
            fresh, shown = text[shown:], len(text)
            if fresh:
                terminal.console.file.write(fresh.decode(errors="replace"))
                terminal.console.file.flush()
            if daemon.poll() is not None:
                return daemon.returncode or 1
            if b"All is healthy." in text and layout.stack.exists():
                return 0
            if time.monotonic() > end:
                daemon.terminate()
                raise ServerProblem(f"not healthy after {_UP_SECONDS:.0f} s. The end of {log}:\n{tail(log)}")
            time.sleep(0.1)
    except KeyboardInterrupt:
        daemon.terminate()
        daemon.wait(_DOWN_SECONDS)
        return 130


def _down(layout: Layout, terminal: Terminal) -> int:
    """Stop the supervisor, foreground or background, and wait until all is down."""
    if not running.is_running(layout):
        left = running.end_leftovers(layout) if layout.children.exists() else []
        layout.stack.unlink(missing_ok=True)
        terminal.say(f"ended what a killed run had left: {', '.join(left)}" if left else "The stack does not run.")
        return 0
    found = running.supervisor(layout)
    process = found.process.find() if found else None
    if process is None:
        raise ServerProblem(
            f"the lock {layout.lock} is held, but not by a supervisor we know. Cure: fuser {layout.lock}"
        )
    with terminal.step("stopping"):
        process.send_signal(signal.SIGTERM)
        end = time.monotonic() + _DOWN_SECONDS
        while running.is_running(layout):
            if time.monotonic() > end:
                raise ServerProblem(
                    f"the supervisor (process {process.pid}) has not stopped in {_DOWN_SECONDS:.0f} s. Cure: "
                    f"kill -9 {process.pid}; its children end with it; the next start repairs what is to repair"
                )
            time.sleep(0.1)
    return 0


def _reset(layout: Layout, terminal: Terminal) -> int:
    """Stop what runs and delete all data, secrets and logs."""
    if running.is_running(layout):
        _down(layout, terminal)
    running.end_leftovers(layout)
    layout.clear()
    terminal.say(f"{layout.home} is cleared.")
    return 0


def _status(layout: Layout, terminal: Terminal) -> int:
    """0: all is healthy. 1: something is not. 3: it does not run."""
    found = running.supervisor(layout)
    if found is None:
        terminal.say("The stack does not run. make run or make up starts it.")
        return 3
    info = _read_stack(layout)
    terminal.say(f"make {found.mode}, process {found.process.pid}, {'up' if info else 'starting'}")
    rows, well = [("process", "pid", "state", "health")], info is not None
    health = msgspec.json.decode(layout.stack.read_bytes(), type=_StackFile).health if info else {}
    for name, child in running.Children.read(layout).items():
        alive = child.find() is not None
        state = _ready(health[name]) if name in health else ("ok" if alive else "")
        well = well and alive and state == "ok"
        rows.append((name, str(child.pid), "runs" if alive else "ended", f"{state}  {health.get(name, '')}".strip()))
    terminal.table(rows)
    return 0 if well else 1


def _ready(url: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        return "ok" if response.status == 200 else response.read(300).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__})"
    finally:
        connection.close()


def _logs(layout: Layout, terminal: Terminal, names: list[str]) -> int:
    """Follow the logs of all or of some until Ctrl-C."""
    known = ("postgres", "nats", "supervisor", *SERVICES)
    for name in names:
        if name not in known:
            raise ServerProblem(f"there is no {name}. Cure: one of {', '.join(known)}")
    follower = Follower({name: layout.log(name) for name in names or SERVICES}, from_start=True)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        while True:
            for line in follower.poll():
                terminal.say(line.text, style=line.style)
            time.sleep(0.25)
    return 0


def _services(layout: Layout, terminal: Terminal) -> int:
    """How to run each service by itself against the servers of this stack."""
    terminal.say(
        "Each service by itself, against the PostgreSQL and NATS of the running stack (a second copy shares the work;"
    )
    terminal.say("give it a port of its own):")
    for name in SERVICES:
        port = "XUEJI_HTTP_PORT" if name in ("gateway", "matcher") else "XUEJI_HEALTH_PORT"
        terminal.say(f"  (set -a; . {layout.env_file(name)}; {port}=0 {sys.executable} -m {name} serve)")
    terminal.say("Dead letters, as the operator:")
    terminal.say(f"  (set -a; . {layout.env_file('operator')}; {sys.executable} -m service_kit.deadletters list)")
    return 0


def _clock(layout: Layout, terminal: Terminal, to: datetime | None) -> int:
    """What day it is for the stack, or from now on."""
    if to is not None:
        if not layout.clock.exists():
            raise ServerProblem("This stack goes by the world's clock, or there is none yet. Cure: make reset, make up")
        try:
            time_travel.move(layout.clock, to if to.tzinfo else to.replace(tzinfo=ZONE))
        except time_travel.NotBack as error:
            raise ServerProblem(f"{error}. Cure: make reset begins anew (deletes the data)") from None
    terminal.say(f"{Clock(layout.clock).now():%Y-%m-%d %H:%M}")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xueji_local", description="The whole system on one machine")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("run", help="start everything, follow the logs, stop on Ctrl-C")
    acts.add_parser("up", help="start everything in the background; returns when all is healthy")
    acts.add_parser("down", help="stop it")
    acts.add_parser("reset", help="stop it and delete all data")
    acts.add_parser("status", help="what runs, and how it is")
    acts.add_parser("logs", help="follow the logs").add_argument("service", nargs="*")
    clock = acts.add_parser("clock", help="what day it is for the stack; with a day: move its clock, forward alone")
    clock.add_argument("to", nargs="?", type=datetime.fromisoformat, metavar="2026-09-01[T08:00]")
    acts.add_parser("services", help="how to run each service by itself")
    acts.add_parser("supervise", help="the background process of `up`")
    arguments = parser.parse_args()
    layout, terminal = Layout(), Terminal()
    try:
        match arguments.act:
            case "run":
                code = _serve(layout, terminal, "run")
            case "supervise":
                code = _serve(layout, terminal, "up")
            case "up":
                code = _up(layout, terminal)
            case "down":
                code = _down(layout, terminal)
            case "reset":
                code = _reset(layout, terminal)
            case "status":
                code = _status(layout, terminal)
            case "logs":
                code = _logs(layout, terminal, arguments.service)
            case "clock":
                code = _clock(layout, terminal, arguments.to)
            case _:
                code = _services(layout, terminal)
    except ServerProblem as problem:
        terminal.problem(str(problem))
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
