"""How a webhook is signed (Standard Webhooks 1.0.0): `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"


def new_secret() -> str:
    """32 random bytes, as the receiver is shown them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """`at`: of this try: the receiver refuses what is older than it thinks right. The id stays the same over all tries."""
    seconds = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + _mac(secret, message_id, seconds, body),
        "content-type": "application/json",
    }


def genuine(secret: str, given: Mapping[str, str], body: bytes) -> bool:
    """What a receiver does; here so that its tests and ours do the same. The age is for the receiver to judge."""
    wanted = _mac(secret, given["webhook-id"], given["webhook-timestamp"], body)
    return any(hmac.compare_digest(wanted, part.removeprefix("v1,")) for part in given["webhook-signature"].split(" "))


def _mac(secret: str, message_id: str, seconds: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
