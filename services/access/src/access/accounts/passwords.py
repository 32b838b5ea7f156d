"""Password hashes (Argon2id, RFC 9106), two at a time in threads: each takes a core and its memory for a while."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 8
"""Callers at a time, waiting ones too: each holds a connection to the database, and others need some as well."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
FIRST_LENGTH = 14


class Busy(Exception):
    """Too many sign in at once in this copy of the service: the caller says so and it is tried again."""


class Hasher:
    """`memory`: KiB of one hash."""

    def __init__(self, memory: int) -> None:
        self._argon = PasswordHasher(time_cost=3 if memory >= 65_536 else 2, memory_cost=memory, parallelism=1)
        self._nobody = self._argon.hash(secrets.token_urlsafe())
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._callers = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._argon.hash(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Takes as long where there is no such account (`encoded` is None), and is False then. Raises Busy."""
        right = await self._run(lambda: self._matches(encoded or self._nobody, password))
        return right and encoded is not None

    def is_old(self, encoded: str) -> bool:
        """Made with other costs than today's: hash it again while the password is at hand."""
        return self._argon.check_needs_rehash(encoded)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._argon.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, call: Callable[[], T]) -> T:
        if self._callers >= MOST_WAITING:
            raise Busy
        self._callers += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(call)
        finally:
            self._callers -= 1


def first_password() -> str:
    """68 bits, to be read from paper and typed once."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(FIRST_LENGTH))
