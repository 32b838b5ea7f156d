"""Places under lock, records that have ended and grounds, as a registration by hand meets them: with the real identity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import registry_pupils as pupils
from enrolment_rows import enrol
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.enrolment.plans import store as plans
from registry.registration import intake
from registry_identity import registry_bus, running_identity
from registry_world import OTHER_SCHOOL, REGISTRAR, SCHOOL, World, codes
from regulation.school_year import Stage
from shared_contracts.actors import system
from shared_contracts.decisions import Refused
from shared_contracts.identity import KnowPersons
from shared_contracts.registry import (
    EnterRegistration,
    PrecheckRegistration,
    RegistrationsClosed,
    RegistrationView,
    WithdrawRegistration,
)

pytestmark = pytest.mark.integration
AT_ONCE = 16
"""As many commands as a copy of the service takes at once; the others wait their turn."""


@pytest_asyncio.fixture
async def world(service_env: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("XUEJI_MATCHER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XUEJI_MATCHER_API_KEY", "nobody")
    env = await service_env("registry")
    async with running_identity(await service_env("identity")), registry_bus(env) as bus:
        made = World(env, bus)
        await made.load(SCHOOL, OTHER_SCHOOL, places=45)
        yield made
        await made.shut()


async def plan(world: World, **values: Any) -> None:
    async with world.db.transaction() as tx:
        await enrol(tx, SCHOOL, **values)


async def enter(world: World, serial: int, who: Any = REGISTRAR, **changes: Any) -> RegistrationView | Refused:
    command = EnterRegistration(
        command_id=world.id(),
        actor=who,
        registration_id=world.id("registration"),
        form=pupils.pupil(serial, **({"school_code": who.organisation} | changes)),
    )
    return await world.do(command)


async def taken(world: World) -> int:
    async with world.db.transaction() as tx:
        found = await plans.in_force(tx, SCHOOL.code, 2026, Stage.PRIMARY)
        assert found is not None
        return await plans.taken(tx, found)


@pytest.mark.clause("4.3")
async def test_the_forty_fifth_place_is_given_and_the_forty_sixth_is_not(world: World):
    await world.admit(*[world.admission() for _ in range(44)])
    assert isinstance(await enter(world, 1), RegistrationView)
    reply = await enter(world, 2)
    assert "plan.full" in codes(reply) and isinstance(reply, Refused) and "45个学位" in reply.detail
    assert await taken(world) == 45


@pytest.mark.clause("4.3")
async def test_five_hundred_at_once_for_forty_five_places(world: World):
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(serial: int) -> RegistrationView | Refused:
        async with turn:
            return await enter(world, serial, name=f"王{pupils.NAMES[serial // 10 % 10]}{pupils.NAMES[serial % 10]}")

    replies = await asyncio.gather(*map(one, range(500)))
    assert sum(isinstance(reply, RegistrationView) for reply in replies) == 45
    assert all("plan.full" in codes(reply) for reply in replies if isinstance(reply, Refused))
    assert await taken(world) == 45
    assert (await world.sql("SELECT count(*) AS n FROM pending_entries"))[0]["n"] == 0


@pytest.mark.clause("4.3")
async def test_whoever_lost_the_last_place_is_let_go_of_at_identity(world: World, monkeypatch: pytest.MonkeyPatch):
    """Claimed and then without a place: told to identity, in the outbox, although the command itself is refused."""

    async def none_left(*args: Any, **kwargs: Any) -> int:
        return 0

    monkeypatch.setattr(plans, "free", none_left)  # others have been quicker between the first look and the lock
    reply = await enter(world, 1)
    monkeypatch.undo()
    assert "plan.full" in codes(reply)
    (event,) = await world.events(RegistrationsClosed)
    assert len(event.closed) == 1 and event.closed[0].person_id
    assert not await world.sql("SELECT 1 FROM registrations")
    assert not await world.sql("SELECT 1 FROM pending_entries")


@pytest.mark.clause("4.3")
async def test_a_withdrawn_registration_gives_its_place_back(world: World):
    await plan(world, places=1)
    first = await enter(world, 1)
    assert isinstance(first, RegistrationView)
    assert "plan.full" in codes(await enter(world, 2))
    done = await world.do(
        WithdrawRegistration(command_id=world.id(), actor=REGISTRAR, registration_id=first.id, reason="填错学校")
    )
    assert not isinstance(done, Refused)
    assert await taken(world) == 0
    assert isinstance(await enter(world, 2), RegistrationView)


@pytest.mark.clause("4.3")
async def test_without_a_plan_there_is_no_place(world: World):
    await world.sql(
        "UPDATE enrolment_plans SET state = 'returned', return_reason = 'x', returned_at = now(), returned_by = 'x'"
    )
    assert "plan.none" in codes(await enter(world, 1))
    assert isinstance(await enter(world, 2, grade="2", birth_date="20190305", enrolled_month="202509",
                                  document_number=pupils.resident(3, "20190305")), RegistrationView)  # fmt: skip


@pytest.mark.clause("12")
@pytest.mark.parametrize("state", ["graduated", "completed"])
async def test_whoever_has_finished_is_found_by_the_person_and_not_by_the_name(world: World, state: str):
    first = await enter(world, 1)
    assert isinstance(first, RegistrationView), first
    await world.bring_to(first.id, "done")
    await world.number(first.id)
    await world.sql("UPDATE students SET state = $1, live = false", state)
    assert "person.finished" in codes(await enter(world, 1, name="王另名"))
    said = await world.ask(PrecheckRegistration(actor=REGISTRAR, form=pupils.pupil(1)))
    assert "person.finished" in [f.code for f in said.decision.findings if f.outcome == "refuse"]
    assert isinstance(await enter(world, 7), RegistrationView)  # of the same name, with another document


@pytest.mark.clause("19")
async def test_outside_the_zone_and_without_a_placement_nobody_is_registered(world: World):
    away = {"household_place": "230103003005"}
    reply = await enter(world, 1, **away)
    assert "admission.no_ground" in codes(reply)
    said = await world.ask(PrecheckRegistration(actor=REGISTRAR, form=pupils.pupil(1, **away)))
    assert said.decision.refused
    assert isinstance(await enter(world, 1), RegistrationView)


@pytest.mark.clause("4.3", "19")
async def test_an_admission_brings_its_place_and_is_not_counted_twice(world: World):
    """The last place is the admitted child's; nobody else gets it, and he takes no second one."""
    await plan(world, places=1)
    child = pupils.check(**{"document_number": pupils.resident(1)}).entry
    assert child is not None
    known = await world.deps.bus.ask(
        KnowPersons(
            command_id=world.id(), actor=system("registry"), organisation="230102", rows=(child.person(1),), make=True
        )
    )
    person = known.rows[0].person_id
    await world.sql(
        """INSERT INTO children (id, person_id, stage, county, origin, school_year, name, sex, birth_date, document_kind,
                                 masked_document, division, sealed, state, listed_at)
           VALUES ('c', $1, 'primary', '230102', 'household', 2026, '王', '1', '2020-03-05', '1', '*', '230103', '',
                   'placed', now())""",
        person,
    )
    await world.sql(
        """INSERT INTO admissions (id, child_id, person_id, county, school, authority, school_year, stage, way, decided_by,
                                   account, admitted_on, notice_number, report_from, report_to)
           VALUES ('a', 'c', $1, '230102', $2, '230102', 2026, 'primary', 'placed', 'x', 'x', '2026-08-20', 'n1',
                   '2026-08-30', '2026-09-01')""",
        person,
        SCHOOL.code,
    )
    assert await taken(world) == 1
    assert "plan.full" in codes(await enter(world, 2))
    admitted = await enter(world, 1, household_place="230103003005")  # outside the zone: the placement is the ground
    assert isinstance(admitted, RegistrationView), admitted
    assert (await world.sql("SELECT admission_id FROM registrations WHERE NOT closed"))[0]["admission_id"] == "a"
    assert await taken(world) == 1


@pytest.mark.clause("4.3")
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(st.sampled_from(["admit", "end", "set"]), st.integers(0, 6)), max_size=14))
async def test_no_history_has_more_taken_than_places(world: World, acts: list[tuple[str, int]]):
    """Whatever is set, admitted and ended, in whatever order: set by the rules, never below what is taken."""
    await world.sql("UPDATE registrations SET closed = true WHERE registered_at IS NULL")
    places = 3
    await plan(world, places=places)
    for act, number in acts:
        if act == "set":
            if number >= await taken(world):
                places = number
                await plan(world, places=places)
        elif act == "admit":
            async with world.db.unit(world.deps) as work:
                wanted = [world.admission() for _ in range(number)]
                fitting, beyond = await intake.seat(work, SCHOOL, wanted)
                assert [*fitting, *beyond] == wanted  # the first ones
                await intake.admit(work, SCHOOL, fitting)
        else:
            await world.sql(
                "UPDATE registrations SET closed = true WHERE id IN (SELECT id FROM registrations WHERE NOT closed LIMIT $1)",
                number,
            )
        assert await taken(world) <= places
