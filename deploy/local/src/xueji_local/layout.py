"""Where a local stack keeps its things: everything under one folder, `.xueji/` of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

from xueji_local.servers import ServerProblem, reachable, shared_folder

MIN_FREE_BYTES = 500 * 1024 * 1024


class Layout:
    """The paths under `home`. `open()` makes the folders; nothing else creates them.

    `home` comes from XUEJI_HOME, or is `.xueji` of the checkout this package was installed from (editable), or of the
    current folder.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = (home or _default_home()).absolute()
        self.nats = self.home / "nats"
        self.files = self.home / "files"
        self.logs = self.home / "logs"
        self.env = self.home / "env"
        self.secrets = self.home / "secrets"
        self.matcher = self.home / "matcher"
        self.demo = self.home / "demo"
        self.ports = self.home / "ports.json"
        self.children = self.home / "children.json"
        self.supervisor = self.home / "supervisor.json"
        self.lock = self.home / "lock"
        self.stack = self.home / "stack.json"
        self.clock = self.home / "clock"

    @property
    def credentials(self) -> Path:
        return self.secrets / "credentials.json"

    @property
    def passwords(self) -> Path:
        return self.secrets / "accounts.json"

    @property
    def pg(self) -> Path:
        """PostgreSQL's folder: `pg/`, a link where root's PostgreSQL user cannot reach the checkout (say, in /root)."""
        return (self.home / "pg").resolve()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def env_file(self, service: str) -> Path:
        return self.env / f"{service}.env"

    def open(self) -> None:
        """Make the folders, private to the user. Raises ServerProblem when that cannot be or the disk is full."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.nats, self.files, self.logs, self.env, self.secrets, self.matcher):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._open_pg()
            probe = self.home / ".probe"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise ServerProblem(
                f"{self.home} cannot be written ({error.strerror}). Cure: make it yours (chown, chmod), free the disk, "
                "or choose another place: XUEJI_HOME=/some/folder make run"
            ) from None
        free = shutil.disk_usage(self.home).free
        if free < MIN_FREE_BYTES:
            raise ServerProblem(
                f"only {free // 1024**2} MB are free on the disk of {self.home}, at least {MIN_FREE_BYTES // 1024**2} are "
                "needed. Cure: free some, or choose another place: XUEJI_HOME=/some/folder make run"
            )

    def _open_pg(self) -> None:
        place = self.home / "pg"
        if os.geteuid() == 0:
            if reachable(self.home):
                self.home.chmod(0o711)  # PostgreSQL's user passes through and sees nothing else
            elif not place.exists() and not place.is_symlink():
                name = hashlib.sha256(str(self.home).encode()).hexdigest()[:16]
                target = shared_folder() / f"data-{name}"
                if (target / "data").exists():  # of a home that was deleted by hand, its secrets with it
                    target.rename(target.with_name(f"{target.name}.left-{time.strftime('%Y%m%d-%H%M%S')}"))
                target.mkdir(mode=0o711, exist_ok=True)
                place.symlink_to(target)
        if place.is_symlink():
            place.readlink().mkdir(mode=0o711, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)

    def clear(self) -> None:
        """Delete all that a stack keeps, secrets too; only what is ours, wherever `home` points."""
        shutil.rmtree(self.pg, ignore_errors=True)
        folders = (self.nats, self.files, self.logs, self.env, self.secrets, self.matcher, self.demo)
        for path in (self.home / "pg", *folders):
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)
        former = self.home / "accounts.json"  # where the gateway had its accounts before there was an access service
        for file in (former, self.ports, self.children, self.supervisor, self.stack, self.lock, self.clock):
            file.unlink(missing_ok=True)
        if self.home.exists() and not any(self.home.iterdir()):
            self.home.rmdir()


def _default_home() -> Path:
    if named := os.environ.get("XUEJI_HOME"):
        return Path(named)
    checkout = Path(__file__).resolve().parents[4]
    return (checkout if (checkout / "deploy" / "local").is_dir() else Path.cwd()) / ".xueji"
