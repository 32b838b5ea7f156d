"""Paging. A cursor: the keys of the last row of a page, opaque to the client, checked when they come back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar, cast

import msgspec
from shared_contracts.decisions import Refused, refused

LONGEST = 200
"""Rows of a page at most."""

NO_CURSOR = "翻页标记无效。请从第一页重新开始。"

Long = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number of a bigint column; `int` is one of an integer column. What fits in neither is none of ours."""
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Int = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

T = TypeVar("T")
Key = tuple[str | int, ...]


def encode(*key: str | int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: Any) -> Key | Refused | None:
    """The keys after which the page begins; None for the first page; a refusal for what is no cursor of ours.

    `kinds`: `str`, `int`, `Long` or `date`, one a key.
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


def by_moment(cursor: str | None) -> tuple[datetime, str] | Refused | None:
    """As `decode`, for what is listed by when it was and its id; the moment in UTC."""
    key = decode(cursor, _Moment, str)
    if key is None or isinstance(key, Refused):
        return key
    moment, id_ = cast(tuple[datetime, str], key)
    try:
        return moment.astimezone(UTC), id_
    except OverflowError:  # on the first or the last day that there is
        return refused("invalid", NO_CURSOR)


def by_day(cursor: str | None) -> tuple[date, str] | Refused | None:
    """As `decode`, for what is listed by a day and its id."""
    return cast("tuple[date, str] | Refused | None", decode(cursor, date, str))


def size(limit: int) -> int:
    """Rows asked for, within reason."""
    return max(1, min(limit, LONGEST))


def page(rows: Sequence[T], limit: int, key: Callable[[T], Key]) -> tuple[Sequence[T], str | None]:
    """A page of `limit` out of rows fetched with one more, and the cursor of the next one."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, encode(*key(kept[-1]))
