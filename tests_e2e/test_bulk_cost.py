"""Round trips to PostgreSQL per 1,000 rows, from the upload to the last record: more rows a batch, not more round trips."""

from __future__ import annotations

import e2e_truth
import pytest
from e2e_flow import Desk
from e2e_people import People
from e2e_system import System

SERVICES = ("registry", "identity")
SMALL, LARGE = 500, 2_000
MOST = 1_500
"""Round trips per 1,000 rows that nobody may exceed, idle polling of the workers meanwhile included."""


def round_trips(system: System) -> dict[str, float]:
    return {service: system.metric(service, "db_round_trips_total") for service in SERVICES}


def cost(system: System, people: People, school: Desk, rows: int, first_class: int) -> dict[str, float]:
    """Round trips per 1,000 rows by service."""
    made = people.roster("xinchun", rows, first_class=first_class)
    before = round_trips(system)
    done = school.walk(made)
    after = round_trips(system)
    assert done.numbers == {"G": rows}
    return {service: (after[service] - before[service]) / rows * 1_000 for service in SERVICES}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_round_trips_do_not_grow_with_the_rows_of_a_batch(
    system: System, people: People, xinchun: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {rows: cost(system, people, xinchun, rows, first_class) for rows, first_class in ((SMALL, 20), (LARGE, 40))}
    with capsys.disabled():
        for rows, by_service in costs.items():
            told = ", ".join(f"{service} {trips:.0f}" for service, trips in by_service.items())
            print(f"\n  round trips per 1,000 rows, roster of {rows}: {told}", end="")
        print()
    small, large = (sum(costs[rows].values()) for rows in (SMALL, LARGE))
    assert large <= small, f"{large:.0f} round trips per 1,000 rows of {LARGE}, {small:.0f} of {SMALL}"
    assert small <= MOST
    e2e_truth.records_and_numbers_agree(system)
