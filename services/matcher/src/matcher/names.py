"""Names drawn by their frequencies: a draw is a look-up in a table by sixteen random bits, nothing is computed twice.

The lists are data (`data/names.toml`, `data/surnames.csv`). Tables are built once per process.
"""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

SPAN = 1 << 16
"""A draw is a number in 0..SPAN-1."""


def spread(weights: dict[str, int]) -> tuple[str, ...]:
    """A table of SPAN entries in which each key stands in proportion to its weight, at least once."""
    total = sum(weights.values())
    table: list[str] = []
    for key, upto in zip(weights, accumulate(weights.values()), strict=True):
        end = round(SPAN * upto / total)
        table += [key] * max(end - len(table), 1)
    return tuple(table[:SPAN])


def rows(name: str) -> list[dict[str, str]]:
    """A table of the package's data folder."""
    with files("matcher").joinpath("data", name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def data() -> dict[str, Any]:
    return tomllib.loads(files("matcher").joinpath("data/names.toml").read_text(encoding="utf-8"))


def _given(lists: dict[str, Any]) -> tuple[str, ...]:
    """Given names of one sex: popular whole names, two characters put together, one character alone."""
    weights: dict[str, int] = {}

    def add(names: list[str], share: int) -> None:
        each = max(1, share // len(names))
        for name in names:
            weights[name] = weights.get(name, 0) + each

    add(list(lists["whole"]), 26_000)
    add([a + b for a in lists["first"] for b in lists["second"] if a != b], 32_000)
    add(list(lists["single"]), 7_500)
    return spread(weights)


class Names:
    """The tables. Index each with a draw (0..SPAN-1)."""

    def __init__(self) -> None:
        source = data()
        self.surnames = spread({r["surname"]: int(r["weight"]) for r in rows("surnames.csv")})
        self.boys, self.girls = _given(source["boys"]), _given(source["girls"])
        self.men, self.women = _given(source["men"]), _given(source["women"])
        self.nationalities = spread(source["nationalities"])
        self.rare: str = "".join(source["rare"]["characters"])
        self.rare_below: int = source["rare"]["share"]
        self.foreign_boys: list[str] = source["foreign_style"]["boys"]
        self.foreign_girls: list[str] = source["foreign_style"]["girls"]
        self.foreign_from: int = SPAN - source["foreign_style"]["share"]
        self.city_streets: list[str] = source["streets"]["city"]
        self.county_streets: list[str] = source["streets"]["county"]
        self.estates: list[str] = source["streets"]["estates"]
        self.employers: list[str] = source["work"]["employers"]
        self.posts: list[str] = source["work"]["posts"]


@cache
def names() -> Names:
    return Names()
