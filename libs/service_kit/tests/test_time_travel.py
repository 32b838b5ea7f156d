"""A moved clock: for all services of a machine at once, forward alone, never in production."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from service_kit import time_travel
from service_kit.clock import ZONE, Clock
from service_kit.settings import Settings, SettingsError

BEGUN = dt.datetime(2026, 8, 20, 8, tzinfo=ZONE)
SOON = dt.timedelta(seconds=30)


def near(moment: dt.datetime, other: dt.datetime) -> bool:
    return abs(moment - other) < SOON


def test_a_clock_without_a_file_tells_the_world_s_time(tmp_path: Path) -> None:
    assert near(Clock().now(), dt.datetime.now(ZONE))
    assert near(Clock(tmp_path / "none").now(), dt.datetime.now(ZONE))


def test_every_clock_of_the_file_is_moved_at_once_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    one, other = Clock(file), Clock(file)
    time_travel.begin(file, BEGUN)
    assert near(one.now(), BEGUN) and near(other.now(), BEGUN)
    time_travel.move(file, BEGUN + dt.timedelta(days=12))
    assert one.today() == other.today() == dt.date(2026, 9, 1)
    assert one.now() < one.now()


def test_a_system_that_has_a_clock_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    time_travel.begin(file, BEGUN)
    time_travel.begin(file, BEGUN + dt.timedelta(days=400))
    assert near(Clock(file).now(), BEGUN)


def test_it_never_goes_back(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    time_travel.begin(file, BEGUN)
    with pytest.raises(time_travel.NotBack, match="不能拨回"):
        time_travel.move(file, BEGUN - dt.timedelta(minutes=1))
    assert near(Clock(file).now(), BEGUN)


def test_what_cannot_be_read_leaves_it_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    time_travel.begin(file, BEGUN)
    clock = Clock(file)
    assert near(clock.now(), BEGUN)
    file.write_text("soon")
    assert near(clock.now(), BEGUN)


def test_nobody_moves_the_clock_of_a_production_system(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    assert Clock.from_settings(Settings(time_travel=str(file))).moves
    assert not Clock.from_settings(Settings(env="production")).moves
    with pytest.raises(SettingsError, match="XUEJI_TIME_TRAVEL"):
        Clock.from_settings(Settings(env="production", time_travel=str(file)))
