"""Guessing passwords gets slower with each failure: per account and address, and per address.

Kept in the memory of one worker: two workers allow twice as many guesses. The access service keeps it for all copies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

FREE = 5
"""Failures of one account from one address before it has to wait."""
FREE_PER_ADDRESS = 50
"""Failures of one address over all accounts: a school's registrars share one."""
FIRST_WAIT = 2.0
LONGEST_WAIT = 900.0
FORGET = 3600.0
_REMEMBERED = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    at: float
    free: int

    def wait(self, now: float) -> float:
        if self.count < self.free:
            return 0.0
        return self.at + min(FIRST_WAIT * 2.0 ** min(self.count - self.free, 20), LONGEST_WAIT) - now


class Throttle:
    """`admit` before the password is looked at, `forgive` when it was right. Attempts under way count as failures,
    so that many at once are no way round."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def admit(self, username: str, address: str) -> float:
        """0 and the attempt is counted; or the seconds to wait, and nothing is."""
        now = self._clock()
        keys = {(username, address): FREE, ("", address): FREE_PER_ADDRESS}
        wait = max((self._known(key, now).wait(now) for key in keys if key in self._failures), default=0.0)
        if wait > 0:
            return wait
        for key, free in keys.items():
            known = self._known(key, now) if key in self._failures else _Failures(0, now, free)
            known.count, known.at = known.count + 1, now
            self._failures[key] = known
            self._failures.move_to_end(key)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)
        return 0.0

    def forgive(self, username: str, address: str) -> None:
        self._failures.pop((username, address), None)
        if total := self._failures.get(("", address)):
            total.count = max(0, total.count - 1)

    def _known(self, key: tuple[str, str], now: float) -> _Failures:
        known = self._failures[key]
        if now - known.at > FORGET:
            known.count = 0
        return known
