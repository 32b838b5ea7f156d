"""Paging. A cursor: the keys of the last row of a page, opaque to the client, checked when they come back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from shared_contracts.decisions import Refused, refused

LONGEST = 200
"""Rows of a page at most."""

NO_CURSOR = "翻页标记无效。请从第一页重新开始。"

Long = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number of a bigint column; `int` is one of an integer column. What fits in neither is none of ours."""
_Int = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

T = TypeVar("T")
Key = tuple[str | int, ...]


def encode(*key: str | int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: Any) -> Key | Refused | None:
    """The keys after which the page begins; None for the first page; a refusal for what is no cursor of ours.

    `kinds`: `str`, `int` or `Long`, one a key.
    """
    if cursor is None:
        return None
    parts = tuple(_Int if kind is int else kind for kind in kinds)
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key: Key = msgspec.json.decode(text, type=tuple[parts])  # type: ignore[valid-type]
        if not any(isinstance(part, str) and "\x00" in part for part in key):  # PostgreSQL takes none
            return key
    except (msgspec.MsgspecError, binascii.Error, ValueError, UnicodeEncodeError):
        pass
    return refused("invalid", NO_CURSOR)


def size(limit: int) -> int:
    """Rows asked for, within reason."""
    return max(1, min(limit, LONGEST))


def page(rows: Sequence[T], limit: int, key: Callable[[T], Key]) -> tuple[Sequence[T], str | None]:
    """A page of `limit` out of rows fetched with one more, and the cursor of the next one."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, encode(*key(kept[-1]))
