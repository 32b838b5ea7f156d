"""Every statement about admissions. Locks: organisations, plans, children, admissions, counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.admission.tables import admissions as t
from registry.enrolment.children.tables import children as c
from registry.registration.tables import registrations as r

HANDED_IN = "r.person_id = a.person_id AND r.school = a.school AND r.school_year = a.school_year AND NOT r.closed"
"""The registration `r` that came of an admission `a`: the same child at the same school in the same year. By the index
registrations_one_a_person; whether it names the admission is the registration gate's affair."""


def _of_admission() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        r.c.person_id == t.c.person_id,
        r.c.school == t.c.school,
        r.c.school_year == t.c.school_year,
        ~r.c.closed,
    )


_REGISTRATION = sa.select(r.c.id).where(*_of_admission()).correlate(t).scalar_subquery().label("registration_id")
_SHOWN = sa.select(t, c.c.name, c.c.sex, c.c.birth_date, c.c.masked_document, _REGISTRATION).join_from(
    t, c, c.c.id == t.c.child_id
)


class New(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An admission to be made. `street`: of the zone; `reason`: of a placement by hand."""

    id: str
    child_id: str
    person_id: str
    county: str
    school: str
    authority: str
    school_year: int
    stage: str
    way: str
    decided_by: str
    account: str
    admitted_on: date
    report_to: date
    street: str = ""
    reason: str = ""


async def put(tx: AsyncConnection, new: Sequence[New]) -> set[str]:
    """Returns the children who have a place now and had none. Whoever holds an open one keeps it."""
    if not new:
        return set()
    numbers = await _notice_numbers(tx, new)
    made = await insert_rows(
        tx,
        t,
        [
            msgspec.structs.asdict(one) | {"notice_number": number, "report_from": one.admitted_on}
            for one, number in zip(new, numbers, strict=True)
        ],
        on_conflict="(person_id, stage) WHERE state = 'open' DO NOTHING",
        returning=("child_id",),
    )
    return {row["child_id"] for row in made}


async def _notice_numbers(tx: AsyncConnection, new: Sequence[New]) -> list[str]:
    """County, school year and a running number: 2301022026000123. A number that is not used in the end is lost."""
    county, year = new[0].county, new[0].school_year
    last: int = await (await driver(tx)).fetchval(
        """INSERT INTO admission_counters (division, school_year, used) VALUES ($1, $2, $3)
           ON CONFLICT (division, school_year) DO UPDATE SET used = admission_counters.used + EXCLUDED.used
           RETURNING used""",
        county,
        year,
        len(new),
    )
    return [f"{county}{year}{number:06}" for number in range(last - len(new) + 1, last + 1)]


async def get(tx: AsyncConnection, admission_id: str) -> RowMapping | None:
    """With the child's name, birth date and masked number."""
    return await fetch_one(tx, _SHOWN.where(t.c.id == admission_id))


async def lock(tx: AsyncConnection, ids: Sequence[str]) -> list[RowMapping]:
    """Admissions in the order of their ids, until the end of the transaction."""
    query = sa.select(t).where(t.c.id.in_(sorted(set(ids)))).order_by(t.c.id).with_for_update()
    return list(await fetch_all(tx, query))


async def change(tx: AsyncConnection, ids: Sequence[str], **values: Any) -> None:
    await tx.execute(sa.update(t).where(t.c.id.in_(list(ids))).values(**values, version=t.c.version + 1))


async def page(
    tx: AsyncConnection,
    scope: sa.ColumnElement[bool],
    *conditions: sa.ColumnElement[bool],
    after: str | None,
    limit: int,
) -> list[RowMapping]:
    query = _SHOWN.where(scope, *conditions)
    if after is not None:
        query = query.where(t.c.id > after)
    return list(await fetch_all(tx, query.order_by(t.c.id).limit(limit)))


def named(name: str) -> sa.ColumnElement[bool]:
    return c.c.name == name


def handed_in() -> sa.ColumnElement[bool]:
    """A registration that is not closed came of it."""
    return sa.exists(sa.select(sa.literal(1)).where(*_of_admission()).correlate(t))


async def reporting_days(tx: AsyncConnection, before: date) -> list[date]:
    """Days on which children reported whose record is not handed in, up to a day: a few dozen a season."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT DISTINCT a.reported_on FROM admissions a
            WHERE a.state = 'open' AND a.reported_on IS NOT NULL AND a.reported_on <= $1
              AND NOT EXISTS (SELECT FROM registrations r WHERE {HANDED_IN})""",  # noqa: S608 - a constant
        before,
    )
    return sorted(row["reported_on"] for row in rows)


async def in_numbers(
    tx: AsyncConnection, schools: Sequence[str], school_year: int, stage: str, late_days: Sequence[date]
) -> dict[str, Mapping[str, int]]:
    """By school. `late_days`: reporting days whose month is over."""
    rows = await (await driver(tx)).fetch(
        f"""SELECT a.school, count(*) AS admitted, count(*) FILTER (WHERE a.reported_on IS NOT NULL) AS reported,
                  count(*) FILTER (WHERE a.postponed_until IS NOT NULL AND a.reported_on IS NULL) AS postponed,
                  count(*) FILTER (WHERE a.no_show_on IS NOT NULL AND a.reported_on IS NULL) AS no_show,
                  count(r.id) AS handed_in,
                  count(*) FILTER (WHERE r.id IS NULL AND a.reported_on = ANY($4::date[])) AS late,
                  count(*) FILTER (WHERE a.objected_on IS NOT NULL) AS objections
           FROM admissions a LEFT JOIN registrations r ON {HANDED_IN}
           WHERE a.school = ANY($1::text[]) AND a.school_year = $2 AND a.stage = $3 AND a.state = 'open'
           GROUP BY a.school""",  # noqa: S608 - a constant
        list(schools),
        school_year,
        stage,
        list(late_days),
    )
    return {row["school"]: dict(row) for row in rows}


async def places_of(tx: AsyncConnection, schools: Sequence[str], school_year: int, stage: str) -> dict[str, int]:
    """Planned places by school, of plans in force: for pictures."""
    rows = await (await driver(tx)).fetch(
        """SELECT school, places FROM enrolment_plans
           WHERE school = ANY($1::text[]) AND school_year = $2 AND stage = $3 AND state = 'in_force'""",
        list(schools),
        school_year,
        stage,
    )
    return {row["school"]: row["places"] for row in rows}


async def with_plan(tx: AsyncConnection, county: str, school_year: int, stage: str) -> Sequence[Any]:
    """Schools in a county, or under it, that have a plan in force: code, name, ownership, division."""
    return await (await driver(tx)).fetch(
        """SELECT o.code, o.name, o.ownership, o.division FROM organisations o
           JOIN enrolment_plans p ON p.school = o.code AND p.school_year = $2 AND p.stage = $3 AND p.state = 'in_force'
           WHERE o.valid_to IS NULL AND o.kind = 'school' AND (o.division = $1 OR o.authority = $1) ORDER BY o.code""",
        county,
        school_year,
        stage,
    )
