"""What an entry's hash covers, how a day's root is made of its entries, and how roots are signed. Pure.

Within a day each entry's hash covers the hash before it and every field that is stored. A day's root covers the last
hash, the number of entries and the root of the day before, so that the youngest signature vouches for all the past.
Whoever wants to compute it again without us needs SHA-256 and JSON: what is hashed is a JSON array in UTF-8 without
blanks, after a word that says what it is. Signatures are Ed25519 (RFC 8032) over the root; keys are JWKs (RFC 8037) named
by their thumbprint (RFC 7638).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from shared_contracts.discreet import Discreet

BEGINNING = b"\0" * 32
"""The root before the first day."""


class Kept(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as it is stored, `previous` and `hash` apart. Its fields, in this order, are what the hash covers.

    `authority`: whose subtree the account's organisation was in when the entry was kept. Moments are to the microsecond.
    """

    day: date
    number: int
    kept_at: datetime
    id: str
    at: datetime
    service: str
    act: str
    account: str
    name: str
    organisation: str
    authority: str
    roles: list[str]
    outcome: str
    reasons: list[str]
    objects: list[str]
    count: int
    purpose: str
    address: str
    session: str
    operation: str
    trace_id: str


FIELDS = Kept.__struct_fields__


def day_seed(day: date) -> bytes:
    """What the first entry of a day follows."""
    return _digest("xueji-audit-day", day.isoformat())


def entry_hash(previous: bytes, values: Iterable[Any]) -> bytes:
    """`values`: an entry's, in the order of `FIELDS`."""
    return _digest("xueji-audit-entry", previous.hex(), *map(_plain, values))


def day_root(day: date, entries: int, last: bytes, previous: bytes) -> bytes:
    """`last`: the hash of the day's last entry, its seed when it has none; `previous`: the root of the day before."""
    return _digest("xueji-audit-root", day.isoformat(), entries, last.hex(), previous.hex())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256(_encode(parts)).digest()


_encode = msgspec.json.Encoder().encode


# ---- signatures -------------------------------------------------------------------------------------------------------


class Signer:
    """Signs roots with the service's key."""

    def __init__(self, seed: bytes) -> None:
        """`seed`: 32 bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.jwk = jwk_of(self._key.public_key())
        self.key_id: str = self.jwk["kid"]

    def sign(self, root: bytes) -> bytes:
        return self._key.sign(root)


def jwk_of(key: Ed25519PublicKey) -> dict[str, str]:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**members, "alg": "EdDSA", "use": "sig", "kid": _base64url(thumbprint)}


def key_from_jwk(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    """Raises ValueError for what is no Ed25519 key."""
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise ValueError("not an Ed25519 key (kty OKP, crv Ed25519)")
    x = jwk.get("x", "")
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def signed_by(key: Ed25519PublicKey, root: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, root)
    except InvalidSignature:
        return False
    return True


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
