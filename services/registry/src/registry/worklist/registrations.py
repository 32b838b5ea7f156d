"""Registrations as work: a roster is one piece of work, with a line for each step and class that somebody has to look at."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from casework.state import Standing
from casework.turns import turn
from service_kit.database import driver
from shared_contracts.cases import CaseStands
from shared_contracts.registry import Step
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.registration.chain import chain
from registry.worklist.authorities import superior

# Grouped by the server: thousands of registrations are a few dozen rows here. Both halves walk an index:
#   HashAggregate <- Append <- (Nested Loop <- Index Scan using registrations_of_roster, cases_pkey)
#                              (Nested Loop <- Index Scan using registrations_pkey, cases_pkey)
_STANDS = """
SELECT open.*, coalesce(o.name, open.school) AS school_name FROM (
SELECT work, roster_id, school, authority, decider, grade, class_no, entered_by, status, step, due_on, provisional,
       deciders, count(*) AS number
FROM (
    SELECT r.roster_id AS work, r.roster_id, r.school, r.authority, c.parties ->> 'authority' AS decider, r.grade,
           r.class_no, c.entered_by, c.status, c.step, c.due_on, c.provisional, c.deciders::text AS deciders
    FROM registrations r JOIN cases c ON c.id = r.id
    WHERE r.roster_id = ANY($1::text[]) AND c.status IN ('open', 'returned') AND NOT r.closed
    UNION ALL
    SELECT r.id, NULL, r.school, r.authority, c.parties ->> 'authority', r.grade, r.class_no, c.entered_by, c.status,
           c.step, c.due_on, c.provisional, c.deciders::text
    FROM registrations r JOIN cases c ON c.id = r.id
    WHERE r.id = ANY($1::text[]) AND r.roster_id IS NULL AND c.status IN ('open', 'returned') AND NOT r.closed
) AS each
GROUP BY work, roster_id, school, authority, decider, grade, class_no, entered_by, status, step, due_on, provisional,
         deciders
) AS open LEFT JOIN organisations o ON o.code = open.school AND o.valid_to IS NULL
"""
OPEN = """
SELECT DISTINCT coalesce(r.roster_id, r.id) AS id FROM registrations r JOIN cases c ON c.id = r.id
WHERE c.kind = 'registration' AND c.status IN ('open', 'returned') AND NOT r.closed
"""
_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


async def lines(tx: AsyncConnection, ids: Sequence[str], now: datetime) -> dict[str, tuple[CaseStands, ...]]:
    """The lines of each roster, or of each registration that was entered by itself; one without any is left out."""
    rows = await (await driver(tx)).fetch(_STANDS, list(ids))
    found: dict[str, Counter[CaseStands]] = {}
    for row in rows:
        if (line := _line(row, now)) is not None:
            found.setdefault(row["work"], Counter())[line] += row["number"]
    return {
        work: tuple(msgspec.structs.replace(line, count=number) for line, number in sorted(counted.items(), key=_place))
        for work, counted in found.items()
    }


def _place(item: tuple[CaseStands, int]) -> str:
    return item[0].case_id


def _line(row: asyncpg.Record, now: datetime) -> CaseStands | None:
    standing = Standing(status=row["status"], step=row["step"], deciders=_pairs(row["deciders"]))
    kind = chain(1)  # whose turn it is does not depend on the days
    whose = turn(kind, standing, {"school": row["school"], "authority": row["decider"]}, row["entered_by"])
    if whose is None:
        return None
    # Whoever looks at the pupils of a class, looks class by class; to everybody else a roster is one thing.
    by_class = whose.step == Step.CLASS_TEACHER
    grade, class_no = row["grade"], row["class_no"]
    school = row["school_name"]
    alike: dict[str, Any] = {
        "status": row["status"],
        "step": whose.step,
        "organisation": whose.organisation,
        "roles": whose.roles,
        "not_accounts": whose.not_accounts,
        "due_on": row["due_on"],
        "classes": (str(grade), f"{grade}-{class_no:02d}") if by_class else (),
    }
    link = f"/v1/rosters/{row['roster_id']}" if row["roster_id"] else f"/v1/registrations/{row['work']}"
    return CaseStands(
        case_id=f"registrations:{row['work']}:{_digest(alike)}",
        kind="registration",
        kind_title=kind.title,
        number="",
        subject=f"{school}{f'{grade}年级{class_no}班' if by_class else ''}{'名册建籍' if row['roster_id'] else '建籍'}",
        link=link,
        version=0,
        since=now,
        step_title=whose.title,
        provisional=row["provisional"],
        superior=superior(whose.organisation, row["decider"]),
        **alike,
    )


def _digest(alike: Mapping[str, Any]) -> str:
    """What stands alike is one line, told again under the same name."""
    return hashlib.sha256(msgspec.json.encode(alike)).hexdigest()[:16]
