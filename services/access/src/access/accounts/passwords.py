"""Password hashes (Argon2id, RFC 9106), two at a time in threads: each takes a core and its memory for a while."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
MOST_ADMITTED = 8
"""Who signs in at a time, waiting ones too: each holds a connection to the database, and others need some as well."""

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
        self._admitted = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Around everything that a try to sign in does. Raises Busy."""
        if self._admitted >= MOST_ADMITTED:
            raise Busy
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._argon.hash, password)

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Takes as long where there is no such account (`encoded` is None), and is False then."""
        async with self._slots:
            right = await asyncio.to_thread(self._matches, encoded or self._nobody, password)
        return right and encoded is not None

    def is_old(self, encoded: str) -> bool:
        """Made with other costs than today's: hash it again while the password is at hand."""
        return self._argon.check_needs_rehash(encoded)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._argon.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False


def first_password() -> str:
    """68 bits, to be read from paper and typed once; with a digit, so that no rule for passwords refuses it."""
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(FIRST_LENGTH))
        if any(c.isdigit() for c in made) and any(c.isalpha() for c in made):
            return made
