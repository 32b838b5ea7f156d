"""Access tokens: JWT signed with Ed25519 (RFC 8037), short, for this API alone.

A token says who signed in, not what they may do: roles are read from the account at each request.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from service_kit.clock import Clock
from service_kit.ids import new_id

from gateway.accounts import Account

ISSUER = "xueji-gateway"
AUDIENCE = "xueji-api"
_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "cred"]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says. `credential`: which password it was given for; a changed one ends it."""

    username: str
    expires_at: datetime
    credential: str


class Tokens:
    def __init__(self, seed: bytes, lifetime: timedelta, clock: Clock) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        self._clock = clock
        self.lifetime = lifetime

    def issue(self, account: Account) -> str:
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account.username,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": new_id(),
            "cred": credential(account),
        }
        return jwt.encode(claims, self._private, algorithm="EdDSA")

    def read(self, text: str) -> Token | None:
        """The token when signature, issuer, audience and times are right, else None: why is nobody's business."""
        try:
            claims = jwt.decode(
                text,
                self._public,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": _REQUIRED, "verify_exp": False},
            )
            expires_at = datetime.fromtimestamp(claims["exp"], self._clock.now().tzinfo)
            token = Token(username=str(claims["sub"]), expires_at=expires_at, credential=str(claims["cred"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            return None
        return token if self._clock.now() < token.expires_at else None


def credential(account: Account) -> str:
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:16]
