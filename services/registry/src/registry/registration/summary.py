"""A roster's registrations in numbers: what its school sees at a glance."""

from __future__ import annotations

from collections import Counter

import msgspec
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.registration.chain import state_of


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Registrations by state, numbers by kind, verifications by outcome."""

    steps: dict[str, int]
    numbers: dict[str, int]
    verification: dict[str, int]


_COUNT = """
SELECT c.status, c.step, r.registered_at IS NOT NULL AS registered, r.number_kind, r.verification, count(*) AS number
FROM registrations r JOIN cases c ON c.id = r.id
WHERE r.roster_id = $1 GROUP BY 1, 2, 3, 4, 5
"""


async def of_roster(tx: AsyncConnection, roster_id: str) -> Summary:
    """Empty where the roster has no registrations (yet)."""
    steps: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    verification: Counter[str] = Counter()
    for row in await (await driver(tx)).fetch(_COUNT, roster_id):
        steps[state_of(row["status"], row["step"], row["registered"]).value] += row["number"]
        if row["number_kind"]:
            numbers[row["number_kind"]] += row["number"]
            verification[row["verification"]] += row["number"]
    return Summary(steps=dict(steps), numbers=dict(numbers), verification=dict(verification))
