"""How long whoever guesses at a guardian's digits has to wait (24.6.3, 24.6.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfer.rules.guessing import ADDRESS, NUMBER, Bound, Failures, one_more, wait

NOW = datetime(2026, 9, 10, 10, tzinfo=UTC)
NONE = Failures(failures=0, last_at=None, locked_until=None)
pytestmark = pytest.mark.clause("24.6.3", "24.6.4")


def after(wrong: int, bound: Bound, pause: timedelta = timedelta(0)) -> Failures:
    """So many wrong answers, each as soon as it is looked at, or after a pause."""
    known, now = NONE, NOW
    for _ in range(wrong):
        now += max(wait(known, now), pause)
        known = one_more(bound, known, now)
    return known


def seconds(known: Failures) -> float:
    assert known.last_at is not None
    return wait(known, known.last_at).total_seconds()


@pytest.mark.parametrize(("bound", "free"), [(NUMBER, 5), (ADDRESS, 200)])
def test_nobody_waits_before_the_bound_and_everybody_from_it_on(bound: Bound, free: int) -> None:
    assert [seconds(after(n, bound)) for n in (free - 1, free, free + 1, free + 2)] == [0, 30, 60, 120]


@pytest.mark.parametrize(("wrong", "waits"), [(10, 960), (11, 1800), (12, 1800), (100, 1800)])
def test_a_wait_doubles_up_to_half_an_hour(wrong: int, waits: float) -> None:
    assert seconds(after(wrong, NUMBER)) == waits


@pytest.mark.parametrize(("later", "failures"), [(-1, 6), (0, 1), (1, 1)])
def test_a_day_without_a_wrong_answer_is_forgiven(later: int, failures: int) -> None:
    known = after(5, NUMBER)
    assert known.last_at is not None
    again = one_more(NUMBER, known, known.last_at + NUMBER.forgotten + timedelta(seconds=later))
    assert again.failures == failures


@given(st.lists(st.integers(0, 7_200), max_size=400))
def test_a_case_is_never_guessed_at_more_than_sixty_times_a_day(pauses: list[int]) -> None:
    """Whatever the rhythm, as long as it is a day without a pause of a day: 10,000 digits take half a year."""
    known, now, looked = NONE, NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        if now - NOW > timedelta(hours=24):
            break
        if wait(known, now):
            continue
        looked += 1
        known = one_more(NUMBER, known, now)
    assert looked <= 60
