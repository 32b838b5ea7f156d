"""Identifiers: time-ordered ones for new things, derived ones where a repeat must name the same thing."""

from __future__ import annotations

import hashlib
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


def derived_in_line(place: int, *parts: str | int) -> str:
    """The same id for the same place of the same series (UUIDv8), neighbours of a series being neighbours in an index.

    `place`: 0 to 2**28 - 1. Raises ValueError for others. A series' ids sort by place; thousands of `derived` ones written
    at once would each touch a page of their own, in every index, and each such page goes whole into the log.
    """
    if not 0 <= place < 1 << 28:
        raise ValueError("place is not within 0 to 2**28 - 1")
    series = "\x1f".join(map(str, parts)).encode()
    head = hashlib.sha256(series).digest()[:4]
    tail = hashlib.sha256(series + b"\x1f#" + str(place).encode()).digest()[:8]
    value = int.from_bytes(head, "big") << 96 | (place >> 12) << 80 | (place & 0xFFF) << 64
    value |= 0x8 << 76 | 0x2 << 62 | int.from_bytes(tail, "big") >> 2
    return str(uuid.UUID(int=value))
