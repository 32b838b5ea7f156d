"""How a value shows itself: its kind and its ids, nothing of a person.

An exception's text, a log line, a trace, a failed test: sooner or later each shows the `repr` of what was at hand. Words
between services never show more than this (`messages.Message`); whatever else carries a name, a number, an address or a
birth date is `Discreet` too, and a test holds every struct of the house to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Discreet:
    """`Enrolled(person_id='…')`. Before the base of a struct: `class Entry(Discreet, msgspec.Struct)`; a dataclass says
    `repr=False` besides, a named tuple cannot be one. Costs nothing where nothing is shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in _ids(self))
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return _ids(self)


def _ids(value: Any) -> list[tuple[str, Any]]:
    names: Iterable[str] = getattr(value, "__struct_fields__", getattr(value, "__dataclass_fields__", ()))
    found = ((name, getattr(value, name, None)) for name in names if name == "id" or name.endswith("_id"))
    return [(name, one) for name, one in found if isinstance(one, str | int)]
