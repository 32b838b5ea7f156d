"""Round trips to PostgreSQL per 1,000 rows, from the upload to the last record: more rows, not more round trips each."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import e2e_truth
import pytest
from e2e_flow import STEPS, Desk, desk
from e2e_people import People
from e2e_system import HANGS, System, wait_for
from shared_contracts.registry import RosterState

SERVICES = ("registry", "identity")
SMALL, LARGE = 500, 2_000
"""Rows; the registry works in chunks of 500."""
MOST = 600
"""Round trips per 1,000 rows that both services together may cost at most. A statement a row would be 1,000 more."""
WHOLE = 900
"""The same with all that each step brings about, for the smaller roster, whose share of what every roster costs is larger."""
MORE = 300
"""Round trips that 1,000 more rows may cost at most, with all that each step brings about."""


class Meter:
    """Counts the round trips of both services, without those of idle workers who look whether there is work."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.spent: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        before, seconds = self._now(), 4.0
        time.sleep(seconds)
        self._idle = (self._now() - before) / seconds

    def _now(self) -> float:
        return sum(self._system.metric(service, "db_round_trips_total") for service in SERVICES)

    @contextmanager
    def counting(self, what: str) -> Iterator[None]:
        before, begun = self._now(), time.monotonic()
        yield
        seconds = time.monotonic() - begun
        self.spent[what] += round(self._now() - before - self._idle * seconds)
        self.seconds[what] += seconds
        e2e_truth.settled(self._system)  # what it has brought about is its own cost, and not the next step's
        self.whole[what] += round(self._now() - before - self._idle * (time.monotonic() - begun))


def walk(system: System, people: People, school: Desk, rows: int, first_class: int) -> Meter:
    """The whole way, looking for its progress in the database: each look through the API would be counted too."""
    made = people.roster("xinchun", rows, first_class=first_class)
    e2e_truth.settled(system)
    meter = Meter(system)

    def wait(column: str, value: str) -> None:
        query = f"SELECT {column} = $2 FROM rosters WHERE id = $1"
        wait_for(lambda: system.value("registry", query, roster_id, value), HANGS, f"{column} is not {value}")

    with meter.counting("check"):
        roster_id = school.registrar.upload(made.path).id
        wait("state", RosterState.CHECKED)
    with meter.counting("confirm"):
        school.registrar.confirm(roster_id)
        wait("state", RosterState.IN_APPROVAL)
    for step in STEPS:
        if step == "guardian":
            with meter.counting("print"):
                school.registrar.send("POST", f"/v1/rosters/{roster_id}/confirmation-sheets")
                wait("sheets_state", "ready")
        with meter.counting("steps"):
            assert school.decide(roster_id, step).moved == rows
    with meter.counting("numbers"):
        wait("state", RosterState.COMPLETED)
    assert school.registrar.roster(roster_id).numbers == {"G": rows}
    return meter


@pytest.mark.slow
def test_round_trips_do_not_grow_with_the_rows_of_a_batch(
    fresh_system: Callable[..., System], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printing is shown and not judged: it goes class by class, as the paper does, and its cost is in the pages."""
    # A system of its own: its school becomes larger than any may be, and room for that is written past the rules.
    system = fresh_system()
    people, xinchun = People(system, tmp_path), desk(system, "xinchun")
    system.sql("registry", "UPDATE enrolment_plans SET classes = 9999, places = 999999 WHERE school = $1", xinchun.code)
    meters = {rows: walk(system, people, xinchun, rows, first) for rows, first in ((SMALL, 20), (LARGE, 40))}
    costs, whole = {}, {}
    with capsys.disabled():
        for rows, meter in meters.items():
            by_phase = {what: trips / rows * 1_000 for what, trips in meter.spent.items()}
            costs[rows] = sum(trips for what, trips in by_phase.items() if what != "print")
            whole[rows] = sum(trips for what, trips in meter.whole.items() if what != "print")
            told = ", ".join(f"{what} {trips:.0f} ({meter.seconds[what]:.1f} s)" for what, trips in by_phase.items())
            print(f"\n  {rows} rows: {costs[rows]:.0f} round trips per 1,000 rows without printing; {told}", end="")
        print()
    assert 0 < costs[LARGE] <= costs[SMALL] <= MOST
    assert whole[SMALL] / SMALL * 1_000 <= WHOLE
    more = (whole[LARGE] - whole[SMALL]) / (LARGE - SMALL) * 1_000
    assert more <= MORE, f"{more:.0f} round trips for 1,000 rows more"
    e2e_truth.settled(system)
    e2e_truth.records_and_numbers_agree(system)
