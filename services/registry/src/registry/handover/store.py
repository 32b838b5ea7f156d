"""Every statement about handovers. Whoever changes one locks it first, in the order of the ids; students come before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import sqlalchemy as sa
from service_kit.database import driver, fetch_all, insert_rows
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.handover import tables as t
from registry.organisations.tables import organisations
from registry.records.tables import students

_h, _p, _s = t.handovers.c, t.passings.c, students.c
FROM, TO = organisations.alias("from_school"), organisations.alias("to_school")
_OPEN = sa.and_(_p.handover_id == _h.id, sa.not_(_p.overtaken))


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .select_from(t.passings)
        .where(_OPEN, *conditions)
        .correlate(t.handovers)
        .scalar_subquery()
    )


async def handovers(
    tx: AsyncConnection,
    condition: sa.ColumnElement[bool],
    *,
    after: tuple[date, str] | None = None,
    limit: int = 1,
) -> list[RowMapping]:
    """Due first, with both schools as they are now and counts. A page's rows alone are counted."""
    page = sa.select(t.handovers, FROM.c.name.label("from_name"), FROM.c.authority.label("from_authority"))
    statement = (
        page.add_columns(
            TO.c.name.label("to_name"),
            TO.c.authority.label("to_authority"),
            _count().label("pupils"),
            _count(_p.handed_on.is_not(None)).label("handed"),
            _count(_p.received_on.is_not(None)).label("received"),
        )
        .select_from(
            t.handovers.join(
                FROM, sa.and_(FROM.c.code == _h.from_school, FROM.c.valid_to.is_(None)), isouter=True
            ).join(TO, sa.and_(TO.c.code == _h.to_school, TO.c.valid_to.is_(None)), isouter=True)
        )
        .where(condition)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(_h.due_on, _h.id) > sa.tuple_(*after))
    return list(await fetch_all(tx, statement.order_by(_h.due_on, _h.id).limit(limit)))


async def lock(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    rows = await (await driver(tx)).fetch(
        "SELECT * FROM archive_handovers WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", list(ids)
    )
    return {row["id"]: row for row in rows}


async def lock_owed_by(tx: AsyncConnection, schools: Sequence[str]) -> list[str]:
    """What these schools owe others still, under lock."""
    rows = await (await driver(tx)).fetch(
        """SELECT id FROM archive_handovers
           WHERE from_school = ANY($1::text[]) AND state <> 'done' ORDER BY id FOR UPDATE""",
        list(schools),
    )
    return [row["id"] for row in rows]


async def archives(
    tx: AsyncConnection, handover_id: str, *, after: tuple[str, str] | None = None, limit: int
) -> list[RowMapping]:
    """By name."""
    statement = (
        sa.select(t.passings, _s.name, _s.student_number)
        .select_from(t.passings.join(students, _s.id == _p.student_id))
        .where(_p.handover_id == handover_id, sa.not_(_p.overtaken))
    )
    if after is not None:
        statement = statement.where(sa.tuple_(_s.name, _p.student_id) > sa.tuple_(*after))
    return list(await fetch_all(tx, statement.order_by(_s.name, _p.student_id).limit(limit)))


async def of_handover(tx: AsyncConnection, handover_id: str) -> dict[str, asyncpg.Record]:
    """All archives of a handover by student: narrow rows, some thousands at most."""
    rows = await (await driver(tx)).fetch(
        """SELECT student_id, handed_on, received_on FROM archive_passings
           WHERE handover_id = $1 AND NOT overtaken""",
        handover_id,
    )
    return {row["student_id"]: row for row in rows}


async def hand_over(
    tx: AsyncConnection,
    handover_id: str,
    ids: Sequence[str],
    *,
    on: date,
    way: str,
    carried_by: str,
    name: str,
    account: str,
) -> None:
    await (await driver(tx)).execute(
        """UPDATE archive_passings SET handed_on = $3, way = $4, carried_by = $5, handed_by = $6, handed_account = $7
           WHERE handover_id = $1 AND student_id = ANY($2::text[]) AND NOT overtaken AND handed_on IS NULL
             AND received_on IS NULL""",
        handover_id, list(ids), on, way, carried_by, name, account,
    )  # fmt: skip


async def receive(
    tx: AsyncConnection, handover_id: str, ids: Sequence[str], *, on: date, name: str, account: str
) -> None:
    await (await driver(tx)).execute(
        """UPDATE archive_passings SET received_on = $3, received_by = $4, received_account = $5
           WHERE handover_id = $1 AND student_id = ANY($2::text[]) AND NOT overtaken AND received_on IS NULL""",
        handover_id, list(ids), on, name, account,
    )  # fmt: skip


async def settle(tx: AsyncConnection, ids: Sequence[str]) -> None:
    """Whose turn it is now; as `policy.state_of` says it. The handovers are locked."""
    await (await driver(tx)).execute(
        """UPDATE archive_handovers h SET state = CASE
               WHEN n.unreceived = 0 THEN 'done' WHEN n.unhanded > 0 AND n.old_school THEN 'to_hand_over'
               ELSE 'to_receive' END
           FROM (SELECT x.id,
                        count(p.student_id) FILTER (WHERE p.received_on IS NULL) AS unreceived,
                        count(p.student_id) FILTER (WHERE p.received_on IS NULL AND p.handed_on IS NULL) AS unhanded,
                        EXISTS (SELECT FROM organisations o WHERE o.code = x.from_school AND o.valid_to IS NULL)
                            AS old_school
                 FROM archive_handovers x LEFT JOIN archive_passings p ON p.handover_id = x.id AND NOT p.overtaken
                 WHERE x.id = ANY($1::text[]) GROUP BY x.id, x.from_school) n
           WHERE h.id = n.id""",
        list(ids),
    )


# ---- records that leave -------------------------------------------------------------------------------------------------


async def still_there(tx: AsyncConnection, students: Sequence[str]) -> list[asyncpg.Record]:
    """Handovers that were owed of these students and have not begun: the paper lies where it lay."""
    return await (await driver(tx)).fetch(
        """SELECT p.student_id, p.handover_id, h.from_school
           FROM archive_passings p JOIN archive_handovers h ON h.id = p.handover_id
           WHERE p.student_id = ANY($1::text[]) AND NOT p.overtaken AND p.handed_on IS NULL AND p.received_on IS NULL""",
        list(students),
    )


async def overtake(tx: AsyncConnection, students: Sequence[str]) -> None:
    await (await driver(tx)).execute(
        """UPDATE archive_passings SET overtaken = true
           WHERE student_id = ANY($1::text[]) AND NOT overtaken AND handed_on IS NULL AND received_on IS NULL""",
        list(students),
    )


async def put(
    tx: AsyncConnection, opened: Sequence[Mapping[str, Any]], passing: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    """Handovers that are not there yet, and the archives that belong to them."""
    rows = sorted(({**one, "opened_at": at, "state": "to_hand_over"} for one in opened), key=lambda row: str(row["id"]))
    await insert_rows(tx, t.handovers, rows, on_conflict="DO NOTHING")
    await insert_rows(tx, t.passings, list(passing), on_conflict="DO NOTHING")


# Index Scan using archive_handovers_due: only what is not done is in it.
_OVERDUE = """
SELECT h.from_school AS school, count(*) AS pupils FROM archive_handovers h
JOIN archive_passings p ON p.handover_id = h.id AND NOT p.overtaken AND p.received_on IS NULL
WHERE h.state <> 'done' AND h.due_on < $1 GROUP BY h.from_school
"""


async def overdue(tx: AsyncConnection, today: date) -> dict[str, int]:
    """Archives that nobody has confirmed in time, by the school that owes them."""
    rows = await (await driver(tx)).fetch(_OVERDUE, today)
    return {row["school"]: row["pupils"] for row in rows}
