"""Identifiers: time-ordered ones for new things, derived ones where a repeat must name the same thing."""

from __future__ import annotations

import os
import time
import uuid

_NAMESPACE = uuid.UUID("6f0c1f0e-6a0b-5d3e-9f57-2f1d1a5b7c11")


def new_id() -> str:
    """A UUIDv7 (RFC 9562) as text: unique, and new rows land at the end of an index."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def derived(*parts: str | int) -> str:
    """The same id for the same parts, on every machine (UUIDv5): what makes a retry a repeat."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, parts))))
