"""Signing what leaves the system and has to prove itself for years: Ed25519, with a key of the file store's.

Whoever has the public key (`python -m registry archive-key` says it) can tell that a file is ours and unchanged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service_kit.settings import Settings, SettingsError


class Signer:
    """`public_key`: 64 hexadecimal digits."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def from_settings(cls, settings: Settings, purpose: str) -> Signer:
        """`purpose`: one key a purpose; derived from the file store's, which is not rotated."""
        if not settings.files_key:
            raise SettingsError("XUEJI_FILES_KEY is not set: signatures are made with a key derived from it")
        secret = hmac.digest(base64.b64decode(settings.files_key), f"xueji signature: {purpose}".encode(), "sha256")
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    def sign(self, content: bytes) -> str:
        """Hexadecimal."""
        return self._key.sign(content).hex()


def signed(public_key: str, signature: str, content: bytes) -> bool:
    """Whether the holder of a key signed this. False for what is no key or no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public_key: str) -> str:
    """Short enough to be read out: 16 hexadecimal digits."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]
