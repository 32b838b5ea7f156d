"""Capabilities that say for themselves who may do what, and what of theirs everybody tries to get at.

Every module `e2e_acts_*.py` here has `ROWS` (operation -> `e2e_matrix.Row`) and `things(cast, people, desk)`: the ids that
the paths of its rows and their lists name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import Row
from e2e_people import People


class Acts(Protocol):
    ROWS: Mapping[str, Row]

    def things(self, cast: Cast, people: People, desk: Desk) -> Mapping[str, str]: ...


@cache
def acts() -> tuple[Acts, ...]:
    found = sorted(path.stem for path in Path(__file__).parent.glob("e2e_acts_*.py"))
    return tuple(cast(Acts, import_module(name)) for name in found)
