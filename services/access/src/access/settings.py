"""What access reads from its environment, beside what every service reads (`service_kit.settings`)."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from service_kit.settings import Settings, SettingsError, rename


class AccessSettings(Settings, frozen=True, kw_only=True, rename=rename):
    """`audit_key`: 32 bytes, base64: the seed of the Ed25519 key that signs each day's root of the audit log.

    `second_factor`: who must have one: `authorities` (the default in production), `all`, or `none` (development).
    `token_minutes`: life of an access token.
    """

    audit_key: str = ""
    second_factor: Literal["", "none", "authorities", "all"] = ""
    token_minutes: int = 5

    def __repr__(self) -> str:
        return f"AccessSettings(env={self.env})"  # the rest holds secrets

    @property
    def second_factor_for(self) -> Literal["none", "authorities", "all"]:
        return self.second_factor or ("authorities" if self.production else "none")

    def audit_seed(self) -> bytes:
        try:
            seed = base64.b64decode(self.audit_key, validate=True)
        except binascii.Error:
            seed = b""
        if len(seed) != 32:
            raise SettingsError("XUEJI_AUDIT_KEY must be 32 bytes, base64. Cure: openssl rand -base64 32")
        return seed
