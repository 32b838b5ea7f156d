"""The stack's own clock in the hands of a demonstration: days pass in it, forward alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from service_kit import time_travel
from service_kit.clock import Clock


class Time:
    """`moved`: called after each move; sessions have ended by then."""

    def __init__(self, clock: str, moved: Callable[[], None]) -> None:
        self._file = Path(clock)
        self._moved = moved
        self.clock = Clock(self._file)

    @property
    def moves(self) -> bool:
        """Whether this stack has a clock of its own (one with data from before goes by the world's)."""
        return self._file.is_file()

    def pass_to(self, moment: datetime) -> None:
        """It is that moment now; nothing where it has been already."""
        if moment > self.clock.now():
            time_travel.move(self._file, moment)
            self._moved()
