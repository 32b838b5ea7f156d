"""The data files of this package, read once."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from typing import Any


def text(name: str) -> str:
    return files("regulation").joinpath("data", name).read_text(encoding="utf-8")


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads(text(name))


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text(name).splitlines()))
