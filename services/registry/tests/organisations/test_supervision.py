"""A school goes to another authority: what is under way goes with it, what was approved stays (clauses 3.1, 44)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from kit_waiting import waits_for_a_lock
from registry.organisations import store
from registry.registration.intake import admit
from registry_world import (
    AUTHORITY,
    CITY,
    OFFICER,
    OPERATOR,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TODAY,
    World,
    actor,
    view,
)
from service_kit.database import driver
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.organisations import ChangeSupervision, LoadOrganisations
from shared_contracts.registry import ListRegistrations, StepReached

pytestmark = pytest.mark.integration
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
REASON = "哈政发〔2026〕12号"


@pytest.fixture
async def world(world: World) -> World:
    await world.load(SCHOOL, OTHER_SCHOOL)
    return world


async def to_the_city(world: World) -> Any:
    command = ChangeSupervision(
        command_id=new_id(),
        actor=CITY_OFFICER,
        code=SCHOOL.code,
        authority=CITY,
        reason=REASON,
        effective_from=TODAY,
    )
    return await world.do(command)


async def case(world: World, one: str) -> dict[str, Any]:
    (row,) = await world.sql(
        """SELECT r.authority, c.status, c.step, c.due_on, c.parties ->> 'authority' AS decider
           FROM registrations r JOIN cases c ON c.id = r.id WHERE r.id = $1""",
        one,
    )
    return dict(row)


@pytest.mark.clause("3.1", "13.2", "44")
async def test_open_registrations_go_to_the_new_authority_and_approvals_stay(world: World) -> None:
    at_teacher, at_authority = await world.one(), await world.one()
    await world.bring_to(at_authority, "authority")
    due = (await case(world, at_authority))["due_on"]
    world.clock.pass_(days=5)
    assert not isinstance(await to_the_city(world), Refused)
    for one, step in ((at_teacher, "class_teacher"), (at_authority, "authority")):
        row = await case(world, one)
        assert (row["authority"], row["decider"], row["status"], row["step"]) == (CITY, CITY, "open", step)
    assert (await case(world, at_authority))["due_on"] > due, "the new authority has its own days"
    seen = await world.get(at_authority, REGISTRAR)
    assert [(s.step, s.decision) for s in seen.steps][-2:] == [("school", "approve"), ("authority", "reroute")]
    assert (seen.steps[-1].reason, seen.steps[-1].organisation) == (REASON, CITY)
    assert (await world.decide(at_authority, "authority", OFFICER)).kind == "not_found", "the former authority"
    done = await world.decide(at_authority, "authority", CITY_OFFICER)
    assert not isinstance(done, Refused)
    assert not isinstance(
        await world.decide(at_teacher, "class_teacher", actor(Role.CLASS_TEACHER, classes=["1"])), Refused
    )


@pytest.mark.clause("44")
async def test_a_returned_one_comes_to_the_new_authority_when_it_is_sent_again(world: World) -> None:
    one = await world.one()
    await world.bring_to(one, "school")
    assert not isinstance(await world.decide(one, "school", PRINCIPAL, "return", reason="电话有误"), Refused)
    await to_the_city(world)
    row = await case(world, one)
    assert (row["status"], row["step"], row["decider"]) == ("returned", "class_teacher", CITY)


@pytest.mark.clause("44", "21.1")
async def test_what_has_ended_keeps_its_decider_and_is_seen_by_the_new_authority(world: World) -> None:
    done, rejected = await world.one(), await world.one()
    await world.bring_to(done, "done")
    await world.number(done)
    await world.decide(rejected, "class_teacher", actor(Role.CLASS_TEACHER, classes=["1"]), "reject", reason="不属本校")
    await to_the_city(world)
    for one in (done, rejected):
        row = await case(world, one)
        assert (row["authority"], row["decider"]) == (CITY, AUTHORITY)
    assert len((await world.ask(ListRegistrations(actor=CITY_OFFICER))).items) == 2
    assert (await world.ask(ListRegistrations(actor=OFFICER))).items == ()


async def test_other_schools_are_left_alone(world: World) -> None:
    (other,) = await world.admit(world.admission(OTHER_SCHOOL), school=OTHER_SCHOOL)
    await to_the_city(world)
    row = await case(world, other)
    assert (row["authority"], row["decider"]) == (AUTHORITY, AUTHORITY)


@pytest.mark.clause("13.2")
async def test_the_new_authority_is_told_what_waits_for_it(world: World) -> None:
    roster = await world.roster(3)
    for row in await world.sql("SELECT id FROM registrations WHERE roster_id = $1", roster):
        await world.bring_to(row["id"], "authority")
    await world.one()
    before = len(await world.events(StepReached))
    await to_the_city(world)
    (told,) = (await world.events(StepReached))[before:]
    assert (told.authority, told.school, told.count, told.role) == (CITY, SCHOOL.code, 3, Role.AUTHORITY_OFFICER)
    assert told.reason == REASON


async def test_loading_takes_them_along_too(world: World) -> None:
    one = await world.one()
    moved = msgspec.structs.replace(view(SCHOOL), authority=CITY, parent=CITY)
    command = LoadOrganisations(command_id=new_id(), actor=OPERATOR, organisations=(moved,), valid_from=TODAY)
    assert not isinstance(await world.do(command), Refused)
    assert (await case(world, one))["decider"] == CITY
    (step,) = (await world.get(one)).steps
    assert "主管教育行政部门" in step.reason


async def test_the_statements_do_not_grow_with_the_registrations(world: World) -> None:
    counts = []
    for size in (2, 2, 300):
        await world.sql("UPDATE registrations SET closed = true")
        await world.roster(size)
        school = msgspec.structs.replace(view(SCHOOL), authority=CITY)
        async with world.db.unit(world.deps) as work:
            from registry.organisations.supervision import pass_on

            raw = (await work.tx.get_raw_connection()).driver_connection
            sent: list[str] = []
            with raw.query_logger(lambda record, sent=sent: sent.append(record.query)):
                assert await pass_on(work, school, CITY_OFFICER, REASON) == size
                await asyncio.sleep(0)
            counts.append(len(sent))
    assert counts[1] == counts[2] <= 5


async def test_nobody_is_admitted_under_the_former_authority(world: World) -> None:
    """Whoever read the school before the change is told so, and none of the chunk is written."""
    await to_the_city(world)
    with pytest.raises(store.SchoolChanged):
        async with world.db.unit(world.deps) as work:
            await admit(work, SCHOOL, [world.admission()])
    assert await world.sql("SELECT FROM registrations") == []


async def test_a_change_waits_for_an_admission_that_is_being_written(world: World) -> None:
    async with world.db.unit(world.deps) as work:
        admission = world.admission()
        await admit(work, SCHOOL, [admission])
        changing = asyncio.create_task(to_the_city(world))
        await waits_for_a_lock(world.sql, changing)
    assert not isinstance(await changing, Refused)
    row = await case(world, admission.registration_id)
    assert (row["authority"], row["decider"]) == (CITY, CITY)


async def test_an_approval_that_waits_for_the_change_comes_too_late(world: World) -> None:
    """The former authority's officer presses the button while the school is being handed over."""
    one = await world.one()
    await world.bring_to(one, "authority")
    async with world.db.transaction() as tx:
        await (await driver(tx)).execute("SELECT FROM cases WHERE id = $1 FOR UPDATE", one)
        changing = asyncio.create_task(to_the_city(world))
        await waits_for_a_lock(world.sql, changing)
        late = asyncio.create_task(world.decide(one, "authority", OFFICER))
        await waits_for_a_lock(world.sql, changing, late)
    assert not isinstance(await changing, Refused)
    reply = await late
    assert isinstance(reply, Refused)
    assert (await case(world, one))["status"] == "open"
