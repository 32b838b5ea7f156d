"""What time it is for the systems under test: a school morning in September, whenever the tests run.

Every system begins then (its own clock file may be moved on by a test that has a system of its own).
"""

from __future__ import annotations

from datetime import datetime

from service_kit.clock import ZONE, Clock
from xueji_local.season import term


class _Since(Clock):
    def __init__(self, begun: datetime) -> None:
        super().__init__()
        self._by = begun - datetime.now(ZONE)


CLOCK = _Since(term())
