"""What access reads from its environment, beside what every service reads (`service_kit.settings`)."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Literal

from service_kit.settings import Settings, SettingsError, rename

Mode = Literal["none", "authorities", "all"]

LEAST_MEMORY = 19_456
"""KiB; OWASP's minimum for Argon2id (with two passes)."""


class AccessSettings(Settings, frozen=True, kw_only=True, rename=rename):
    """`audit_key`: 32 bytes, base64: the seed of the Ed25519 key that signs each day's root of the audit log.

    `second_factor`: who must have one: `authorities` (the default in production), `all`, or `none` (development).
    `token_minutes`: life of an access token. `session_idle_minutes`: a session ends when it is not continued for so long;
    `session_hours`: and in any case after so many hours. `key_days`: how long a key signs tokens.
    `password_memory_kib`: of one Argon2id hash; 64 MiB where it is not given, in development the least there is.
    """

    audit_key: str = ""
    second_factor: Literal["", "none", "authorities", "all"] = ""
    token_minutes: int = 5
    session_idle_minutes: int = 30
    session_hours: int = 12
    key_days: int = 30
    password_memory_kib: int = 0

    def __repr__(self) -> str:
        return f"AccessSettings(env={self.env})"  # the rest holds secrets

    @property
    def second_factor_for(self) -> Mode:
        return self.second_factor or ("authorities" if self.production else "none")

    @property
    def password_memory(self) -> int:
        return self.password_memory_kib or (65_536 if self.production else LEAST_MEMORY)

    @property
    def token_life(self) -> timedelta:
        return timedelta(minutes=self.token_minutes)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_life(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    def audit_seed(self) -> bytes:
        try:
            seed = base64.b64decode(self.audit_key, validate=True)
        except binascii.Error:
            seed = b""
        if len(seed) != 32:
            raise SettingsError("XUEJI_AUDIT_KEY must be 32 bytes, base64. Cure: openssl rand -base64 32")
        return seed

    def checked(self) -> AccessSettings:
        """Itself, or SettingsError."""
        if not 1 <= self.token_minutes <= 60:
            raise SettingsError("XUEJI_TOKEN_MINUTES must be 1 to 60: a token lives until it ends by itself")
        if self.session_idle_minutes <= self.token_minutes or self.session_hours * 60 < self.session_idle_minutes:
            raise SettingsError("XUEJI_SESSION_IDLE_MINUTES must be above XUEJI_TOKEN_MINUTES and within SESSION_HOURS")
        if self.key_days < 1:
            raise SettingsError("XUEJI_KEY_DAYS must be 1 or more")
        if self.password_memory < LEAST_MEMORY:
            raise SettingsError(f"XUEJI_PASSWORD_MEMORY_KIB must be {LEAST_MEMORY} or more")
        if self.production and self.second_factor_for == "none":
            raise SettingsError("XUEJI_SECOND_FACTOR=none is for development: authorities must have one (clause 45.3)")
        return self
