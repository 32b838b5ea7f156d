"""Who sees a school's rosters, and how much of them: its own people, and the authorities above it (clause 3.1)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from regulation.divisions import chain
from regulation.mark import clause
from service_kit.database import fetch_all
from shared_contracts.actors import Actor, Role
from shared_contracts.registry import RosterView
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations as o
from registry.registration.access import AUTHORITY, WHOLE_SCHOOL

NOT_FOUND = "没有这份名册，或者它不属于您管理的范围。"


@clause("3.1")
def may_see(actor: Actor, school: SchoolFacts) -> bool:
    """The supervising authority, for a directly managed school the city or province, and those above it."""
    if actor.has(*AUTHORITY) and actor.organisation in chain(school.authority):
        return True
    return actor.has(*WHOLE_SCHOOL, Role.CLASS_TEACHER) and actor.organisation == school.code


@clause("45.3")
def shown(actor: Actor, view: RosterView) -> RosterView:
    """The files hold document numbers in full: they are for the school's registrars and principals."""
    if actor.has(*WHOLE_SCHOOL) and actor.organisation == view.school:
        return view
    return msgspec.structs.replace(view, files=())


async def schools_under(tx: AsyncConnection, authority: str) -> list[str]:
    """Codes of the schools whose supervising authority is this one or one below it."""
    prefix = authority.removesuffix("00").removesuffix("00")
    query = sa.select(o.c.code).where(o.c.kind == "school", o.c.valid_to.is_(None), o.c.authority.like(prefix + "%"))
    return [row["code"] for row in await fetch_all(tx, query.order_by(o.c.code))]


async def names_of(tx: AsyncConnection, codes: Collection[str]) -> dict[str, str]:
    """Names of schools, present or past, by code."""
    if not codes:
        return {}
    query = sa.select(o.c.code, o.c.name).where(o.c.code.in_(codes)).order_by(o.c.valid_from)
    return {row["code"]: row["name"] for row in await fetch_all(tx, query)}
