"""The business clock: one time zone, passed to rules as a fact."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


class Clock:
    """Now and today in Asia/Shanghai. Rules never read it: they are given the day."""

    def now(self) -> datetime:
        return datetime.now(ZONE)

    def today(self) -> date:
        return self.now().date()


class FixedClock(Clock):
    """A clock that stands still: for tests."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.astimezone(ZONE)

    def now(self) -> datetime:
        return self._moment
