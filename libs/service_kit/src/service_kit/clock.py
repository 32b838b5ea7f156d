"""The business clock: one time zone, passed to rules as a fact.

Tests and demonstrations move it for all services of a machine at once: `XUEJI_TIME_TRAVEL` names a file that says by how
many seconds (`time_travel.py`). Nobody moves the clock of a production system.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from service_kit.settings import Settings, SettingsError

ZONE = ZoneInfo("Asia/Shanghai")


class Clock:
    """Now and today in Asia/Shanghai. Rules never read it: they are given the day.

    `moved`: a file with the seconds by which this clock is moved; one that is not there moves nothing.
    """

    def __init__(self, moved: Path | None = None) -> None:
        self._moved = moved
        self._written = -1
        self._by = timedelta()

    @classmethod
    def from_settings(cls, settings: Settings) -> Clock:
        """Raises SettingsError where a production system's clock is to be moved."""
        if not settings.time_travel:
            return cls()
        if settings.production:
            raise SettingsError("XUEJI_TIME_TRAVEL moves the clock and is refused in production. Cure: unset it.")
        return cls(Path(settings.time_travel))

    @property
    def moves(self) -> bool:
        """Whether it may tell another time than the world's."""
        return self._moved is not None

    def now(self) -> datetime:
        return datetime.now(ZONE) + self._offset()

    def today(self) -> date:
        return self.now().date()

    def _offset(self) -> timedelta:
        if self._moved is not None:
            try:
                written = self._moved.stat().st_mtime_ns
                if written != self._written:
                    self._by, self._written = timedelta(seconds=int(self._moved.read_text())), written
            except (OSError, ValueError):  # not there yet, or just being replaced: as before
                pass
        return self._by


class FixedClock(Clock):
    """A clock that stands still: for tests."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self._moment = moment.astimezone(ZONE)

    def now(self) -> datetime:
        return self._moment
