"""What a whole year's notice has in it: the festivals of 《全国年节及纪念日放假办法》 (State Council decree 795, since 2025).

Three festivals follow the lunar calendar. Their days are not computed here: each lies in a known stretch of the solar year,
and a notice that leaves it out names no day there. That is enough to see that a page is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple


class Festival(NamedTuple):
    """`days`: how many days off at least between two days of a year, inclusive, as (month, day)."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    days: int


FESTIVALS = (
    Festival("元旦", (1, 1), (1, 1), 1),
    Festival(
        "春节", (1, 20), (2, 24), 4
    ),  # New Year's Eve to the third day: the new moon between 21 January and 20 February
    Festival("清明节", (4, 4), (4, 6), 1),
    Festival("劳动节", (5, 1), (5, 2), 2),
    Festival("端午节", (5, 27), (6, 26), 1),
    Festival("国庆节", (10, 1), (10, 3), 3),
)
MID_AUTUMN = Festival("中秋节", (9, 7), (10, 8), 1)
"""It may fall into the days of the National Day, and is a further day off then."""


def left_out(year: int, holidays: Iterable[date]) -> tuple[Festival, ...]:
    """Festivals for which these days off leave no room, in the order of the year."""
    off = set(holidays)

    def has(one: Festival, but: frozenset[date] = frozenset()) -> bool:
        first, last = date(year, *one.first), date(year, *one.last)
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return sum(day in off and day not in but for day in days) >= one.days

    national = frozenset(date(year, 10, day) for day in (1, 2, 3))
    missing = [one for one in FESTIVALS if not has(one)]
    if not has(MID_AUTUMN, national):
        missing.append(MID_AUTUMN)
    return tuple(sorted(missing, key=lambda one: one.first))
