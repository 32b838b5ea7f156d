"""The rules of sessions and keys (clause 45.3). Pure; times are aware."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from regulation.mark import clause

# ---- sessions -------------------------------------------------------------------------------------------------------


@clause("45.3")
def goes_until(seen_at: datetime, expires_at: datetime, idle: timedelta) -> datetime:
    """When a session ends that is not continued: `idle` after it was last, and at its own end in any case."""
    return min(seen_at + idle, expires_at)


# ---- refresh tokens -------------------------------------------------------------------------------------------------

LOST_REPLY: Final = timedelta(seconds=10)

Verdict = Literal["next", "again", "reused"]


@clause("45.3")
def judge(*, number: int, used_at: datetime | None, replaced: bool, due: int, now: datetime) -> Verdict:
    """What the use of a refresh token means. `due`: the number of the one that the session waits for.

    `next`: it is that one. `again`: it was used a moment ago and its successor was not: the reply was lost, and the
    successor is replaced by another. At any time one token can be used, so that a thief who comes within those seconds
    gains nothing: of him and the owner, one holds a token that was replaced, and using it ends the session. `reused`:
    used before, or replaced: somebody else has it, and the session ends.
    """
    if replaced:
        return "reused"
    if used_at is None:
        return "next"
    return "again" if number == due - 1 and now - used_at < LOST_REPLY else "reused"


# ---- access tokens --------------------------------------------------------------------------------------------------

TICK: Final = timedelta(milliseconds=1)


@clause("45.3")
def issue_at(now: datetime, stale_before: datetime | None) -> datetime:
    """When a token says it was issued: never before what makes tokens stale, though clocks of two copies may differ."""
    return now if stale_before is None else max(now, stale_before)


# ---- signing keys ---------------------------------------------------------------------------------------------------

AHEAD: Final = timedelta(hours=1)
"""A key is published so long before it signs: whoever keeps our JWK set for a while has it by then."""
LINGER: Final = timedelta(minutes=5)
"""A key stays published so long after its last token has died."""


class KeyTimes(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    signs_from: datetime


def signing(keys: Sequence[KeyTimes], now: datetime) -> KeyTimes | None:
    """The key that signs now: the last that has begun."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=lambda key: key.signs_from, default=None)


@clause("45.3")
def next_key(keys: Sequence[KeyTimes], now: datetime, life: timedelta) -> datetime | None:
    """From when a key that is to be made now shall sign; None while none is to be made.

    At once where there is none; otherwise when the present one's `life` is over, published `AHEAD` of that.
    """
    current = signing(keys, now)
    if current is None:
        return now
    if any(key.signs_from > now for key in keys) or now < current.signs_from + life - AHEAD:
        return None
    return max(current.signs_from + life, now + AHEAD)


@clause("45.3")
def dead_keys(keys: Sequence[KeyTimes], now: datetime, token_life: timedelta) -> list[str]:
    """Keys whose last token has died: their successor began to sign that long ago."""
    in_order = sorted(keys, key=lambda key: key.signs_from)
    return [
        key.kid for key, successor in itertools.pairwise(in_order) if successor.signs_from + token_life + LINGER <= now
    ]
