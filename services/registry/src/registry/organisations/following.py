"""What goes with a school to another authority or county besides its cases: plans, admissions, zones (clauses 4.2, 5.2, 44).

Who issued a plan, who set a zone and who admitted a child stays said in what was done; here is who answers from now on.
"""

from __future__ import annotations

from datetime import date
from typing import cast

import msgspec
from regulation.mark import clause
from regulation.school_year import school_year
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.actors import Actor, Role
from shared_contracts.admission import StageName
from shared_contracts.organisations import OrganisationView
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.enrolment.zones import moving as zones
from registry.enrolment.zones import store as zone_store
from registry.organisations import store

_PLANS = """
    UPDATE enrolment_plans p SET authority = $2, filed_with = $3
    FROM (SELECT id FROM enrolment_plans WHERE school = $1 AND school_year >= $4 ORDER BY id FOR UPDATE) o
    WHERE p.id = o.id
"""
_ADMISSIONS = """
    UPDATE admissions a SET authority = $2
    FROM (SELECT id FROM admissions WHERE school = $1 AND state = 'open' ORDER BY id FOR UPDATE) o
    WHERE a.id = o.id
"""


@clause("4.2", "5.2", "44")
async def follow(
    work: RegistryWork, before: OrganisationView, after: OrganisationView, on: date, actor: Actor, reason: str
) -> None:
    """The school is under lock; a constant number of statements. Locks: plans, admissions, then its zones."""
    assert after.authority is not None
    if before.authority != after.authority:
        connection = await driver(work.tx)
        kinds = await store.kinds(work.tx)
        above = await store.authority_of(work.tx, after.authority) if kinds.get(after.authority) == "county" else None
        filed_with = above or after.authority  # as `plans.setting` files them
        await connection.execute(_PLANS, after.code, after.authority, filed_with, school_year(work.today))
        await connection.execute(_ADMISSIONS, after.code, after.authority)
    if before.division != after.division:
        await _zones(work, before, after, on, actor, reason)


async def _zones(
    work: RegistryWork, before: OrganisationView, after: OrganisationView, on: date, actor: Actor, reason: str
) -> None:
    """The open zone of each stage says its streets under the new division too, from the day on or today."""
    moved = False
    named = [(after.code, cast(StageName, stage)) for stage in sorted(after.stages)]
    last_of = await zone_store.lock(work.tx, named)
    for key in named:
        last, stage = last_of.get(key), key[1]
        if last is None or last.valid_to is not None:
            continue
        areas = zones.redivided(last.areas, before.division, after.division)
        moved = True
        if areas == last.areas:
            continue
        begins = max(on, work.today, last.valid_from)
        if last.valid_from < begins:
            await zone_store.end(work.tx, last.id, begins, last.version)
        await zone_store.put(
            work.tx,
            {
                "id": derived("zone", after.code, stage, str(begins)),
                "school": after.code,
                "stage": stage,
                "authority": after.authority,
                "valid_from": begins,
                "areas": msgspec.to_builtins(areas),
                "divisions": sorted({area.division for area in areas}),
                "reason": reason,
                "set_by": actor.name,
                "account": actor.account,
                "set_at": work.now,
                "version": last.version + 1,
            },
        )
    if moved:
        work.emit(_to_look(after), after.code)


def _to_look(school: OrganisationView) -> WorkWaiting:
    assert school.authority is not None
    return WorkWaiting(
        organisation=school.authority,
        role=Role.AUTHORITY_OFFICER,
        kind="zones_redivided",
        title=f"{school.name}划入，学区已随之延续",
        detail="原有街道社区在新旧区划代码下都有效；整县范围的学区没有扩大，请核对后按需要重新设定。",
        link=f"/v1/attendance-zones?school={school.code}",
    )
