"""What the yearly report is made of: numbers out of the log, the accounts, the exports, the alerts and the signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from casework.tables import CaseTables
from regulation.authorisation import subtree_pattern
from service_kit.clock import ZONE
from service_kit.database import driver, fetch_all
from service_kit.organisations import names
from shared_contracts.discreet import Discreet
from shared_contracts.exports import ExportRequest
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit import store
from access.audit.sums import Sums, sums
from access.audit.verifying import Keys, signature_faults, verify
from access.exports.tables import CASES, exports

MOST_COMPUTED = 200_000
"""Entries of a year that are computed again while the report is made; with more, the signatures alone are checked."""
MOST_LISTED = 200
"""Exports and incidents that are listed one by one."""


class RoleCount(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts of a role today. `used`: that signed in since the year began; `second_factor`: that have one."""

    role: str
    accounts: int
    sealed: int
    second_factor: int
    used: int


class ExportLine(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    organisation_name: str
    requested_on: date
    status: str
    request: ExportRequest
    rows: int
    made: bool
    downloaded_on: date | None


class AlertCount(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    raised: int
    handled: int
    incidents: int


class IncidentLine(msgspec.Struct, frozen=True, kw_only=True):
    happened_on: date
    organisation: str
    title: str
    measures: str


class LogState(msgspec.Struct, frozen=True, kw_only=True):
    """The log of the year, all authorities'. `computed`: every entry's hash was computed again, not only signatures."""

    days: int
    signed: int
    entries: int
    computed: bool
    faults: tuple[str, ...]
    last_root: str
    last_day: date | None


class Figures(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """All that stands in the report of one authority's subtree. `until`: the last day it covers."""

    authority: str
    year: int
    since: date
    until: date
    made_at: datetime
    names: dict[str, str]
    sums: Sums
    roles: tuple[RoleCount, ...]
    exports: tuple[ExportLine, ...]
    alerts: tuple[AlertCount, ...]
    incidents: tuple[IncidentLine, ...]
    log: LogState


async def gather(tx: AsyncConnection, authority: str, year: int, now: datetime, keys: Keys) -> Figures:
    """Run it in a REPEATABLE READ transaction: all numbers are of one moment."""
    since, until = date(year, 1, 1), min(date(year, 12, 31), now.date())
    span = (_midnight(since), _midnight(until + timedelta(days=1)))
    pattern = subtree_pattern(authority)
    summed = await sums(tx, since, until, pattern)
    incidents = await _incidents(tx, pattern, since, until)
    codes = {one.key for one in summed.by_authority} | {one.organisation for one in incidents} | {authority}
    return Figures(
        authority=authority,
        year=year,
        since=since,
        until=until,
        made_at=now,
        names=await names(tx, codes),
        sums=summed,
        roles=await _roles(tx, pattern, span[0]),
        exports=await _exports(tx, pattern, span),
        alerts=await _alerts(tx, pattern, span),
        incidents=incidents,
        log=await _log(tx, since, until, now, keys),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZONE)


_ROLES = """
SELECT role, count(*) AS accounts, count(*) FILTER (WHERE a.seal IS NOT NULL) AS sealed,
       count(*) FILTER (WHERE a.totp_seed IS NOT NULL) AS second_factor,
       count(*) FILTER (WHERE a.last_sign_in_at >= $2) AS used
FROM accounts a LEFT JOIN organisation_replica o ON o.code = a.organisation CROSS JOIN unnest(a.roles) AS role
WHERE CASE WHEN length(a.organisation) = 10 THEN o.authority ELSE a.organisation END LIKE $1
GROUP BY role ORDER BY accounts DESC, role
"""
_ALERTS = """
SELECT a.kind, count(*) AS raised, count(a.handled_at) AS handled, count(i.id) AS incidents
FROM audit_alerts a LEFT JOIN audit_incidents i ON i.alert_id = a.id
WHERE a.authority LIKE $1 AND a.raised_at >= $2 AND a.raised_at < $3
GROUP BY a.kind ORDER BY raised DESC, a.kind
"""
_INCIDENTS = """
SELECT happened_on, organisation, title, measures FROM audit_incidents
WHERE authority LIKE $1 AND happened_on BETWEEN $2 AND $3 ORDER BY happened_on, id LIMIT $4
"""


async def _roles(tx: AsyncConnection, pattern: str, since: datetime) -> tuple[RoleCount, ...]:
    return await _lines(tx, RoleCount, _ROLES, pattern, since)


async def _alerts(tx: AsyncConnection, pattern: str, span: tuple[datetime, datetime]) -> tuple[AlertCount, ...]:
    return await _lines(tx, AlertCount, _ALERTS, pattern, *span)


async def _incidents(tx: AsyncConnection, pattern: str, since: date, until: date) -> tuple[IncidentLine, ...]:
    return await _lines(tx, IncidentLine, _INCIDENTS, pattern, since, until, MOST_LISTED)


async def _lines(tx: AsyncConnection, kind: type[Any], statement: str, *values: Any) -> tuple[Any, ...]:
    return tuple(kind(**dict(row)) for row in await (await driver(tx)).fetch(statement, *values))


async def _exports(
    tx: AsyncConnection, pattern: str, span: tuple[datetime, datetime], cases: CaseTables = CASES
) -> tuple[ExportLine, ...]:
    t, c = exports.c, cases.cases.c
    statement = (
        sa.select(t.number, t.organisation_name, t.created_at, t.request, t.rows, t.made_at, t.downloaded_at, c.status)
        .join(cases.cases, c.id == t.id)
        .where(t.authority.like(pattern), t.created_at >= span[0], t.created_at < span[1])
        .order_by(t.created_at, t.id)
        .limit(MOST_LISTED)
    )
    return tuple(
        ExportLine(
            number=row["number"],
            organisation_name=row["organisation_name"],
            requested_on=row["created_at"].astimezone(ZONE).date(),
            status=row["status"],
            request=msgspec.convert(row["request"], ExportRequest),
            rows=row["rows"],
            made=row["made_at"] is not None,
            downloaded_on=row["downloaded_at"].astimezone(ZONE).date() if row["downloaded_at"] else None,
        )
        for row in await fetch_all(tx, statement)
    )


_NUMBERS = """
SELECT coalesce(sum(number), 0)::bigint FROM (
    SELECT max(number) AS number FROM audit_entries WHERE day BETWEEN $1 AND $2 GROUP BY day) AS days
"""


async def _log(tx: AsyncConnection, since: date, until: date, now: datetime, keys: Keys) -> LogState:
    signed = await store.signed_days(tx)
    own = [one for one in signed if since <= one.day <= until]
    open_since = max(since, signed[-1].day + timedelta(days=1)) if signed else since
    unsigned = int(await (await driver(tx)).fetchval(_NUMBERS, open_since, until))
    entries = sum(one.entries for one in own) + unsigned
    computed = entries <= MOST_COMPUTED
    if computed:
        days = await verify(tx, since, until, keys, now)
        faults: Sequence[str] = [f"{day.day}：{fault}" for day in days for fault in day.faults]
        number = len(days)
    else:
        wrong = signature_faults(signed, keys)
        faults = [f"{one.day}：{fault}" for one in own for fault in wrong[one.day]]
        number = (until - max(since, signed[0].day)).days + 1 if signed else 0
    return LogState(
        days=number,
        signed=len(own),
        entries=entries,
        computed=computed,
        faults=tuple(faults),
        last_root=own[-1].root.hex() if own else "",
        last_day=own[-1].day if own else None,
    )
