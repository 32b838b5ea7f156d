"""Fault switches: the service can be made slow, wrong, limited, failing or gone, so that its callers can be tested."""

from __future__ import annotations

import hashlib
import time
from typing import Annotated, Literal

import msgspec

from matcher.matching import Answer, Item, Outcome

WRONG = (Outcome.NOT_FOUND, Outcome.NAME_MISMATCH, Outcome.SEX_MISMATCH, Outcome.BIRTH_DATE_MISMATCH)


class Down(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Not there at all. `close`: requests are read and the connection breaks in the middle of the answer, until the faults
    are changed. `refuse`: the port is closed for `seconds`, then the service comes back and the switch is off."""

    how: Literal["close", "refuse"] = "close"
    seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 5.0


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong with `POST /v1/matches`; the default is nothing.

    `delay_ms`: wait before every answer. `status`: answer this error instead (with `retry_after` seconds if given).
    `rate_limit`: requests per second; more get 429 with Retry-After. `wrong_answers`: share (0..1) of persons who get
    another outcome than the true one, always the same persons and the same outcome. `times`: the faults end by themselves
    after this many requests.
    """

    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 0
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    retry_after: Annotated[int, msgspec.Meta(ge=0, le=3600)] | None = None
    rate_limit: Annotated[float, msgspec.Meta(gt=0)] | None = None
    wrong_answers: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    down: Down | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None


NONE = Faults()


class Switchboard:
    """The faults in force. One per process; used from the event loop only."""

    def __init__(self) -> None:
        self.current = NONE
        self._left: int | None = None
        self._tokens = 0.0
        self._filled = 0.0

    def set(self, faults: Faults) -> None:
        self.current = faults
        self._left = faults.times
        self._tokens, self._filled = max(1.0, faults.rate_limit or 0), time.monotonic()

    def take(self) -> Faults:
        """The faults that this request meets. Counts down `times`."""
        faults = self.current
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.set(NONE)
        return faults

    def over_limit(self, faults: Faults) -> float:
        """Seconds to wait (0: go on). A bucket that holds one second's worth of requests."""
        if faults.rate_limit is None:
            return 0.0
        now = time.monotonic()
        size = max(1.0, faults.rate_limit)
        self._tokens = min(size, self._tokens + (now - self._filled) * faults.rate_limit)
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / faults.rate_limit


def falsify(item: Item, answer: Answer, share: float) -> Answer:
    """The answer, made wrong for `share` of the persons. The choice depends on the document number alone."""
    digest = hashlib.sha256(item.document_number.encode()).digest()
    if int.from_bytes(digest[:4]) >= share * 2**32:
        return answer
    others = [o for o in (Outcome.MATCHED, *WRONG) if o is not answer.outcome]
    return Answer(id=answer.id, outcome=others[digest[4] % len(others)])
