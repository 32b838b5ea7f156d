"""What is written down of who may do what, apart from the code: `tables/*.csv`. Whatever is not in a table must not be."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused

TABLES = Path(__file__).parents[1] / "tables"
ROLES = tuple(role for role in Role if role is not Role.SYSTEM)
"""Whatever an account may be: SYSTEM is a service that acts by itself, no account has it."""


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


ONE_PERSON = {(row["earlier"], row["later"]): row["verdict"] for row in _rows("one_person.csv")}
WHO_MAY = {(row["act"], row["relation"], Role(role)) for row in _rows("who_may.csv") for role in row["roles"].split()}


def one_person_may(earlier: str, later: str, *, one_signature: bool = False) -> bool:
    """Whether who did the one may do the other to the same case. `earlier`, `later`: `"open"`, `"releasing_school.return"`;
    a step alone stands for every decision on it."""
    verdict = ONE_PERSON.get((earlier, later), "no")
    return verdict == "yes" or (verdict == "one_signature" and one_signature)


def everybody(places: dict[str, str]) -> list[tuple[str, Role | None, Actor]]:
    """One account of each role in each of the organisations, by their relation to a case; and who has no account."""
    found: list[tuple[str, Role | None, Actor]] = [
        (relation, role, somebody(f"{relation}.{role}", code, role))
        for relation, code in places.items()
        for role in ROLES
    ]
    return [*found, ("nobody", None, ANONYMOUS)]


def somebody(account: str, organisation: str, *roles: Role) -> Actor:
    return Actor(account=account, name="某人", organisation=organisation, roles=roles)


def code_of(reply: Any) -> str:
    """The first finding of a refusal, its kind where it has none; empty where it was done."""
    if not isinstance(reply, Refused):
        return ""
    return reply.findings[0].code if reply.findings else str(reply.kind)
