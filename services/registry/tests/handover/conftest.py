"""Fixtures: schools with pupils whose records go from one to another, for the paper that has to follow."""

from __future__ import annotations

from moving_world import moving as world

__all__ = ["world"]
