"""The vocabulary of the matrix of operations and people: who there is, what a row says. Rows of a capability stand in a
module of their own beside this (`e2e_acts_*.py`: a dict `ROWS`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e_cast import AUTHORITY_ROLES, PLACES, Member
from e2e_things import Things

# ---- who there is -------------------------------------------------------------------------------------------------------

SCHOOL_STAFF = frozenset({"registrar", "teacher", "teacher01", "teacher02", "principal"})
OTHER_SCHOOLS = frozenset(
    f"{school}.{role}" for school in ("qihui", "shanhe") for role in ("registrar", "teacher", "principal")
)
AUTHORITIES = frozenset(f"{place}.{role}" for place in PLACES for role in AUTHORITY_ROLES)
CLIENTS = frozenset({"client.students", "client.organisations"})
UNREADY = frozenset({"limited", "unappointed"})
"""An account that still has its first password; a registrar whom nobody has appointed."""
NOBODY = frozenset({"nobody"})

PEOPLE = SCHOOL_STAFF | OTHER_SCHOOLS | AUTHORITIES | {"unappointed"}
SIGNED_IN = PEOPLE | CLIENTS | {"limited"}
EVERYBODY = SIGNED_IN | NOBODY


def at(*names: str) -> frozenset[str]:
    """These members and no others."""
    assert set(names) <= EVERYBODY
    return frozenset(names)


def above(*roles: str) -> frozenset[str]:
    """In the authorities that the school is under: its county, the city, the province."""
    return frozenset(f"{place}.{role}" for place in ("county", "city", "province") for role in roles)


def anywhere(*roles: str) -> frozenset[str]:
    """Whoever has the role, wherever: for what is his own, and for lists, which show no more than that."""
    names = frozenset(name for name in PEOPLE if name.split(".")[-1] in roles)
    return names | (frozenset({"teacher01", "teacher02"}) if "teacher" in roles else frozenset()) - UNREADY


OWN_CLASS = at("teacher", "teacher01")
LOOKS = at("registrar", "principal") | above("officer", "leader")
"""Who sees the school's things, but for class teachers and what each of them sees."""
LISTS = anywhere("registrar", "teacher", "principal", "officer", "leader")
EXPORTS = at("registrar", "principal") | above("officer", "leader", "auditor")

# ---- the table ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """`may`: who is allowed, everybody else is refused. `request`: what is sent, in order as far as it can be and too late.

    `path`: instead of the operation's own template. `shows`: a list; the id of which thing stands in it, and for whom.
    `unknown`: what it names is nowhere, and whoever may ask is told so (404).
    """

    may: frozenset[str]
    request: Callable[[Things, Member], dict[str, Any]] = lambda _things, _who: {}
    path: str = ""
    shows: tuple[str, frozenset[str]] = ("", frozenset())
    unknown: bool = False


def body(**values: Any) -> Callable[[Things, Member], dict[str, Any]]:
    return lambda _things, _who: {"json": values}


def stale(**values: Any) -> Callable[[Things, Member], dict[str, Any]]:
    """An edit of a version that is long past."""
    return lambda _things, _who: {"json": values, "headers": {"If-Match": '"0"'}}
