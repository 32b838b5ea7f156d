"""Who sees a school's rosters, and how much of them: its own people, and the authorities above it (clause 3.1)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, check, may, subtree_pattern
from regulation.mark import clause
from service_kit.database import fetch_all
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused
from shared_contracts.registry import RosterView
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations as o

NOT_FOUND = "没有这份名册，或者它不属于您管理的范围。"


def against(actor: Actor, act: str, school: SchoolFacts) -> Refused | None:
    """What stands against an act on a roster of this school (clause 3.1); None: nothing."""
    return check(actor, act, Target(school=school.code, authority=school.authority), missing=NOT_FOUND)


@clause("45.3")
def shown(actor: Actor, view: RosterView) -> RosterView:
    """The files hold document numbers in full: they are listed for those who may fetch them."""
    if may(actor, "registry.roster_file", Target(school=view.school)):
        return view
    return msgspec.structs.replace(view, files=())


async def schools_within(tx: AsyncConnection, reach: Reach) -> list[str]:
    """Codes of the schools that a list reaches."""
    if reach.subtree is None:
        return [code for code in (reach.school or reach.classes_of,) if code]
    pattern = subtree_pattern(reach.subtree)
    query = sa.select(o.c.code).where(o.c.kind == "school", o.c.valid_to.is_(None), o.c.authority.like(pattern))
    return [row["code"] for row in await fetch_all(tx, query.order_by(o.c.code))]


async def names_of(tx: AsyncConnection, codes: Collection[str]) -> dict[str, str]:
    """Names of schools, present or past, by code."""
    if not codes:
        return {}
    query = sa.select(o.c.code, o.c.name).where(o.c.code.in_(codes)).order_by(o.c.valid_from)
    return {row["code"]: row["name"] for row in await fetch_all(tx, query)}
