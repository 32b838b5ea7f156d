"""Guessing passwords and secrets from one address gets slower with each failure; how long an account is locked is the
access service's to say, for all addresses.

Kept in the memory of one worker: two workers allow twice as many guesses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

FREE = 50
"""Failures of one address before it has to wait: a school's registrars share one."""
FIRST_WAIT = 2.0
LONGEST_WAIT = 900.0
FORGET = 3600.0
_REMEMBERED = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    at: float

    def wait(self, now: float) -> float:
        if self.count < FREE:
            return 0.0
        return self.at + min(FIRST_WAIT * 2.0 ** min(self.count - FREE, 20), LONGEST_WAIT) - now


class Throttle:
    """`admit` before the password is looked at, `forgive` when it was right. Attempts under way count as failures,
    so that many at once are no way round."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def admit(self, address: str) -> float:
        """0 and the attempt is counted; or the seconds to wait, and nothing is."""
        now = self._clock()
        known = self._failures.get(address)
        if known is None or now - known.at > FORGET:
            known = _Failures(0, now)
        if (wait := known.wait(now)) > 0:
            return wait
        known.count, known.at = known.count + 1, now
        self._failures[address] = known
        self._failures.move_to_end(address)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)
        return 0.0

    def forgive(self, address: str) -> None:
        if known := self._failures.get(address):
            known.count = max(0, known.count - 1)
