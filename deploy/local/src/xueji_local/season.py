"""When a local stack lives: its own clock begins in the enrolment season of the present school year and goes on from there.

Much of what the law has the system do it may do at one time of the year only (clauses 4.1, 29), and whoever looks at it
comes at any. `python -m xueji_local clock 2026-09-01` moves it, forward alone; nothing of this exists in production.
"""

from __future__ import annotations

from datetime import datetime

from regulation.school_year import school_year_of_entry
from service_kit.clock import ZONE


def begin(now: datetime | None = None) -> datetime:
    """The morning of 20 August before the first day of school: plans are set, children are placed."""
    today = now or datetime.now(ZONE)
    return datetime(school_year_of_entry(today.year, today.month), 8, 20, 8, tzinfo=ZONE)


def term(now: datetime | None = None) -> datetime:
    """A morning of the second week of school: what most of the year is like, inside the enrolment window."""
    return begin(now).replace(month=9, day=10, hour=9)
