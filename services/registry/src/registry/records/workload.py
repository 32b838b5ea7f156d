"""How much a school's registrars have to do (clause 43): the access service asks for the authority that looks at it."""

from __future__ import annotations

import sqlalchemy as sa
from regulation.authorisation import Reach, reach, subtree_pattern
from regulation.mark import clause
from service_kit.database import fetch_all
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.workload import GetSchoolWorkload, SchoolWorkload, SchoolWorkloads

from registry.context import RegistryWork
from registry.organisations.tables import organisations
from registry.records.tables import students
from registry.registration.tables import registrations

MOST_SCHOOLS = 200


@clause("43")
async def school_workload(work: RegistryWork, query: GetSchoolWorkload) -> SchoolWorkloads | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    if len(query.schools) > MOST_SCHOOLS:
        return refused("too_large", f"一次最多查询{MOST_SCHOOLS}所学校。")
    seen = (
        sa.select(organisations.c.code)
        .where(
            organisations.c.code.in_(query.schools),
            organisations.c.kind == "school",
            organisations.c.valid_to.is_(None),
            _under(may),
        )
        .cte("seen")
    )
    # Plan for 200 schools: one index scan a school on students_of_school and on registrations_of_school.
    pupils = (
        sa.select(sa.func.count())
        .where(students.c.school == seen.c.code, students.c.live)
        .correlate(seen)
        .scalar_subquery()
    )
    r = registrations.c
    open_ = (
        sa.select(sa.func.count())
        .where(r.school == seen.c.code, sa.not_(r.closed), r.student_number.is_(None))
        .correlate(seen)
        .scalar_subquery()
    )
    rows = await fetch_all(
        work.tx, sa.select(seen.c.code, pupils.label("pupils"), open_.label("open")).order_by(seen.c.code)
    )
    return SchoolWorkloads(
        items=tuple(
            SchoolWorkload(school=row["code"], pupils=row["pupils"], open_registrations=row["open"]) for row in rows
        )
    )


def _under(may: Reach) -> sa.ColumnElement[bool]:
    if may.everything:
        return sa.true()
    return organisations.c.authority.like(subtree_pattern(may.subtree)) if may.subtree else sa.false()


QUERIES: dict[type[Query], QueryHandler] = {GetSchoolWorkload: school_workload}
"""Taken into the table of `records.handlers`."""
