"""Signing keys (Ed25519, RFC 8037): sealed in the database, published before they sign, destroyed when all is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm
from service_kit.crypto import FieldCipher
from service_kit.database import execute, fetch_all, insert_rows
from service_kit.ids import new_id
from shared_contracts.access import Claims
from sqlalchemy.ext.asyncio import AsyncConnection

from access.sessions import policy
from access.sessions.policy import KeyTimes
from access.sessions.tables import signing_keys
from access.settings import AccessSettings


class Signer(msgspec.Struct, frozen=True):
    kid: str
    private: Ed25519PrivateKey

    def sign(self, claims: Claims) -> str:
        """A JWT (RFC 7519)."""
        payload = msgspec.to_builtins(claims)
        return jwt.encode(payload, self.private, algorithm="EdDSA", headers={"kid": self.kid})


async def signer(tx: AsyncConnection, cipher: FieldCipher, settings: AccessSettings, now: datetime) -> Signer:
    """The key that signs now; at the very first token it is made."""
    current = policy.signing(await _times(tx), now)
    if current is None:
        await turn(tx, cipher, settings, now)
        current = policy.signing(await _times(tx), now)
        assert current is not None, "it was made in this transaction"
    query = sa.select(signing_keys.c.private).where(signing_keys.c.kid == current.kid)
    (row,) = await fetch_all(tx, query)
    return Signer(
        current.kid, Ed25519PrivateKey.from_private_bytes(cipher.open_bytes(row["private"], _context(current.kid)))
    )


async def turn(tx: AsyncConnection, cipher: FieldCipher, settings: AccessSettings, now: datetime) -> bool:
    """Make the next key when it is time, destroy the dead ones. True where something was done.

    Under a lock: two copies of the service make one key.
    """
    await execute(tx, "SELECT pg_advisory_xact_lock(hashtext('access-signing-keys'))")
    times = await _times(tx)
    begins = policy.next_key(times, now, timedelta(days=settings.key_days))
    if begins is not None:
        private, kid = Ed25519PrivateKey.generate(), new_id()
        row = {
            "kid": kid,
            "private": cipher.seal_bytes(private.private_bytes_raw(), _context(kid)),
            "public": private.public_key().public_bytes_raw(),
            "published_at": now,
            "signs_from": begins,
        }
        await insert_rows(tx, signing_keys, [row])
    dead = policy.dead_keys(times, now, settings.token_life)
    if dead:
        await execute(tx, sa.delete(signing_keys).where(signing_keys.c.kid.in_(dead)))
    return begins is not None or bool(dead)


async def published(tx: AsyncConnection) -> dict[str, Any]:
    """The public keys as a JWK set (RFC 7517): the next one, the present one, those of tokens that are still alive."""
    query = sa.select(signing_keys.c.kid, signing_keys.c.public).order_by(signing_keys.c.signs_from)
    return {"keys": [_jwk(row["kid"], row["public"]) for row in await fetch_all(tx, query)]}


def _jwk(kid: str, public: bytes) -> dict[str, Any]:
    key = OKPAlgorithm.to_jwk(Ed25519PublicKey.from_public_bytes(public), as_dict=True)
    return {**key, "kid": kid, "use": "sig", "alg": "EdDSA"}


async def _times(tx: AsyncConnection) -> list[KeyTimes]:
    query = sa.select(signing_keys.c.kid, signing_keys.c.signs_from)
    return [KeyTimes(kid=row["kid"], signs_from=row["signs_from"]) for row in await fetch_all(tx, query)]


def _context(kid: str) -> bytes:
    return f"signing_keys.private:{kid}".encode()
