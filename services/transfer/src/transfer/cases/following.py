"""A school goes to another supervising authority (re-division, 44): its open transfers go along.

What has been approved stays approved. Where the former authority was to decide, the new one begins with a clock of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from casework.store import Doing, decide_cases
from regulation.mark import clause
from service_kit import organisations
from service_kit.database import driver
from service_kit.service import Kit
from service_kit.work import EventHandler, Work
from shared_contracts.actors import Role, system
from shared_contracts.messages import Event
from shared_contracts.organisations import OrganisationsChanged
from sqlalchemy.ext.asyncio import AsyncConnection

from transfer.cases import store, telling
from transfer.cases.chain import kind_of
from transfer.cases.store import Transfer
from transfer.context import Transfer as Deps
from transfer.context import TransferWork
from transfer.reports import store as late
from transfer.reports.policy import is_late
from transfer.rules.kind import RECEIVING_AUTHORITY, RELEASING_AUTHORITY

REASON = "学校的主管教育行政部门变更"
BATCH = 100
SETTLED = timedelta(minutes=10)
"""After so long whatever the registry has announced is known here: a case that stands otherwise was left behind."""


async def organisations_changed(work: TransferWork, event: OrganisationsChanged) -> None:
    await organisations.organisations_changed(work, event)
    for transfer_id in await _behind(work.tx, [one.code for one in event.organisations if one.kind == "school"]):
        await follow(work, transfer_id)


async def catch_up(kit: Kit, deps: Deps) -> int:
    """Cases that were being opened while their school went: one a transaction; how many."""
    async with kit.db.transaction() as tx:
        ids = await _behind(tx, None, before=kit.clock.now() - SETTLED)
    for transfer_id in ids:
        async with kit.db.transaction() as tx:
            work: TransferWork = Work(tx=tx, deps=deps, now=kit.clock.now())
            await follow(work, transfer_id)
            await work.flush()
    return len(ids)


@clause("24.5.1", "44")
async def follow(work: TransferWork, transfer_id: str) -> None:
    """Looked at again under lock: somebody may have ended it."""
    found = await store.get(work.tx, transfer_id, lock=True)
    if found is None or not (found.standing.status in ("open", "returned") or found.outcome in _UNDER_WAY):
        return
    known = await organisations.known(work.tx, {found.to_school, found.from_school})
    whose = {RECEIVING_AUTHORITY: found.to_school, RELEASING_AUTHORITY: found.from_school}
    moved = {
        party: known[school].authority
        for party, school in whose.items()
        if school in known and known[school].kind == "school" and known[school].authority != found.parties[party]
    }
    if not moved:
        return
    connection = await driver(work.tx)
    kind, step = kind_of(work, found), found.standing.step
    waits = (
        found.standing.status == "open" and step in moved and found.standing.due_on is not None
    )  # not on a list (24.5.4)
    if waits and step is not None:
        doing = Doing(
            act="reroute", actor=system("transfer"), role=Role.SYSTEM, at=work.now, reason=REASON,
            details={"parties": {step: moved[step]}},
        )  # fmt: skip
        await decide_cases(connection, kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
        await _came_late(work, found, step)
    await connection.execute(
        "UPDATE cases SET parties = parties || $2::text::jsonb WHERE id = $1",
        found.id,
        msgspec.json.encode(moved).decode(),
    )
    await connection.execute(
        """UPDATE transfers SET to_authority = coalesce($2, to_authority), from_authority = coalesce($3, from_authority),
                                moved_at = CASE WHEN $4 THEN $5 ELSE moved_at END, changes = changes + 1
           WHERE id = $1""",
        found.id,
        moved.get(RECEIVING_AUTHORITY),
        moved.get(RELEASING_AUTHORITY),
        waits,
        work.now,
    )
    again = await store.get(work.tx, found.id)
    assert again is not None
    await telling.stands(work, kind_of(work, again), again)


_UNDER_WAY = ("moving", "attention")


async def _came_late(work: TransferWork, transfer: Transfer, step: str) -> None:
    """The step's last day had passed with the authority that had it."""
    due = transfer.standing.due_on
    if due is not None and is_late(due, work.today):
        whose = transfer.parties[step]
        await late.put_late(work.tx, transfer.id, transfer.version, step, whose, due, work.today)


# By the indexes of a school's transfers; of all, those under way, a few thousand.
_BEHIND = """
SELECT t.id FROM transfers t JOIN cases c ON c.id = t.id
LEFT JOIN organisation_replica i ON i.code = t.to_school AND i.kind = 'school'
LEFT JOIN organisation_replica f ON f.code = t.from_school AND f.kind = 'school'
WHERE (c.status IN ('open', 'returned') OR t.outcome IN ('moving', 'attention'))
  AND (i.authority <> t.to_authority OR f.authority <> t.from_authority)
  AND ($1::text[] IS NULL OR t.to_school = ANY($1::text[]) OR t.from_school = ANY($1::text[]))
  AND ($2::timestamptz IS NULL OR t.opened_at < $2)
ORDER BY t.id
"""


async def _behind(
    tx: AsyncConnection, schools: Collection[str] | None, *, before: datetime | None = None
) -> Sequence[str]:
    if schools is not None and not schools:
        return ()
    limit = f" LIMIT {BATCH}" if schools is None else ""
    rows = await (await driver(tx)).fetch(_BEHIND + limit, None if schools is None else list(schools), before)
    return [row["id"] for row in rows]


EVENTS: dict[type[Event], EventHandler] = {OrganisationsChanged: organisations_changed}
