"""Fixtures: the registry beside the transfer service, over its own fresh database, with pupils in three schools."""

from __future__ import annotations

from moving_world import moving as registry

__all__ = ["registry"]
