"""What is about a person shows its kind alone, as in the other services (`shared_contracts.discreet`)."""

from __future__ import annotations

from typing import Any


class Discreet:
    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []
