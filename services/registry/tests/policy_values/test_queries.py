"""What holds where, who set it, within which bounds; the school calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from policy_desk import (
    COUNTY,
    COUNTY_LEADER,
    HARBIN,
    NEIGHBOUR,
    PROVINCE_OFFICER,
    TOMORROW,
    local_world,
    officer,
    publish,
)
from registry_world import REGISTRAR, SCHOOL, World
from shared_contracts.actors import system
from shared_contracts.decisions import Refused
from shared_contracts.policy import AskPublished, GetPolicy, GetSchoolCalendar, ParameterView, PolicyView

pytestmark = pytest.mark.integration


async def shown(world: World, key: str = "class_size_primary", who: Any = REGISTRAR, **query: Any) -> ParameterView:
    view = await world.ask(GetPolicy(actor=who, **query))
    assert isinstance(view, PolicyView), view
    (found,) = [parameter for parameter in view.parameters if parameter.key == key]
    return found


@pytest.mark.clause("49")
async def test_who_set_what_since_when_and_what_is_left(world: World) -> None:
    await world.load(SCHOOL)
    value = await publish(world, officer(HARBIN), value=44, low=30, high=44)
    await publish(world, COUNTY_LEADER, value=40, valid_from=date(2026, 10, 1))
    await local_world(world)
    today = await shown(world)
    assert (today.held.value, today.held.division, today.held.value_id) == (45, "230000", None)
    assert (today.may_set, today.low, today.high, today.bounds_of) == (True, 1, 45, "230000")
    assert [(c.division, c.value) for c in today.coming] == [(HARBIN, 44), (COUNTY, 40)]
    assert (today.clause, today.unit, today.kind) == ("11", "人", "number")
    assert "45" in today.clause_text
    then = await shown(world, division=COUNTY, on=date(2026, 9, 30))
    assert (then.held.value, then.held.division, then.held.valid_from, then.held.value_id) == (
        44,
        HARBIN,
        TOMORROW,
        value.id,
    )
    assert (then.low, then.high, then.bounds_of) == (30, 44, HARBIN)
    after = await shown(world, division=COUNTY, on=date(2026, 10, 1))
    assert (after.held.value, after.held.division, after.low, after.high) == (40, COUNTY, 30, 44)
    assert (await shown(world, division=NEIGHBOUR, on=date(2026, 10, 1))).held.value == 44
    fixed = await shown(world, "promotion_from", division=COUNTY)
    assert (fixed.may_set, fixed.held.value) == (False, "08-01")
    free = await shown(world, division="230000")
    assert (free.may_set, free.low, free.bounds_of) == (True, None, None)


async def test_whose_division_and_which_day(world: World) -> None:
    await world.load(SCHOOL)
    own = await world.ask(GetPolicy(actor=REGISTRAR))
    assert (own.division, own.division_name) == (SCHOOL.division, "黑龙江省哈尔滨市道里区")
    assert (await world.ask(GetPolicy(actor=PROVINCE_OFFICER))).division == "230000"
    assert own.first_day == TOMORROW
    assert own.version == "230000@2006-09-01"
    for wrong in ({"division": "110101"}, {"division": "2301020"}, {"on": date(2006, 8, 31)}):
        reply = await world.ask(GetPolicy(actor=REGISTRAR, **wrong))
        assert isinstance(reply, Refused)
        assert reply.kind == "not_found"


async def test_every_parameter_is_shown_once(world: World) -> None:
    view = await world.ask(GetPolicy(actor=PROVINCE_OFFICER))
    keys = [parameter.key for parameter in view.parameters]
    assert len(keys) == len(set(keys)) > 30
    assert {p.key for p in view.parameters if p.simulated} >= {"class_size_primary", "entry_age", "enrolment_to"}


@pytest.mark.clause("4.1", "10.1", "49")
async def test_the_school_calendar(world: World) -> None:
    await world.load(SCHOOL)
    usual = await world.ask(GetSchoolCalendar(actor=REGISTRAR))
    assert (usual.division, usual.school_year, usual.term_today) == (SCHOOL.division, 2026, "autumn")
    assert (usual.autumn_first, usual.spring_last) == (date(2026, 9, 1), date(2027, 7, 15))
    assert (usual.enrolment_first, usual.enrolment_last) == (date(2026, 7, 1), date(2026, 9, 30))
    await publish(world, COUNTY_LEADER, key="spring_term_start", value="03-08")
    await publish(world, COUNTY_LEADER, key="enrolment_to", value="09-20")
    await local_world(world)
    own = await world.ask(GetSchoolCalendar(actor=REGISTRAR, division=COUNTY, school_year=2026))
    assert (own.spring_first, own.enrolment_last) == (date(2027, 3, 8), date(2026, 9, 20))
    assert (await world.ask(GetSchoolCalendar(actor=REGISTRAR, division=NEIGHBOUR))).spring_first == date(2027, 3, 1)
    assert (await world.ask(GetSchoolCalendar(actor=REGISTRAR, school_year=2030))).term_today is None
    assert (await world.ask(GetSchoolCalendar(actor=REGISTRAR, school_year=2006))).autumn_first == date(2006, 9, 1)
    for year, kind in ((2005, "invalid"), (2100, "invalid"), (-1, "invalid")):
        reply = await world.ask(GetSchoolCalendar(actor=REGISTRAR, school_year=year))
        assert isinstance(reply, Refused)
        assert reply.kind == kind


@pytest.mark.clause("49")
async def test_other_services_are_told_what_is_newer(world: World) -> None:
    service = system("access")
    first = await world.ask(AskPublished(actor=service, keys=("class_size_primary",), newer_than=-1))
    assert (first.version, first.values) == (0, ())
    await publish(world, COUNTY_LEADER, value=40)
    await publish(world, COUNTY_LEADER, key="class_size_junior", value=41)
    told = await world.ask(AskPublished(actor=service, keys=("class_size_primary",), newer_than=0))
    assert (told.version, [(v.key, v.division, v.value) for v in told.values]) == (
        2,
        [("class_size_primary", COUNTY, 40)],
    )
    same = await world.ask(AskPublished(actor=service, keys=("class_size_primary",), newer_than=2))
    assert (same.version, same.values) == (2, None)
    assert isinstance(await world.ask(AskPublished(actor=REGISTRAR, keys=())), Refused), "no person asks this"
