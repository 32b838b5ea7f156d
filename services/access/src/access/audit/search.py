"""Looking into the log: entries of the auditor's subtree, newest first, page by page; and its proof over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from regulation.authorisation import Reach, reach, subtree_pattern, table
from service_kit import paging
from service_kit.clock import ZONE
from service_kit.database import driver
from service_kit.organisations import names
from shared_contracts.audit import Audited, AuditEntry, AuditPage, AuditVerified, SearchAudit, VerifyAudit
from shared_contracts.decisions import Refused, refused
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit.chain import Signer, key_from_jwk
from access.audit.verifying import verify
from access.context import AccessWork

MOST_VERIFIED = 200_000
"""Entries that one question may have computed again; more is for the command line."""

_SAID = tuple(name for name in Audited.__struct_fields__)

# A record with 10,000 entries among 50,000, a third of them in the auditor's county; a page of 50, EXPLAIN ANALYZE:
#   Limit <- Nested Loop <- Index Only Scan Backward using audit_objects_pkey (151 rows, 12 buffers)
#                        <- Index Scan using audit_entries_pkey (453 buffers): 0.7 ms, and no more with ten times as many.
# An index over the arrays of ids (GIN) has no order: it would fetch all 10,000 to sort them, or walk the whole log.
_PAGE = """
SELECT {columns} FROM {source}
WHERE {conditions}
ORDER BY {key}.at DESC, {key}.day DESC, {key}.number DESC
LIMIT ${limit}
"""
_ENTRIES = "audit_entries e"
_OF_OBJECT = "audit_objects o JOIN audit_entries e ON e.day = o.day AND e.number = o.number"


async def search(work: AccessWork, query: SearchAudit) -> AuditPage | Refused:
    bound = reach(query.actor, "access.audit_entries")
    if isinstance(bound, Refused):
        return bound
    after = paging.decode(query.cursor, str, str, paging.Long)
    if isinstance(after, Refused):
        return after
    key = _position(after) if after else None
    if isinstance(key, Refused):
        return key
    for moment in (query.since, query.until):
        if moment is not None and not in_our_time(moment):
            return refused("invalid", f"时间{moment.isoformat()}不在可以查询的范围内。请填写1970年至9000年之间的时间。")
    limit = paging.size(query.limit)
    statement, values = page_statement(query, bound, key, limit + 1)
    rows = await (await driver(work.tx)).fetch(statement, *values)
    page, cursor = paging.page(rows, limit, lambda row: (row["at"].isoformat(), row["day"].isoformat(), row["number"]))
    return AuditPage(items=await _entries(work.tx, page), next_cursor=cursor)


def in_our_time(moment: datetime) -> bool:
    """What every zone can show and the database can hold."""
    return 1970 < moment.year < 9000


def _position(key: paging.Key) -> tuple[datetime, date, int] | Refused:
    try:
        at, day, number = datetime.fromisoformat(str(key[0])), date.fromisoformat(str(key[1])), int(key[2])
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    if not in_our_time(at) or at.tzinfo is None or not 0 <= number < 2**63:
        return refused("invalid", paging.NO_CURSOR)
    return at, day, number


def page_statement(
    query: SearchAudit, bound: Reach, after: tuple[datetime, date, Any] | None, limit: int
) -> tuple[str, list[Any]]:
    """The SQL of a page and its values. Only the conditions that were asked for stand in it: each has its index."""
    values: list[Any] = []

    def put(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    key = "o" if query.object_id is not None else "e"
    conditions = []
    if query.object_id is not None:
        conditions.append(f"o.object_id = {put(query.object_id)}")
    for name in ("account", "organisation", "act", "outcome"):
        if (wanted := getattr(query, name)) is not None:
            conditions.append(f"e.{name} = {put(wanted)}")
    if not bound.everything:
        pattern = subtree_pattern(bound.subtree or "")
        conditions.append(f"e.authority {'LIKE' if '%' in pattern else '='} {put(pattern)}")
    if query.since is not None:
        conditions.append(f"{key}.at >= {put(query.since)}")
    if query.until is not None:
        conditions.append(f"{key}.at <= {put(query.until)}")
    if after is not None:
        at, day, number = after
        conditions.append(f"({key}.at, {key}.day, {key}.number) < ({put(at)}, {put(day)}, {put(number)})")
    put(limit)
    statement = _PAGE.format(
        columns=", ".join(f"e.{name}" for name in (*_SAID, "day", "number", "hash")),
        source=_OF_OBJECT if key == "o" else _ENTRIES,
        conditions=" AND ".join(conditions) or "true",
        key=key,
        limit=len(values),
    )
    return statement, values


async def _entries(tx: AsyncConnection, rows: Sequence[Any]) -> tuple[AuditEntry, ...]:
    known = await names(tx, {row["organisation"] for row in rows if row["organisation"]})
    return tuple(
        AuditEntry(
            entry=Audited(**{name: _value(row[name]) for name in _SAID}),
            title=title_of(row["act"]),
            organisation_name=known.get(row["organisation"], ""),
            day=row["day"],
            number=row["number"],
            hash=row["hash"].hex(),
        )
        for row in rows
    )


def title_of(act: str) -> str:
    """The act's Chinese name, its word where the table does not know it any more."""
    row = table().get(act)
    return row.title if row else act


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(ZONE)
    return tuple(value) if isinstance(value, list) else value


_EXPECTED = """
SELECT coalesce((SELECT sum(entries) FROM audit_days WHERE day BETWEEN $1 AND $2), 0)
     + coalesce((SELECT sum(last.number) FROM (
           SELECT max(number) AS number FROM audit_entries
           WHERE day BETWEEN $1 AND $2 AND day > coalesce((SELECT max(day) FROM audit_days), '-infinity')
           GROUP BY day) AS last), 0)
"""


async def verify_audit(work: AccessWork, query: VerifyAudit) -> AuditVerified | Refused:
    bound = reach(query.actor, "access.verify_audit")
    if isinstance(bound, Refused):
        return bound
    if query.since > query.until:
        return refused("invalid", f"起始日期{query.since}晚于截止日期{query.until}。请调整日期范围。")
    connection = await driver(work.tx)
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    expected = int(await connection.fetchval(_EXPECTED, query.since, query.until))
    if expected > MOST_VERIFIED:
        return refused(
            "too_large",
            f"所选日期共有{expected}条审计记录，一次在线校验最多{MOST_VERIFIED}条。"
            "请缩小日期范围，或请运维人员运行 make audit-verify 校验全部记录。",
        )
    signer = Signer(work.deps.settings.audit_seed())
    keys = {signer.key_id: key_from_jwk(signer.jwk)}
    days = await verify(work.tx, query.since, query.until, keys, work.now)
    return AuditVerified(
        intact=not any(day.faults for day in days),
        entries=sum(day.entries for day in days),
        days=tuple(days),
        keys={"keys": [signer.jwk]},
    )
