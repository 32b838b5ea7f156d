"""Accounts of an organisation that is no more are sealed, and opened again where its end is taken back (clauses 44, 45.3).

What counts is the replica of the organisations, not the news that changed it: news may come twice, late or out of order.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from regulation.mark import clause
from service_kit import organisations
from service_kit.database import driver
from service_kit.work import EventHandler
from shared_contracts.actors import system
from shared_contracts.messages import Event
from shared_contracts.organisations import OrganisationsChanged

from access.accounts import store
from access.context import AccessWork
from access.sessions import store as sessions

REASON: Final = "所在单位已撤销，系统自动封存"
AGAIN: Final = "所在单位恢复，系统自动启用"
_SYSTEM: Final = system("access").account

_ENDED = """
    SELECT a.username FROM accounts a JOIN organisation_replica o ON o.code = a.organisation
    WHERE a.organisation = ANY($1::text[]) AND o.closed AND a.seal IS DISTINCT FROM 'sealed'
    ORDER BY a.username FOR UPDATE OF a
"""
_BACK = """
    SELECT a.username FROM accounts a JOIN organisation_replica o ON o.code = a.organisation
    WHERE a.organisation = ANY($1::text[]) AND NOT o.closed AND a.seal = 'sealed' AND a.sealed_reason = $2
    ORDER BY a.username FOR UPDATE OF a
"""


async def organisations_changed(work: AccessWork, event: OrganisationsChanged) -> None:
    await organisations.organisations_changed(work, event)
    await follow(work, [one.code for one in event.organisations])


@clause("44", "45.3")
async def follow(work: AccessWork, codes: Collection[str]) -> int:
    """Seal and open the accounts of these organisations as they stand now; returns how many. Whom an administrator has
    sealed stays sealed."""
    connection = await driver(work.tx)
    ended = [row["username"] for row in await connection.fetch(_ENDED, list(codes))]
    for username in ended:
        await store.change(work.tx, username, seal="sealed", sealed_reason=REASON)
        await store.record(work.tx, username, "seal", _SYSTEM, REASON, work.now)
        await sessions.end_all(work.tx, username, work.now, REASON)
    back = [row["username"] for row in await connection.fetch(_BACK, list(codes), REASON)]
    for username in back:
        await store.change(work.tx, username, seal=None, sealed_reason="", open_since=work.now)
        await store.record(work.tx, username, "unseal", _SYSTEM, AGAIN, work.now)
        await sessions.rights_changed(work.tx, username, work.now)
    return len(ended) + len(back)


EVENTS: dict[type[Event], EventHandler] = {OrganisationsChanged: organisations_changed}
