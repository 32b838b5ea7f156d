"""Every statement about checks, rounds and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from shared_contracts.inspection import FindingState
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.inspection import tables as t
from registry.organisations.tables import organisations

_o, _c, _r, _f, _a = organisations.c, t.school_checks.c, t.inspection_rounds.c, t.findings.c, t.finding_acts.c


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check of one school that is not done. `counts`: records by the code of an issue, so far."""

    id: str
    school: str
    round_id: str | None
    asked_by: str
    after_id: str
    records: int
    perfect: int
    points: int
    counts: dict[str, int]


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    student_id: str
    score: int
    codes: tuple[str, ...]


# ---- checks ---------------------------------------------------------------------------------------------------------


async def ask_checks(
    tx: AsyncConnection, checks: Mapping[str, str], *, round_id: str | None, by: str, at: datetime
) -> None:
    """Checks to be done, school -> id of the check. A school that waits for one of its own already is left at that."""
    rows = [
        {"id": id_, "school": school, "round_id": round_id, "asked_by": by, "asked_at": at}
        for school, id_ in checks.items()
    ]
    await insert_rows(tx, t.school_checks, rows, on_conflict="DO NOTHING")


async def take(tx: AsyncConnection) -> Check | None:
    """The oldest check that nobody else works at, locked until the end of the transaction: a kill lets go of it."""
    row = await (await driver(tx)).fetchrow(
        """SELECT id, school, round_id, asked_by, after_id, records, perfect, points, counts::text AS counts
           FROM school_checks WHERE state = 'waiting' ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
    )
    if row is None:
        return None
    return msgspec.convert({**row, "counts": msgspec.json.decode(row["counts"])}, Check)


# One index scan on students_of_school, then key reads: 500 records in about 10 ms, whatever the province holds.
_RECORDS = """
SELECT s.id, s.birth_date, s.placement, s.document_kind, s.masked_document, s.verification, s.number_kind,
       s.registered_at, k.grade, p.form, r.correction, r.enrolled_month, j.legal_date AS updated_on
FROM students s
LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
LEFT JOIN classes k ON k.id = m.class_id
LEFT JOIN registrations r ON r.id = s.id
LEFT JOIN profiles p ON p.id = s.id
LEFT JOIN LATERAL (SELECT legal_date FROM journal WHERE student_id = s.id ORDER BY seq DESC LIMIT 1) j ON true
WHERE s.live AND
"""


async def records(tx: AsyncConnection, school: str, after: str, limit: int) -> list[asyncpg.Record]:
    return await (await driver(tx)).fetch(
        _RECORDS + "s.school = $1 AND s.id > $2 ORDER BY s.id LIMIT $3", school, after, limit
    )


async def record(tx: AsyncConnection, student_id: str) -> asyncpg.Record | None:
    return await (await driver(tx)).fetchrow(_RECORDS + "s.id = $1", student_id)


async def put_scores(tx: AsyncConnection, check: Check, scores: Sequence[Score]) -> None:
    await insert_rows(
        tx,
        t.record_quality,
        [
            {
                "student_id": one.student_id,
                "school": check.school,
                "score": one.score,
                "codes": list(one.codes),
                "check_id": check.id,
            }
            for one in scores
        ],
        on_conflict="(student_id) DO UPDATE SET school = excluded.school, score = excluded.score, "
        "codes = excluded.codes, check_id = excluded.check_id",
    )


async def progress(tx: AsyncConnection, check: Check) -> None:
    values = {name: getattr(check, name) for name in ("after_id", "records", "perfect", "points", "counts")}
    await execute(tx, sa.update(t.school_checks).where(_c.id == check.id).values(**values))


async def finish(tx: AsyncConnection, check: Check, *, own: Sequence[str], score: int, on: date) -> None:
    """Done: what was scored before and is no longer here (moved, ended) goes."""
    await execute(
        tx,
        sa.update(t.school_checks)
        .where(_c.id == check.id)
        .values(state="done", own_issues=list(own), score=score, done_on=on),
    )
    await (await driver(tx)).execute(
        "DELETE FROM record_quality WHERE school = $1 AND check_id <> $2", check.school, check.id
    )


async def class_sizes(tx: AsyncConnection, school: str) -> list[asyncpg.Record]:
    """Pupils and stage of each present class."""
    return await (await driver(tx)).fetch(
        """SELECT k.stage, count(*) AS pupils FROM classes k
           JOIN class_memberships m ON m.class_id = k.id AND m.left_on IS NULL
           WHERE k.school = $1 GROUP BY k.id, k.stage""",
        school,
    )


async def temporary(tx: AsyncConnection, school: str) -> int:
    """Pupils with a temporary number whose document the public-security service could know."""
    return int(
        await (await driver(tx)).fetchval(
            """SELECT count(*) FROM students
               WHERE school = $1 AND live AND number_kind = 'L' AND verification <> 'not_matchable'""",
            school,
        )
    )


async def quality(
    tx: AsyncConnection, condition: sa.ColumnElement[bool], code: str | None, after: tuple[int, str] | None, limit: int
) -> list[RowMapping]:
    """Records with something to mend, worst first. `condition`: which are seen, over `quality_columns`."""
    from registry.records.tables import class_memberships, classes, students  # the same metadata, no cycle

    q, s, m, k = t.record_quality.c, students.c, class_memberships.c, classes.c
    statement = (
        sa.select(q.student_id, q.score, q.codes, s.name, k.grade, k.class_no, _c.done_on, _c.asked_at)
        .select_from(
            t.record_quality.join(students, s.id == q.student_id)
            .join(t.school_checks, _c.id == q.check_id)
            .join(organisations, sa.and_(_o.code == q.school, _o.valid_to.is_(None)))
            .outerjoin(class_memberships, sa.and_(m.student_id == s.id, m.left_on.is_(None)))
            .outerjoin(classes, k.id == m.class_id)
        )
        .where(condition, q.score < 100)
    )
    if code is not None:
        statement = statement.where(q.codes.contains([code]))
    if after is not None:
        statement = statement.where(sa.tuple_(q.score, q.student_id) > sa.tuple_(*after))
    return list(await fetch_all(tx, statement.order_by(q.score, q.student_id).limit(limit)))


async def schools(
    tx: AsyncConnection, condition: sa.ColumnElement[bool], after: str | None, limit: int
) -> list[RowMapping]:
    """Schools with their last check, in code order. Plan: a page of schools, an index read of their checks each."""
    last = (
        sa.select(t.school_checks)
        .where(_c.school == _o.code, _c.state == "done")
        .order_by(_c.done_on.desc(), _c.asked_at.desc())
        .limit(1)
        .correlate(organisations)
        .lateral("last")
    )
    waits = sa.exists().where(_c.school == _o.code, _c.state == "waiting").correlate(organisations)
    found = (
        sa.select(
            _o.code, _o.name, _o.authority, last.c.records, last.c.perfect, last.c.score, last.c.counts,
            last.c.own_issues, last.c.done_on, waits.label("checking"),
        )
        .select_from(organisations.outerjoin(last, sa.true()))
        .where(_o.kind == "school", _o.valid_to.is_(None), condition)
    )  # fmt: skip
    if after is not None:
        found = found.where(_o.code > after)
    return list(await fetch_all(tx, found.order_by(_o.code).limit(limit)))


# ---- rounds ---------------------------------------------------------------------------------------------------------


async def add_round(tx: AsyncConnection, **values: Any) -> bool:
    """False where the id is taken."""
    made = await insert_rows(tx, t.inspection_rounds, [values], on_conflict="(id) DO NOTHING", returning=("id",))
    return bool(made)


async def lock_round(tx: AsyncConnection, round_id: str) -> RowMapping | None:
    return await fetch_one(tx, sa.select(t.inspection_rounds).where(_r.id == round_id).with_for_update())


async def change_round(tx: AsyncConnection, round_id: str, **values: Any) -> None:
    await execute(tx, sa.update(t.inspection_rounds).where(_r.id == round_id).values(**values, version=_r.version + 1))


async def checks_left(tx: AsyncConnection, round_id: str) -> int:
    row = await fetch_one(
        tx,
        sa.select(sa.func.count().label("n")).where(_c.round_id == round_id, _c.state == "waiting"),
    )
    return 0 if row is None else int(row["n"])


_round_checks = (
    sa.select(
        sa.func.count().label("schools"),
        sa.func.count().filter(_c.state == "done").label("checked"),
        sa.func.coalesce(sa.func.sum(_c.records), 0).label("records"),
    )
    .where(_c.round_id == _r.id)
    .correlate(t.inspection_rounds)
    .lateral("checks")
)
_round_findings = (
    sa.select(*(sa.func.count().filter(_f.state == state).label(state) for state in FindingState))
    .where(_f.round_id == _r.id)
    .correlate(t.inspection_rounds)
    .lateral("found")
)


async def rounds(
    tx: AsyncConnection, condition: sa.ColumnElement[bool], after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Newest first, each with its schools and findings in numbers."""
    statement = (
        sa.select(t.inspection_rounds, _o.name.label("authority_name"), _round_checks, _round_findings)
        .select_from(
            t.inspection_rounds.join(_round_checks, sa.true())
            .join(_round_findings, sa.true())
            .outerjoin(organisations, sa.and_(_o.code == _r.authority, _o.valid_to.is_(None)))
        )
        .where(condition)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(_r.opened_at, _r.id) < sa.tuple_(*after))
    return list(await fetch_all(tx, statement.order_by(_r.opened_at.desc(), _r.id.desc()).limit(limit)))


# ---- findings -------------------------------------------------------------------------------------------------------


async def add_findings(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Findings that are not there yet; the ids of those made."""
    made = await insert_rows(tx, t.findings, list(rows), on_conflict="DO NOTHING", returning=("id",))
    return [record["id"] for record in made]


async def lock_finding(tx: AsyncConnection, finding_id: str) -> RowMapping | None:
    return await fetch_one(tx, sa.select(t.findings).where(_f.id == finding_id).with_for_update())


async def change_finding(tx: AsyncConnection, finding_id: str, **values: Any) -> None:
    await execute(tx, sa.update(t.findings).where(_f.id == finding_id).values(**values, version=_f.version + 1))


async def system_findings(
    tx: AsyncConnection, school: str | None = None, code: str | None = None
) -> list[asyncpg.Record]:
    """What the system itself has found under Article 48 and nobody has closed, under lock; of one school, of one code."""
    return await (await driver(tx)).fetch(
        """SELECT id, school, kind, code, records FROM inspection_findings
           WHERE source = 'system' AND round_id IS NULL AND state <> 'closed'
             AND ($1::text IS NULL OR school = $1) AND ($2::text IS NULL OR code = $2) ORDER BY id FOR UPDATE""",
        school,
        code,
    )


async def note(
    tx: AsyncConnection, finding_ids: Sequence[str], act: str, *, account: str, name: str, at: datetime, text: str = ""
) -> None:
    """What was done, once a finding; the caller holds the findings locked."""
    await (await driver(tx)).execute(
        """INSERT INTO finding_acts (finding_id, seq, act, account, account_name, at, text)
           SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM finding_acts a WHERE a.finding_id = id), $2, $3, $4, $5, $6
           FROM unnest($1::text[]) AS n(id)""",
        list(finding_ids),
        act,
        account,
        name,
        at,
        text,
    )


async def acts(tx: AsyncConnection, finding_id: str) -> list[RowMapping]:
    return list(await fetch_all(tx, sa.select(t.finding_acts).where(_a.finding_id == finding_id).order_by(_a.seq)))


async def findings(
    tx: AsyncConnection,
    condition: sa.ColumnElement[bool],
    *,
    after: tuple[date, str] | None = None,
    limit: int = 1,
) -> list[RowMapping]:
    """Due first. `supervisor`: who supervises the school now (or did last)."""
    statement = (
        sa.select(t.findings, _o.name.label("school_name"), _o.authority.label("supervisor"))
        .select_from(t.findings.join(organisations, sa.and_(_o.code == _f.school, _o.valid_to.is_(None)), isouter=True))
        .where(condition)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(_f.due_on, _f.id) > sa.tuple_(*after))
    return list(await fetch_all(tx, statement.order_by(_f.due_on, _f.id).limit(limit)))


async def begin_day(tx: AsyncConnection, day: date, at: datetime) -> bool:
    """Whether nobody has looked on this day yet."""
    made = await insert_rows(
        tx, t.inspection_days, [{"day": day, "looked_at": at}], on_conflict="DO NOTHING", returning=("day",)
    )
    return bool(made)


OPEN_STATES = (FindingState.OPEN, FindingState.ANSWERED, FindingState.RETURNED)
