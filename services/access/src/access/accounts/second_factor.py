"""The second factor: time-based one-time passwords (TOTP, RFC 6238), and recovery codes for a lost telephone.

The seed is sealed under its account; a code is taken once: its time step and all before it are used up.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from datetime import datetime
from typing import Final

import pyotp
import segno
from regulation.mark import clause
from service_kit.crypto import FieldCipher
from shared_contracts.access import SecondFactorSeed
from sqlalchemy.ext.asyncio import AsyncConnection

from access.accounts import store
from access.accounts.store import Account

ISSUER: Final = "学籍管理系统"
STEP: Final = 30  # seconds
AROUND: Final = 1  # steps that a telephone's clock may be off, either way
CODES: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_seed(cipher: FieldCipher, username: str) -> tuple[bytes, SecondFactorSeed]:
    """The seed sealed, and as its owner needs it."""
    secret = pyotp.random_base32()  # 160 bits, as RFC 4226 recommends
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", scale=4, xmldecl=False)
    seed = SecondFactorSeed(secret=secret, uri=uri, picture=drawn.getvalue().decode())
    return cipher.seal(secret, _context(username)), seed


@clause("45.3")
def step_of(secret: str, code: str, now: datetime, used: int | None) -> int | None:
    """The time step whose code this is; None for a wrong code and for one of a step used up."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP
    for step in range(present - AROUND, present + AROUND + 1):
        if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step if used is None or step > used else None
    return None


async def opens(tx: AsyncConnection, cipher: FieldCipher, account: Account, code: str, now: datetime) -> bool:
    """Whether a code, or a recovery code, opens the second factor of this account."""
    if _is_totp(code):
        return _step(cipher, account, code, now) is not None
    return await store.has_code(tx, account.username, code_hash(account.username, code))


async def accept(tx: AsyncConnection, cipher: FieldCipher, account: Account, code: str, now: datetime) -> bool:
    """The same of a locked account, and the code is used up."""
    if not _is_totp(code):
        return await store.use_code(tx, account.username, code_hash(account.username, code), now)
    step = _step(cipher, account, code, now)
    if step is not None:
        await store.touch(tx, account.username, totp_step=step)
    return step is not None


def _is_totp(code: str) -> bool:
    text = _typed(code)
    return len(text) == 6 and text.isascii() and text.isdigit()


def _step(cipher: FieldCipher, account: Account, code: str, now: datetime) -> int | None:
    if account.totp_seed is None:
        return None
    secret = cipher.open(account.totp_seed, _context(account.username))
    return step_of(secret, _typed(code), now, account.totp_step)


def _typed(code: str) -> str:
    """As people type it: with spaces and hyphens."""
    return code.strip().lower().replace(" ", "").replace("-", "")


def confirms(cipher: FieldCipher, account: Account, code: str, now: datetime) -> int | None:
    """The time step of a code of the seed that waits."""
    if account.totp_waiting is None:
        return None
    secret = cipher.open(account.totp_waiting, _context(account.username))
    return step_of(secret, _typed(code), now, None)


def new_codes() -> tuple[str, ...]:
    """79 bits each: `abcd-efgh-jkmn-pqrs`."""

    def one() -> str:
        return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))

    return tuple(one() for _ in range(CODES))


def code_hash(username: str, code: str) -> bytes:
    """Random and long enough that a fast hash does."""
    return hashlib.sha256(f"{username}\x1f{_typed(code)}".encode()).digest()


def _context(username: str) -> bytes:
    return f"accounts.totp:{username}".encode()
