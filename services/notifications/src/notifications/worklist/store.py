"""Every statement about rows that wait: what is told about work, an account's pages and counts, reminders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import asyncpg
import msgspec
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.cases import CaseStands
from shared_contracts.cases import Work as Told
from shared_contracts.discreet import Discreet
from shared_contracts.worklist import Queue
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.worklist.policy import SUPERVISES

Position = tuple[str, str]
"""Where a page ended: the last day (ISO) and the id of its last row."""

# ---- what is told ---------------------------------------------------------------------------------------------------

_NEWER = """
INSERT INTO works AS w (id, version)
SELECT id, version FROM unnest($1::text[], $2::bigint[]) AS n(id, version) ORDER BY id
ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE w.version < excluded.version
RETURNING id
"""
# A line of many that is told again under its name has stood so since it was told first. Sent after the works are locked, by
# itself: whoever has waited for them sees the lines that were told meanwhile.
_STAND = """
WITH gone AS (DELETE FROM tasks WHERE work_id = ANY($1::text[]) AND id <> ALL($2::text[]))
INSERT INTO tasks AS t (id, work_id, version, kind, kind_title, number, subject, link, status, step, step_title,
                        organisation, roles, not_accounts, only_accounts, classes, count, since, due_on, sort_on,
                        provisional, superior)
SELECT id, work_id, version, kind, kind_title, number, subject, link, status, step, step_title, organisation, roles,
       not_accounts, only_accounts, classes, count, since, due_on, coalesce(due_on, '9000-01-01'), provisional, superior
FROM jsonb_to_recordset($3::text::jsonb) AS n(
    id text, work_id text, version bigint, kind text, kind_title text, number text, subject text, link text, status text,
    step text, step_title text, organisation text, roles text[], not_accounts text[], only_accounts text[],
    classes text[], count integer,
    since timestamptz, due_on date, provisional boolean, superior text)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    work_id = excluded.work_id, version = excluded.version, kind = excluded.kind, kind_title = excluded.kind_title,
    number = excluded.number, subject = excluded.subject, link = excluded.link, status = excluded.status,
    step = excluded.step, step_title = excluded.step_title, organisation = excluded.organisation, roles = excluded.roles,
    not_accounts = excluded.not_accounts, only_accounts = excluded.only_accounts, classes = excluded.classes,
    count = excluded.count,
    since = CASE WHEN excluded.id <> excluded.work_id AND t.step = excluded.step AND t.status = excluded.status
                 THEN least(t.since, excluded.since) ELSE excluded.since END,
    due_on = excluded.due_on, sort_on = excluded.sort_on, provisional = excluded.provisional, superior = excluded.superior
"""


def of_case(case: CaseStands) -> Told:
    """A case by itself is a piece of work of one line."""
    return Told(id=case.case_id, version=case.version, lines=(case,))


async def take(tx: AsyncConnection, told: Sequence[Told]) -> None:
    """Where works stand now: what is not newer than what is known is passed over, what nobody has to do leaves. Two
    statements, however many works; in any order and any number of times, with the same result."""
    newest: dict[str, Told] = {}
    for one in sorted(told, key=lambda one: (one.id, one.version)):
        newest[one.id] = one
    connection = await driver(tx)
    rows = await connection.fetch(_NEWER, list(newest), [one.version for one in newest.values()])
    fresh = sorted(row["id"] for row in rows)
    if not fresh:
        return
    lines = [_row(id_, newest[id_].version, line) for id_ in fresh for line in newest[id_].lines if _waits(line)]
    await connection.execute(_STAND, fresh, [line["id"] for line in lines], msgspec.json.encode(lines).decode())


def _waits(line: CaseStands) -> bool:
    """Whether anybody can act on it: also on what everybody has approved and could not be carried out."""
    return bool(line.organisation and line.roles and line.count > 0)


def _row(work_id: str, version: int, line: CaseStands) -> dict[str, Any]:
    return {
        "id": line.case_id,
        "work_id": work_id,
        "version": version,
        "kind": line.kind,
        "kind_title": line.kind_title,
        "number": line.number,
        "subject": line.subject,
        "link": line.link,
        "status": "returned" if line.status == "returned" else "open",
        "step": line.step or "",
        "step_title": line.step_title,
        "organisation": line.organisation,
        "roles": [str(role) for role in line.roles],
        "not_accounts": list(line.not_accounts),
        "only_accounts": list(line.only_accounts),
        "classes": list(line.classes),
        "count": line.count,
        "since": line.since,
        "due_on": line.due_on,
        "provisional": line.provisional,
        "superior": line.superior,
    }


# ---- an account's rows ----------------------------------------------------------------------------------------------


class Who(NamedTuple):
    """An account as the statements ask for it. `supervises`: the authority whose overdue rows below it sees, or empty."""

    organisation: str
    roles: list[str]
    account: str
    classes: list[str]
    supervises: str

    @classmethod
    def of(cls, actor: Actor) -> Who:
        roles = sorted({str(role) for role in actor.roles if role is not Role.CLASS_TEACHER})
        supervises = actor.organisation if actor.has(*SUPERVISES) else ""
        classes = sorted(actor.classes) if actor.has(Role.CLASS_TEACHER) else []
        teaches = [str(Role.CLASS_TEACHER)] if actor.has(Role.CLASS_TEACHER) else []
        return cls(actor.organisation, roles + teaches, actor.account, classes, supervises)


# $1 organisation, $2 roles, $3 account, $4 classes, $5 the authority that supervises, $6 today.
# Whoever acts as a class teacher acts on own classes; any other role of the row does as well.
_ACTS = """
t.organisation = $1 AND NOT $3 = ANY(t.not_accounts) AND (t.only_accounts = '{}' OR $3 = ANY(t.only_accounts))
AND (t.roles && array_remove($2::text[], 'class_teacher')
     OR ('class_teacher' = ANY($2::text[]) AND 'class_teacher' = ANY(t.roles)
         AND (t.classes = '{}' OR t.classes && $4::text[])))
"""
_BELOW = f"""
$5 <> '' AND t.superior = $5 AND t.status = 'open' AND t.due_on IS NOT NULL AND t.sort_on < $6 AND NOT ({_ACTS})
"""
_QUEUE = """
CASE WHEN t.status = 'returned' THEN 'returned' WHEN t.sort_on < $6 THEN 'overdue' ELSE 'review' END
"""
_SHOWN = """
t.id, t.kind, t.kind_title, t.number, t.subject, t.link, t.status, t.step, t.step_title, t.organisation, t.count, t.since,
t.due_on, t.sort_on, t.provisional
"""
_FILTERS = """
AND ($7::text IS NULL OR t.kind = $7) AND ($8::date IS NULL OR t.sort_on <= $8)
AND ($9::text = '' OR strpos(t.number, $9) > 0 OR strpos(t.subject, $9) > 0)
AND (t.sort_on, t.id) > ($10::date, $11::text)
"""

# Two walks down an index, each stopped after a page:
#   Limit <- Sort <- Append <- (Limit <- Index Scan using tasks_acting) (Limit <- Index Scan using tasks_below)
_PAGE = f"""
SELECT * FROM (
    (SELECT {_SHOWN}, {_QUEUE} AS queue FROM tasks t
     WHERE $12::text IS DISTINCT FROM 'supervise' AND {_ACTS} {_FILTERS} AND ($12::text IS NULL OR $12::text = {_QUEUE})
     ORDER BY t.sort_on, t.id LIMIT $13)
    UNION ALL
    (SELECT {_SHOWN}, 'supervise' FROM tasks t
     WHERE coalesce($12::text, 'supervise') = 'supervise' AND {_BELOW} {_FILTERS}
     ORDER BY t.sort_on, t.id LIMIT $13)
) AS page
ORDER BY sort_on, id LIMIT $13
"""  # noqa: S608 - our own text


class Wanted(Discreet, msgspec.Struct, frozen=True):
    """What an account looks for. `due_until`: a last day at most; `after`: where the page before ended."""

    queue: Queue | None
    kind: str | None
    due_until: date | None
    text: str
    after: Position | None


async def page(tx: AsyncConnection, who: Who, today: date, wanted: Wanted, limit: int) -> list[asyncpg.Record]:
    """In the order of last days."""
    day, id_ = wanted.after or ("0001-01-01", "")
    return await (await driver(tx)).fetch(
        _PAGE,
        *who,
        today,
        wanted.kind,
        wanted.due_until,
        wanted.text,
        date.fromisoformat(day),
        id_,
        wanted.queue,
        limit,
    )


# Read off the indexes' rows once, whatever the number of queues and kinds.
_COUNTS = f"""
SELECT queue, kind, max(kind_title) AS kind_title, count(*) AS rows, sum(count)::bigint AS count,
       count(*) FILTER (WHERE sort_on BETWEEN $6 AND $7) AS soon
FROM (
    SELECT {_QUEUE} AS queue, t.kind, t.kind_title, t.count, t.sort_on FROM tasks t WHERE {_ACTS}
    UNION ALL
    SELECT 'supervise', t.kind, t.kind_title, t.count, t.sort_on FROM tasks t WHERE {_BELOW}
) AS mine
GROUP BY queue, kind ORDER BY queue, kind
"""  # noqa: S608 - our own text


async def counts(tx: AsyncConnection, who: Who, today: date, soon: date) -> list[asyncpg.Record]:
    return await (await driver(tx)).fetch(_COUNTS, *who, today, soon)


# ---- reminders --------------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    """A row that may have come to a mark. `said`: marks that it has been reminded of as it stands, or with this very last
    day: what is told anew without another one (a day's repeat, a calendar that only confirms it) is no reason to say it
    again, a last day that has moved is."""

    id: str
    version: int
    kind: str
    kind_title: str
    step_title: str
    organisation: str
    roles: tuple[str, ...]
    due_on: date
    superior: str
    said: tuple[str, ...]


# In pages by id, so that a thousand overdue rows are not locked at once. Those that have said all they had to say are
# left out: Index Scan using tasks_due, Index Only Scan using reminders_pkey.
_DUE = """
SELECT t.id, t.version, t.kind, t.kind_title, t.step_title, t.organisation, t.roles, t.due_on, t.superior,
       array(SELECT DISTINCT r.mark FROM reminders r
             WHERE r.task_id = t.id AND (r.version = t.version OR r.due_on = t.due_on)) AS said
FROM tasks t
WHERE t.status = 'open' AND t.due_on IS NOT NULL AND t.due_on <= $1 AND (t.due_on, t.id) > ($2::date, $3::text)
  AND NOT EXISTS (
      SELECT 1 FROM reminders r
      WHERE r.task_id = t.id AND (r.version = t.version OR r.due_on = t.due_on) AND r.mark = 'overdue')
ORDER BY t.due_on, t.id LIMIT $4
FOR UPDATE OF t SKIP LOCKED
"""


async def due(tx: AsyncConnection, until: date, after: tuple[date, str], limit: int) -> list[Due]:
    """Rows with a last day up to `until`, in its order, locked: two copies of the service never remind of one."""
    rows = await (await driver(tx)).fetch(_DUE, until, *after, limit)
    return [Due(**{**row, "roles": tuple(row["roles"]), "said": tuple(row["said"])}) for row in rows]


_SAID = """
INSERT INTO reminders (task_id, version, mark, due_on, said_on)
SELECT task_id, version, mark, due_on, $5 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::date[])
    AS n(task_id, version, mark, due_on)
ON CONFLICT DO NOTHING RETURNING task_id, mark
"""


async def said(tx: AsyncConnection, marked: Sequence[tuple[Due, str]], today: date) -> set[tuple[str, str]]:
    """Write down what is said; which (row, mark) of it was not said yet. Another copy may have said the rest after these
    rows were read and before they were locked."""
    rows = await (await driver(tx)).fetch(
        _SAID,
        [one.id for one, _ in marked],
        [one.version for one, _ in marked],
        [mark for _, mark in marked],
        [one.due_on for one, _ in marked],
        today,
    )
    return {(row["task_id"], row["mark"]) for row in rows}
