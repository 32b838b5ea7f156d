"""The worker that looks for unusual use: new entries, the accounts they are of, what those did lately; then the rules.

It remembers up to where it has looked in the transaction that raises the alerts: after a rest it goes on there. It is
apart from the consumer, so that looking never holds up the chain.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from prometheus_client import Counter
from service_kit.clock import ZONE
from service_kit.database import driver, insert_rows
from service_kit.ids import derived
from service_kit.pausing import pause
from service_kit.service import Kit
from shared_contracts.access import AlertRaised
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit import tables
from access.audit.policy import Lines, Raised, Use, looks_back, pupils_shown, role_is_machine, unusual
from access.context import Access, AccessWork

log = logging.getLogger(__name__)

POLL = 10.0  # seconds
AT_ONCE = 2000  # new entries a pass

RAISED = Counter("audit_alerts_total", "Alerts on unusual use of pupils' data", ["kind"])

_LOCK = 0x7761_7463  # one copy of the service looks at a time
_COLUMNS = "day, number, at, act, account, organisation, authority, roles, outcome, objects, count"
_NEW = f"""
SELECT {_COLUMNS} FROM audit_entries WHERE (day, number) > ($1, $2) ORDER BY day, number LIMIT $3
"""  # noqa: S608 - our own columns
# Index Scan using audit_entries_account, one range an account.
_LATELY = f"""
SELECT e.* FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS a (account, since, until)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM audit_entries
    WHERE account = a.account AND at BETWEEN a.since AND a.until AND (day, number) <= ($4, $5)
) AS e
"""  # noqa: S608 - our own columns
_REMEMBER = """
INSERT INTO audit_watched (day, number) VALUES ($1, $2)
ON CONFLICT (one) DO UPDATE SET day = excluded.day, number = excluded.number
"""


async def worker(kit: Kit, deps: Access, stop: asyncio.Event) -> None:
    while not stop.is_set():
        async with kit.db.unit(deps) as work:
            seen = await look(work)
        if seen < AT_ONCE:
            await pause(stop, POLL)


async def look(work: AccessWork) -> int:
    """One pass: how many new entries were looked at."""
    connection = await driver(work.tx)
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return 0
    place = await connection.fetchrow("SELECT day, number FROM audit_watched")
    day, number = (place["day"], place["number"]) if place else (date.min, 0)
    rows = await connection.fetch(_NEW, day, number, AT_ONCE)
    if not rows:
        return 0
    last = rows[-1]
    fresh = _by_account(rows)
    uses = await _lately(work, fresh, last)
    raised = [
        alert
        for of_account in uses.values()
        for alert in unusual(of_account, _lines(work, of_account[-1]), work.deps.calendar)
    ]
    await _raise(work, raised)
    await connection.execute(_REMEMBER, last["day"], last["number"])
    return len(rows)


async def _lately(work: AccessWork, fresh: dict[str, list[Use]], last: Any) -> dict[str, list[Use]]:
    """What the accounts of new uses did in the time that the rules look back to, new uses too."""
    if not fresh:
        return {}
    spans = []
    for account, uses in fresh.items():
        moments = [use.at for use in uses]
        back = looks_back(_lines(work, uses[-1]))
        spans.append((account, min(moments) - back, max(moments)))
    rows = await (await driver(work.tx)).fetch(
        _LATELY, *(list(column) for column in zip(*spans, strict=True)), last["day"], last["number"]
    )
    return _by_account(rows)


def _by_account(rows: Sequence[Any]) -> dict[str, list[Use]]:
    """Uses that a rule may count: what showed pupils, what was refused, what is one too often."""
    found: defaultdict[str, list[Use]] = defaultdict(list)
    for row in rows:
        use = Use(
            account=row["account"],
            organisation=row["organisation"],
            authority=row["authority"],
            at=row["at"].astimezone(ZONE),
            outcome=row["outcome"],
            pupils=pupils_shown(row["act"], row["outcome"], row["objects"], row["count"]),
            machine=role_is_machine(row["roles"]),
        )
        if use.account and (use.pupils or use.outcome not in ("done", "repeated")):
            found[use.account].append(use)
    return dict(found)


def _lines(work: AccessWork, use: Use) -> Lines:
    return Lines.of(work.deps.policy.parameters(use.authority, work.today))


async def _raise(work: AccessWork, raised: Sequence[Raised]) -> None:
    """Write the alerts; those that are there already only count up, and nobody is told twice."""
    rows = [
        {
            "id": derived("alert", one.kind, one.account, one.window),
            "kind": one.kind,
            "account": one.account,
            "window": one.window,
            "organisation": one.organisation,
            "authority": one.authority,
            "raised_at": one.at,
            "count": one.count,
        }
        for one in raised
    ]
    known = await _known(work.tx, [str(row["id"]) for row in rows])
    await insert_rows(
        work.tx, tables.alerts, rows,
        on_conflict="(id) DO UPDATE SET count = greatest(audit_alerts.count, excluded.count)",
    )  # fmt: skip
    for one, row in zip(raised, rows, strict=True):
        if row["id"] in known:
            continue
        RAISED.labels(one.kind).inc()
        event = AlertRaised(
            alert_id=str(row["id"]),
            kind=one.kind,
            authority=one.authority,
            account=one.account,
            organisation=one.organisation,
            count=one.count,
        )
        work.emit(event, one.authority)
    if len(rows) > len(known):
        log.warning("%d alerts on unusual use", len(rows) - len(known))


async def _known(tx: AsyncConnection, ids: Sequence[str]) -> set[str]:
    rows = await (await driver(tx)).fetch("SELECT id FROM audit_alerts WHERE id = ANY($1::text[])", list(ids))
    return {row["id"] for row in rows}
