"""On what ground a child enters a school (clauses 12, 16, 19): the county's placement, another admission, or the zone.

Asked by the registration gate: whoever has no ground is registered nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import asyncpg
import msgspec
from regulation.school_year import MonthDay, Stage
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.ways import TITLES as TITLES  # noqa: PLC0414 - offered here too
from registry.enrolment.ways import Way
from registry.enrolment.zones import store as zones
from registry.organisations.facts import SchoolFacts

LAST_DAY = MonthDay(9, 30)


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One child as a form gives it. `key`: the caller's own; `person_id`: None where identity knows nobody with this
    document. `division`, `address`: of the household registration, the division at least 6 digits."""

    key: str
    person_id: str | None
    division: str
    address: str


class Ground(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`admission_id`: None for a child of the zone whom nobody has admitted yet. `street`: what of the zone matched."""

    kind: Way
    admission_id: str | None
    street: str = ""


async def of(
    tx: AsyncConnection,
    school: SchoolFacts,
    school_year: int,
    stage: Stage,
    people: Sequence[Person],
    on: date | None = None,
) -> dict[str, Ground]:
    """The grounds by the people's keys; who is not in it has none. Two statements, whatever their number.

    An open admission of this school, year and stage goes before the zone; one at another school leaves no ground here,
    wherever the child lives. `on`: the day whose zones count, the last of the autumn enrolment where not
    given, so that a zone set while it goes on counts too.
    """
    if not people:
        return {}
    admitted = await _admitted(tx, [person.person_id for person in people if person.person_id], stage)
    divisions = [person.division[:6] for person in people]
    served = await zones.holding(tx, divisions, stage.value, on or LAST_DAY.in_year(school_year))
    found: dict[str, Ground] = {}
    for person in people:
        row = admitted.get(person.person_id or "")
        if row is not None and row["school_year"] == school_year:
            if row["school"] == school.code:
                found[person.key] = Ground(kind=row["way"], admission_id=row["id"])
            continue
        here = [m for m in served.of(person.division[:6], person.address) if m.school == school.code]
        if here:
            found[person.key] = Ground(kind="zone", admission_id=None, street=here[0].street)
    return found


async def _admitted(tx: AsyncConnection, person_ids: Sequence[str], stage: Stage) -> dict[str, asyncpg.Record]:
    """Open admissions by person. Whom identity does not know nobody has admitted: nothing is asked then."""
    if not person_ids:
        return {}
    rows = await (await driver(tx)).fetch(
        """SELECT id, person_id, school, school_year, way FROM admissions
           WHERE state = 'open' AND stage = $2 AND person_id = ANY($1::text[])""",
        list(person_ids),
        stage.value,
    )
    return {row["person_id"]: row for row in rows}
