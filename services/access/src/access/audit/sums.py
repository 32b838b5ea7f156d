"""Sums of the log by day, authority, act, outcome and purpose: written when a day is closed, read by the yearly report.

A year of a province has tens of millions of entries; its sums are read in a second. They are no part of the proof: they
can be made again from the entries.
"""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.authorisation import table
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from access.audit.policy import pupil_ids

# How many pupils an entry showed, as `policy.pupils_shown` tells it.
_SUMS = """
SELECT e.day, e.authority, e.act, e.outcome, left(e.purpose, 200) AS purpose, count(*) AS entries,
       sum(CASE WHEN a.act IS NULL OR e.count = 0 OR e.outcome NOT IN ('done', 'repeated') THEN 0
                WHEN a.listed THEN greatest(e.count - a.others, 0) ELSE 1 END) AS pupils
FROM audit_entries e LEFT JOIN unnest($1::text[], $2::boolean[], $3::integer[]) AS a (act, listed, others)
  ON a.act = e.act
WHERE {condition}
GROUP BY e.day, e.authority, e.act, e.outcome, left(e.purpose, 200)
"""
_KEEP = f"INSERT INTO audit_totals (day, authority, act, outcome, purpose, entries, pupils) {_SUMS}"

# Closed days from their sums, days that are not closed yet from their entries.
_YEAR = f"""
WITH used AS (
    SELECT day, authority, act, outcome, purpose, entries, pupils FROM audit_totals
    WHERE day BETWEEN $4 AND $5 AND authority LIKE $6
    UNION ALL {_SUMS}
)
SELECT grouping(authority, purpose, month) AS kind, act, outcome, authority, purpose, month,
       sum(entries)::bigint AS entries, sum(pupils)::bigint AS pupils
FROM (SELECT *, extract(month FROM day)::integer AS month FROM used) AS by_month
GROUP BY GROUPING SETS ((act, outcome), (act, outcome, authority), (act, outcome, purpose), (act, outcome, month))
"""  # noqa: S608
_OF_DAY = "e.day = $4"
_NOT_CLOSED = """
e.day BETWEEN $4 AND $5 AND e.authority LIKE $6
AND e.day > coalesce((SELECT max(day) FROM audit_days), '-infinity')
"""
_BY_ACT, _BY_AUTHORITY, _BY_PURPOSE, _BY_MONTH = 0b111, 0b011, 0b101, 0b110


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """`entries`: times; `pupils`: shown, each as often as shown. `key`: the authority, purpose or month it is of."""

    act: str
    outcome: str
    key: str
    entries: int
    pupils: int

    @property
    def done(self) -> bool:
        return self.outcome in ("done", "repeated")


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """The same uses, summed in four ways."""

    by_act: tuple[Sum, ...]
    by_authority: tuple[Sum, ...]
    by_purpose: tuple[Sum, ...]
    by_month: tuple[Sum, ...]


async def keep_sums(tx: AsyncConnection, day: date) -> None:
    await (await driver(tx)).execute(_KEEP.format(condition=_OF_DAY), *_shown(), day)


async def sums(tx: AsyncConnection, since: date, until: date, authorities: str) -> Sums:
    """`authorities`: an SQL LIKE pattern."""
    statement = _YEAR.format(condition=_NOT_CLOSED)
    rows = await (await driver(tx)).fetch(statement, *_shown(), since, until, authorities)

    def of(kind: int, column: str = "") -> tuple[Sum, ...]:
        return tuple(
            Sum(
                act=row["act"],
                outcome=row["outcome"],
                key=str(row[column]) if column else "",
                entries=row["entries"],
                pupils=row["pupils"],
            )
            for row in rows
            if row["kind"] == kind
        )

    return Sums(
        by_act=of(_BY_ACT),
        by_authority=of(_BY_AUTHORITY, "authority"),
        by_purpose=of(_BY_PURPOSE, "purpose"),
        by_month=of(_BY_MONTH, "month"),
    )


def _shown() -> tuple[list[str], list[bool], list[int]]:
    """Acts that show pupils, whether as a list, and how many other ids stand in an entry."""
    personal = [act for act in table().values() if act.personal]
    ids = [pupil_ids(act) for act in personal]
    return [act.word for act in personal], [listed for listed, _ in ids], [others for _, others in ids]
