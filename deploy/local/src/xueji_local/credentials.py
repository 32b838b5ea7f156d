"""Every secret of a local stack or a test run: made at random once, kept in one file, never logged."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import msgspec
from xueji_infra.nats_conf import ADMIN
from xueji_infra.topology import topology


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


class Credentials(msgspec.Struct, kw_only=True):
    """Passwords by name and keys as base64 of 32 bytes. `field_keys`, `index_keys`: by service, each its own.

    What a later version added has an empty default: a file from before is read, and completed.
    """

    postgres: str
    database_roles: dict[str, str]
    nats_users: dict[str, str]
    field_keys: dict[str, str]
    index_keys: dict[str, str]
    files_key: str
    matcher_api_key: str
    audit_key: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"

    def role(self, name: str) -> str:
        """The password of a database role; made when first asked for."""
        return self.database_roles.setdefault(name, _password())

    def field_key(self, service: str) -> str:
        return self.field_keys.setdefault(service, _key())

    def index_key(self, service: str) -> str:
        return self.index_keys.setdefault(service, _key())

    def complete(self) -> None:
        """What the topology and the services need since the file was written."""
        for user in (ADMIN, *topology().nats_users):
            self.nats_users.setdefault(user, _password())
        self.audit_key = self.audit_key or _key()


def generate() -> Credentials:
    made = Credentials(
        postgres=_password(),
        database_roles={},
        nats_users={},
        field_keys={},
        index_keys={},
        files_key=_key(),
        matcher_api_key=_password(),
    )
    made.complete()
    return made


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once, readable by its owner alone; an interruption leaves the old one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
