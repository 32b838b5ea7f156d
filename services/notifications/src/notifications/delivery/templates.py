"""Templates (模板) with their versions: dated, kept, and named by every message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec


class Template(msgspec.Struct, frozen=True, rename={"valid_from": "from"}):
    key: str
    version: int
    valid_from: date
    subject: str
    body: str

    @property
    def name(self) -> str:
        return f"{self.key}/{self.version}"


class Written(NamedTuple):
    subject: str
    body: str


class _File(msgspec.Struct, frozen=True):
    template: tuple[Template, ...]


@cache
def templates() -> dict[str, Template]:
    """All there ever were, by name. Raises ValueError where one stands twice or two begin on one day."""
    text = resources.files("notifications.delivery").joinpath("templates.toml").read_text("utf-8")
    found = msgspec.toml.decode(text, type=_File).template
    names = {one.name: one for one in found}
    if len(names) < len(found) or len({(one.key, one.valid_from) for one in found}) < len(found):
        raise ValueError("templates.toml: a version stands twice")
    return names


def in_force(key: str, today: date) -> Template:
    """The newest version that has begun. Raises LookupError."""
    begun = [one for one in templates().values() if one.key == key and one.valid_from <= today]
    if not begun:
        raise LookupError(f"no template {key} on {today}")
    return max(begun, key=lambda one: one.valid_from)


def write(name: str, values: Mapping[str, str]) -> Written:
    """The message as the named version says it, also years later."""
    template = templates()[name]
    return Written(template.subject.format_map(values), template.body.strip().format_map(values))
