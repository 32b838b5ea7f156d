"""Fixtures: schools with pupils, and the worker that moves them."""

from __future__ import annotations

import pytest
from moving_world import moving as world

__all__ = ["world"]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of seven records."""
    monkeypatch.setattr("registry.moving.batches.SIZE", 7)
