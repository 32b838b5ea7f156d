"""Personal data at rest: fields sealed with AES-256-GCM under a key id, and a keyed hash to find them by.

A sealed field is `key id (1 byte length + text) | nonce (12) | ciphertext and tag`. The context (row and column) is
authenticated but not stored, so that a sealed value copied to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service_kit.settings import Settings, SettingsError

_NONCE = 12


class SealBroken(Exception):
    """A sealed value does not open: wrong key, wrong context, or changed. The message never carries the value."""


def _key(text: str, what: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        raise SettingsError(f"{what} is not base64") from None
    if len(key) != 32:
        raise SettingsError(f"{what} must be 32 bytes, base64")
    return key


class FieldCipher:
    """Seals with the first key, opens with any: rotation is a new key put in front."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise SettingsError("XUEJI_FIELD_KEYS is empty. Cure: XUEJI_FIELD_KEYS=k1:<32 bytes, base64>")
        self._aead = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))
        self._head = bytes([len(self._current)]) + self._current.encode()

    @classmethod
    def from_settings(cls, settings: Settings) -> FieldCipher:
        keys = {}
        for part in filter(None, settings.field_keys.split(",")):
            key_id, _, encoded = part.partition(":")
            keys[key_id] = _key(encoded, f"key {key_id} of XUEJI_FIELD_KEYS")
        return cls(keys)

    def seal(self, text: str, context: bytes) -> bytes:
        return self.seal_bytes(text.encode(), context)

    def open(self, blob: bytes, context: bytes) -> str:
        return self.open_bytes(blob, context).decode()

    def seal_bytes(self, data: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._aead[self._current].encrypt(nonce, data, context)

    def open_bytes(self, blob: bytes, context: bytes) -> bytes:
        start = 1 + blob[0]
        key_id = blob[1:start].decode(errors="replace")
        aead = self._aead.get(key_id)
        if aead is None:
            raise SealBroken(f"no key {key_id!r}. Cure: keep retired keys in XUEJI_FIELD_KEYS until all is resealed")
        try:
            return aead.decrypt(blob[start : start + _NONCE], blob[start + _NONCE :], context)
        except InvalidTag:
            raise SealBroken("a sealed value does not open in this place") from None

    def key_id(self, blob: bytes) -> str:
        """Which key sealed it: for a rotation that reseals what is old."""
        return blob[1 : 1 + blob[0]].decode()

    @property
    def current(self) -> str:
        return self._current


class BlindIndex:
    """HMAC-SHA256 under a key of its own: equal values meet, and without the key nothing can be tried out."""

    def __init__(self, key: bytes) -> None:
        self._base = hmac.new(key, digestmod=hashlib.sha256)

    @classmethod
    def from_settings(cls, settings: Settings) -> BlindIndex:
        return cls(_key(settings.index_key, "XUEJI_INDEX_KEY"))

    def of(self, text: str) -> bytes:
        mac = self._base.copy()
        mac.update(text.encode())
        return mac.digest()
