"""Sums of the log by day, authority, act, outcome and purpose: written when a day is closed, read by the yearly report.

A year of a province has tens of millions of entries; its sums are read in a second. They are no part of the proof: they
can be made again from the entries.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from regulation.authorisation import table
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

# How many pupils an entry showed: none when it was refused, one where several ids name the same pupil, else one an id.
_SUMS = """
SELECT e.day, e.authority, e.act, e.outcome, left(e.purpose, 200) AS purpose, count(*) AS entries,
       sum(CASE WHEN a.paths IS NULL OR e.count = 0 OR e.outcome NOT IN ('done', 'repeated') THEN 0
                WHEN e.count <= a.paths THEN 1 ELSE e.count END) AS pupils
FROM audit_entries e LEFT JOIN unnest($1::text[], $2::integer[]) AS a (act, paths) ON a.act = e.act
WHERE {condition}
GROUP BY e.day, e.authority, e.act, e.outcome, left(e.purpose, 200)
"""
_KEEP = f"INSERT INTO audit_totals (day, authority, act, outcome, purpose, entries, pupils) {_SUMS}"

# Closed days from their sums, days that are not closed yet from their entries.
_YEAR = f"""
WITH used AS (
    SELECT day, authority, act, outcome, purpose, entries, pupils FROM audit_totals
    WHERE day BETWEEN $3 AND $4 AND authority LIKE $5
    UNION ALL {_SUMS}
)
SELECT grouping(authority, purpose, month) AS kind, act, outcome, authority, purpose, month,
       sum(entries)::bigint AS entries, sum(pupils)::bigint AS pupils
FROM (SELECT *, extract(month FROM day)::integer AS month FROM used) AS by_month
GROUP BY GROUPING SETS ((act, outcome), (act, outcome, authority), (act, outcome, purpose), (act, outcome, month))
"""  # noqa: S608
_OF_DAY = "e.day = $3"
_NOT_CLOSED = """
e.day BETWEEN $3 AND $4 AND e.authority LIKE $5
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
    await (await driver(tx)).execute(_KEEP.format(condition=_OF_DAY), *_paths(), day)


async def sums(tx: AsyncConnection, since: date, until: date, authorities: str) -> Sums:
    """`authorities`: an SQL LIKE pattern."""
    statement = _YEAR.format(condition=_NOT_CLOSED)
    rows = await (await driver(tx)).fetch(statement, *_paths(), since, until, authorities)

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


def _paths() -> tuple[list[str], list[int]]:
    """Acts that show pupils, and by how many ids one look names its pupil."""
    personal: list[Any] = [act for act in table().values() if act.personal]
    return [act.word for act in personal], [len(act.objects) for act in personal]
