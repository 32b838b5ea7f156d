"""Statements of the log: append, the newest place, signed days. Nothing here changes or removes a row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import TypeGuard

import msgspec
from regulation.authorisation import is_school
from regulation.divisions import PROVINCE, chain
from service_kit.database import driver, fetch_all, insert_rows
from service_kit.organisations import authority_of
from shared_contracts.audit import Audited
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit import tables
from access.audit.chain import FIELDS, Kept, day_seed, entry_hash

_LOCK = 0x6175_6469
"""One writer at a time goes on with the chain or closes a day, whichever copy of the service it is in."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A closed day. `previous`: the root of the day before."""

    day: date
    entries: int
    root: bytes
    previous: bytes
    key_id: str
    signature: bytes


Place = tuple[date, int, bytes]
"""Day, number and hash of an entry."""


async def alone(tx: AsyncConnection) -> None:
    """Wait until nobody else appends or closes; until the end of the transaction. What others wrote is seen afterwards."""
    await (await driver(tx)).execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def unknown(tx: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Of these entries those that are not kept yet."""
    rows = await (await driver(tx)).fetch("SELECT id FROM audit_entries WHERE id = ANY($1::text[])", list(ids))
    return set(ids) - {row["id"] for row in rows}


_NEWEST = """
SELECT greatest($1::date, last.day, (SELECT max(day) + 1 FROM audit_days)) AS day, last.day AS of, last.number, last.hash
FROM (SELECT 1) AS one LEFT JOIN LATERAL (
    SELECT day, number, hash FROM audit_entries ORDER BY day DESC, number DESC LIMIT 1
) AS last ON true
"""


async def next_place(tx: AsyncConnection, today: date) -> Place:
    """The chain's day and what the next entry of it follows (number 0 and the seed when it is the first).

    Never a day that is closed, nor one before the newest: a clock that is behind does not reopen the past.
    """
    row = await (await driver(tx)).fetchrow(_NEWEST, today)
    assert row is not None
    if row["of"] == row["day"]:
        return row["day"], row["number"], row["hash"]
    return row["day"], 0, day_seed(row["day"])


async def append(tx: AsyncConnection, place: Place, entries: Sequence[Audited], authorities: dict[str, str],
                 kept_at: datetime) -> None:  # fmt: skip
    """Go on with the chain at `place`; two statements however many there are."""
    day, number, previous = place
    rows, index = [], []
    for entry in entries:
        number += 1
        kept = Kept(
            day=day,
            number=number,
            kept_at=kept_at,
            authority=authorities[entry.organisation],
            roles=list(entry.roles),
            reasons=list(entry.reasons),
            objects=list(entry.objects),
            **{name: getattr(entry, name) for name in _AS_SAID},
        )
        digest = entry_hash(previous, msgspec.structs.astuple(kept))
        rows.append({**msgspec.structs.asdict(kept), "previous": previous, "hash": digest})
        index += [
            {"object_id": object_id, "at": kept.at, "day": day, "number": number}
            for object_id in dict.fromkeys(kept.objects)
        ]
        previous = digest
    await insert_rows(tx, tables.entries, rows)
    await insert_rows(tx, tables.objects, index)


_AS_SAID = tuple(
    name for name in FIELDS if name not in ("day", "number", "kept_at", "authority", "roles", "reasons", "objects")
)


async def authorities(tx: AsyncConnection, organisations: Collection[str]) -> dict[str, str]:
    """Whose subtree each organisation is in now. What is none of the province's falls to it: somebody must see it."""
    known = await authority_of(tx, [code for code in organisations if is_school(code)])
    found = {code: known[code] if is_school(code) else code for code in organisations}
    return {code: authority if _of_the_province(authority) else PROVINCE for code, authority in found.items()}


def _of_the_province(authority: str | None) -> TypeGuard[str]:
    return authority is not None and len(authority) == 6 and chain(authority)[0] == PROVINCE


async def signed_days(tx: AsyncConnection) -> list[Signed]:
    """All of them, oldest first: a few hundred a year."""
    rows = await fetch_all(tx, "SELECT day, entries, root, previous, key_id, signature FROM audit_days ORDER BY day")
    return [Signed(**row) for row in rows]
