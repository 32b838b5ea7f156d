"""How often one address may ask what needs no account: so much a minute, the rest is told when to come back.

Kept in the memory of one worker: two workers allow twice as much. Guessing is another matter: passwords (`throttle`, and
access counts by account), and the digits of a guardian's phone (the transfer service counts, for all gateways together).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any

from litestar import Request

from gateway.problems import ProblemError

A_MINUTE = 120
"""Questions of one address: the parents of a school may share one."""
_REMEMBERED = 20_000


class Allowance:
    """A bucket for each address: it holds a minute's questions and fills up evenly."""

    def __init__(self, a_minute: int = A_MINUTE, clock: Callable[[], float] = monotonic) -> None:
        self._most = float(a_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """0 and the question is counted; or the seconds to wait, and nothing is."""
        now = self._clock()
        left, at = self._left.get(address, (self._most, now))
        left = min(left + (now - at) * self._most / 60, self._most)
        if left < 1:
            return (1 - left) * 60 / self._most
        self._left[address] = (left - 1, now)
        self._left.move_to_end(address)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0


def count(allowance: Allowance, request: Request[Any, Any, Any]) -> None:
    """One question of the request's address. Raises ProblemError (429) where it has asked too often."""
    if wait := allowance.take(request.client.host if request.client else ""):
        headers = {"Retry-After": str(int(wait) + 1)}
        raise ProblemError("too_many_attempts", "查询过于频繁，请稍后再试。", headers=headers)
