"""Accounts: who may sign in. One interface; the access service takes it over, this file's reader is for now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from service_kit.settings import SettingsError
from shared_contracts.actors import Actor, Role

_HASHER = PasswordHasher()  # argon2id with RFC 9106's low-memory profile: 64 MiB, 3 passes
_DUMMY = _HASHER.hash("no account has this password")
_AT_ONCE = 2
"""Verifications that run at the same time: each takes 64 MiB and a core for some 50 ms."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`password_hash`: argon2id, encoded. `classes`: see `shared_contracts.actors.Actor`."""

    username: str
    password_hash: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...] = ()

    def actor(self) -> Actor:
        return Actor(
            account=self.username,
            name=self.name,
            organisation=self.organisation,
            roles=self.roles,
            classes=self.classes,
        )


@runtime_checkable
class Accounts(Protocol):
    async def find(self, username: str) -> Account | None:
        """The account as it stands now: a role that was taken away is gone from the next request on."""

    async def verify(self, username: str, password: str) -> Account | None:
        """The account when the password is right. Takes as long for an account that does not exist."""


class FileAccounts:
    """A JSON list of accounts, read again when the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._load()

    def _load(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._stamp:
                return
            accounts = msgspec.json.decode(self._path.read_bytes(), type=list[Account])
        except (OSError, msgspec.MsgspecError):
            raise SettingsError(
                f"the accounts file {self._path} cannot be read. Cure: XUEJI_ACCOUNTS_FILE=<a JSON list of accounts>"
            ) from None
        self._accounts, self._stamp = {account.username: account for account in accounts}, stamp

    async def find(self, username: str) -> Account | None:
        self._load()  # one stat of a local file
        return self._accounts.get(username)

    async def verify(self, username: str, password: str) -> Account | None:
        account = await self.find(username)
        async with self._slots:
            right = await asyncio.to_thread(_matches, account.password_hash if account else _DUMMY, password)
        return account if right else None


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def _matches(encoded: str, password: str) -> bool:
    try:
        return _HASHER.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False


class NoAccounts:
    """Nobody may sign in."""

    async def find(self, username: str) -> Account | None:
        return None

    async def verify(self, username: str, password: str) -> Account | None:
        return None
