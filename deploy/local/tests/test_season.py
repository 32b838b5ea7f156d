"""When a local stack lives: in the enrolment season of the present school year, whatever the day."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from regulation.school_year import school_year_of_entry
from service_kit.clock import ZONE
from xueji_local import season


@pytest.mark.parametrize(
    ("world", "begins"),
    [
        ("2026-11-28", "2026-08-20"),
        ("2027-03-01", "2026-08-20"),
        ("2027-07-31", "2026-08-20"),
        ("2027-08-01", "2027-08-20"),
        ("2027-08-20", "2027-08-20"),
    ],
)
def test_a_stack_begins_before_the_first_day_of_the_present_school_year(world: str, begins: str) -> None:
    now = datetime.fromisoformat(f"{world}T10:00").replace(tzinfo=ZONE)
    begun, term = season.begin(now), season.term(now)
    assert begun.date() == date.fromisoformat(begins) < term.date()
    assert school_year_of_entry(now.year, now.month) == begun.year == term.year
