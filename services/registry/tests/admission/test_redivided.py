"""A school goes to another county: its streets, plans and admitted children go along (clauses 4.2, 5.2, 44)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from admission_world import COUNTY, SCHOOL
from hypothesis import given
from hypothesis import strategies as st
from registry.enrolment.zones.matching import Area, ZoneOf, Zones
from registry.enrolment.zones.moving import redivided
from registry_world import CITY, actor
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.admission import FindZone, GetZone
from shared_contracts.decisions import Refused
from shared_contracts.organisations import ChangeSupervision
from shared_contracts.waiting import WorkWaiting

CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
NEW = "230103"


def area(division: str, *streets: str) -> Area:
    return Area(division=division, streets=streets)


@pytest.mark.clause("5.2", "44")
@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ((area("A", "一街"),), (area("A", "一街"), area("B", "一街"))),
        ((area("A", "一街"), area("B", "二街")), (area("A", "一街"), area("B", "二街", "一街"))),
        ((area("A", "一街"), area("B", "一街")), (area("B", "一街"),)),  # it comes back
        ((area("A", "一街", "三街"), area("B", "一街")), (area("A", "一街", "三街"), area("B", "一街", "三街"))),
        ((area("A"),), (area("A"),)),  # the whole of A is not the whole of B
        ((area("A", "一街"), area("B")), (area("B"),)),  # the whole of B already
        ((area("C", "一街"),), (area("C", "一街"),)),
    ],
)
def test_streets_go_along_and_keep_their_old_code(areas: Any, expected: Any) -> None:
    assert redivided(areas, "A", "B") == expected


_STREETS = st.lists(st.sampled_from(["一街", "二路", "三巷"]), unique=True, min_size=1, max_size=3).map(tuple)


@pytest.mark.clause("5.2", "44")
@given(_STREETS, st.one_of(st.none(), _STREETS))
def test_no_address_that_was_served_is_lost(streets: tuple[str, ...], others: tuple[str, ...] | None) -> None:
    areas = (area("A", *streets), *(() if others is None else (area("B", *others),)))
    after = Zones([ZoneOf(zone_id="z", school="s", areas=redivided(areas, "A", "B"))])
    for street in streets:
        assert after.of("B", f"{street}3号"), "by the new code"
        assert after.of("A", f"{street}3号") or set(streets) <= set(others or ()), "and by the old one"
    for street in others or ():
        assert after.of("B", f"{street}3号")


async def _moved(world: Any, division: str, authority: str, on: date) -> None:
    command = ChangeSupervision(
        command_id=new_id(), actor=CITY_OFFICER, code=SCHOOL.code, authority=authority, division=division,
        reason="哈政发〔2026〕12号", effective_from=on,
    )  # fmt: skip
    reply = await world.do(command)
    assert not isinstance(reply, Refused), reply


async def _serves(world: Any, division: str, on: date | None = None) -> list[str]:
    found = await world.ask(
        FindZone(actor=CITY_OFFICER, division=division, address="中央大街3号", stage="primary", on=on)
    )
    return [one.school for one in found.items]


@pytest.mark.integration
@pytest.mark.clause("4.2", "5.2", "44")
async def test_what_follows_a_school_to_another_county(world: Any) -> None:
    await world.placed(1)
    await world.sql(
        """INSERT INTO organisations (code, valid_from, name, kind, parent, authority, division, stages,
                                      accepts_international)
           VALUES ($1, '2020-01-01', '哈尔滨市南岗区教育局', 'county', $2, $2, $1, '{}', false)""",
        NEW,
        CITY,
    )
    today = world.clock.today()
    await _moved(world, NEW, NEW, today)
    (plan,) = await world.sql("SELECT authority, filed_with FROM enrolment_plans WHERE school = $1", SCHOOL.code)
    assert tuple(plan) == (NEW, CITY)
    (admission,) = await world.sql("SELECT authority, county, state FROM admissions")
    assert tuple(admission) == (NEW, COUNTY, "open"), "the child stays on the list that it was on"
    assert await _serves(world, COUNTY) == await _serves(world, NEW) == [SCHOOL.code]
    assert await _serves(world, NEW, today - timedelta(days=1)) == [], "what was in force is not rewritten"
    told = [one for one in await world.events(WorkWaiting) if one.kind == "zones_redivided"]
    assert [one.organisation for one in told] == [NEW]
    world.clock.pass_(days=1)
    await _moved(world, COUNTY, COUNTY, world.clock.today())
    (last,) = (await world.ask(GetZone(actor=CITY_OFFICER, school=SCHOOL.code, stage="primary"))).items[-1:]
    assert [(one.division, one.streets) for one in last.areas] == [(COUNTY, ("中央大街",))], "back as it was"
    assert await _serves(world, NEW) == []
