"""How long whoever guesses at a guardian's digits has to wait. Pure.

Four digits are few and a case's number is not: wrong answers are counted by the number that was asked for, whether there is
such a case or not, and by the address that asks. Counted in the database, so that it does not matter which of several
gateways was asked, and a restart forgives nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from regulation.mark import clause


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """`free`: wrong answers in a row before anybody waits; then `first`, doubled with each further one up to `longest`.
    `forgotten`: without a wrong answer for so long, counting begins anew."""

    free: int
    first: timedelta
    longest: timedelta
    forgotten: timedelta


NUMBER = Bound(free=5, first=timedelta(seconds=30), longest=timedelta(minutes=30), forgotten=timedelta(hours=24))
"""Of one case: all 10,000 digits would take more than half a year."""
ADDRESS = Bound(free=200, first=timedelta(seconds=30), longest=timedelta(minutes=5), forgotten=timedelta(hours=1))
"""Of one address: the families of a school may share one, and each may mistype."""
FORGOTTEN = max(NUMBER.forgotten, ADDRESS.forgotten)


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number or an address."""

    failures: int
    last_at: datetime | None
    locked_until: datetime | None


@clause("24.6.3", "24.6.4")
def wait(failures: Failures, now: datetime) -> timedelta:
    """How long until the next answer is looked at; nothing for at once."""
    if failures.locked_until is None:
        return timedelta(0)
    return max(failures.locked_until - now, timedelta(0))


@clause("24.6.3", "24.6.4")
def one_more(bound: Bound, failures: Failures, now: datetime) -> Failures:
    """After another wrong answer."""
    anew = failures.last_at is None or now - failures.last_at >= bound.forgotten
    number = 1 if anew else failures.failures + 1
    pause = timedelta(0)
    if number >= bound.free:
        pause = min(bound.first * (1 << min(number - bound.free, 16)), bound.longest)
    return Failures(failures=number, last_at=now, locked_until=now + pause if pause else None)
