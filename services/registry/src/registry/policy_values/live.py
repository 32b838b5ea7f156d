"""The policy that holds now, read from the registry's own tables (`service_kit.policy` says how copies stay together)."""

from __future__ import annotations

import msgspec
from regulation.calendar import Notice
from regulation.parameters import LocalValue, ParameterValue
from service_kit import policy
from service_kit.database import fetch_all, fetch_one
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.working_days import store

_VERSION = "SELECT version FROM policy_book"
_VALUES = """
SELECT id, key, division, valid_from, value::text AS value, low::text AS low, high::text AS high
FROM policy_values WHERE state = 'published' ORDER BY valid_from, id
"""


class LivePolicy(policy.LivePolicy):
    """The registry's: a copy reads the values again when the number in `policy_book` has grown."""

    async def read_version(self, tx: AsyncConnection) -> int:
        row = await fetch_one(tx, _VERSION)
        return 0 if row is None else int(row["version"])

    async def read_values(self, tx: AsyncConnection) -> list[LocalValue]:
        return await local_values(tx)

    async def read_notices(self, tx: AsyncConnection) -> tuple[int, list[Notice]]:
        there = await store.in_force(tx)
        return max((one.number for one in there), default=0), [one.days for one in there]


async def local_values(tx: AsyncConnection) -> list[LocalValue]:
    """Every value that is published and was neither withdrawn nor returned in time, also those still to come."""
    rows = await fetch_all(tx, _VALUES)
    return [
        LocalValue(
            key=row["key"],
            value=ParameterValue(
                division=row["division"],
                valid_from=row["valid_from"],
                value=msgspec.json.decode(row["value"]),
                min=None if row["low"] is None else msgspec.json.decode(row["low"]),
                max=None if row["high"] is None else msgspec.json.decode(row["high"]),
            ),
        )
        for row in rows
    ]
