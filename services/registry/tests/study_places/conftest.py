"""Fixtures: schools with classes and pupils, for those who study elsewhere."""

from __future__ import annotations

from moving_world import moving as world

__all__ = ["world"]
