"""Setting, filing, changing and returning plans, on a real database."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from registry.enrolment.plans import store
from registry_world import CITY, FAR_SCHOOL, OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, World, actor, codes
from regulation.school_year import Stage
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.plans import (
    AskPlanChange,
    DecidePlanChange,
    GetPlan,
    ListPlanChanges,
    ListPlans,
    PlanGiven,
    PrecheckPlanChange,
    PrecheckPlans,
    ReturnPlan,
    SetPlans,
    WithdrawPlanChange,
)
from shared_contracts.waiting import WorkWaiting

CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, "230202")


def given(school: str = SCHOOL.code, **changes: Any) -> PlanGiven:
    values = {"school": school, "school_year": 2026, "stage": "primary", "classes": 2, "places": 90}
    return PlanGiven(**values | changes)


async def set_(world: World, *plans: PlanGiven, who: Any = OFFICER) -> Any:
    return await world.do(SetPlans(command_id=world.id(), actor=who, plans=plans or (given(),)))


async def plan_of(world: World, school: str = SCHOOL.code, who: Any = OFFICER) -> Any:
    return await world.ask(GetPlan(actor=who, plan_id=store.plan_id(school, 2026, "primary")))


async def ask(world: World, classes: int, places: int, who: Any = PRINCIPAL) -> Any:
    plan = store.plan_id(SCHOOL.code, 2026, "primary")
    return await world.do(
        AskPlanChange(
            command_id=world.id(), actor=who, change_id=world.id("change"), plan_id=plan, classes=classes,
            places=places, reason="新建住宅区交付",
        )
    )  # fmt: skip


async def decide(world: World, change: Any, decision: str = "approve", who: Any = OFFICER, **more: Any) -> Any:
    return await world.do(
        DecidePlanChange(command_id=world.id(), actor=who, change_id=change.id, decision=decision, **more)
    )


@pytest.mark.clause("4.2", "4.3")
async def test_a_plan_is_in_force_and_filed_with_the_city_in_one_act(world: World):
    done = await set_(world, given(), given(OTHER_SCHOOL.code, classes=1, places=45))
    assert [item.outcome for item in done.items] == ["created", "created"]
    plan = await plan_of(world)
    assert (plan.state, plan.authority, plan.filed_with) == ("in_force", OFFICER.organisation, CITY)
    assert (plan.places, plan.taken, plan.free, plan.version) == (90, 0, 90, 1)
    told = [(e.organisation, e.kind, e.count) for e in await world.events(WorkWaiting)]
    assert (CITY, "plan_filed", 2) in told
    assert {(SCHOOL.code, "plan_set", 1), (OTHER_SCHOOL.code, "plan_set", 1)} <= set(told)


@pytest.mark.clause("4.2")
async def test_every_version_stays(world: World):
    await set_(world)
    await set_(world, given(places=80, reason="按规模核定"))
    again = await set_(world, given(places=80))
    assert again.items[0].outcome == "unchanged"
    plan = await plan_of(world)
    assert [(v.version, v.places, v.reason) for v in plan.versions] == [(1, 90, ""), (2, 80, "按规模核定")]


@pytest.mark.clause("4.2")
async def test_one_that_is_refused_keeps_all_from_being_set(world: World):
    reply = await set_(world, given(), given(OTHER_SCHOOL.code, places=91))
    assert codes(reply) == ["plan.over_size_classes"]
    assert not await world.sql("SELECT 1 FROM enrolment_plans")
    assert not await world.sql("SELECT 1 FROM outbox")


@pytest.mark.clause("3.1", "4.2")
@pytest.mark.parametrize("school", [FAR_SCHOOL.code, "2123999999", OFFICER.organisation])
async def test_only_the_supervising_authority_sets_a_plan(world: World, school: str):
    assert codes(await set_(world, given(school))) == ["plan.out_of_reach"]
    assert codes(await set_(world, given(), who=CITY_OFFICER)) == ["plan.out_of_reach"]


@pytest.mark.clause("4.2")
async def test_a_plan_is_not_set_over_one_that_has_changed_meanwhile(world: World):
    await set_(world)
    await set_(world, given(places=80, version=1))
    reply = await set_(world, given(places=70, version=1))
    assert isinstance(reply, Refused) and reply.kind == "conflict"
    assert (await plan_of(world)).places == 80
    assert isinstance(await set_(world, given(places=70, version=0)), Refused)


@pytest.mark.clause("4.2")
async def test_the_same_school_twice_in_a_set(world: World):
    assert codes(await set_(world, given(), given(places=80))) == ["plan.twice"]


@pytest.mark.clause("4.2")
async def test_the_dry_run_sets_nothing_and_says_all(world: World):
    query = PrecheckPlans(actor=OFFICER, plans=(given(), given(OTHER_SCHOOL.code, places=91), given(FAR_SCHOOL.code)))
    checked = await world.ask(query)
    assert [item.outcome for item in checked.items] == ["created", "refused", "refused"]
    assert checked.refused == 2
    assert not await world.sql("SELECT 1 FROM enrolment_plans")


@pytest.mark.clause("4.3")
async def test_a_plan_never_goes_below_the_places_taken(world: World):
    await set_(world)
    for _ in range(3):
        await world.one()
    assert (await plan_of(world)).taken == 3
    assert codes(await set_(world, given(classes=1, places=2))) == ["plan.below_taken"]
    assert (await set_(world, given(classes=1, places=3))).items[0].outcome == "changed"
    assert (await plan_of(world)).free == 0


@pytest.mark.clause("4.2", "24.2.1")
async def test_pupils_who_stay_count_and_those_who_leave_do_not(world: World):
    """2026: cohorts 2021 to 2025 are in grades 2 to 6; the one of 2020 has left; that of 2026 enters by the plan."""
    await set_(world)
    for number, (cohort, pupils) in enumerate(((2020, 300), (2021, 1000), (2025, 911), (2026, 50))):
        await world.sql(
            """INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document,
                                     student_number, number_kind, verification, stage, cohort, placement, state,
                                     registered_at, live)
               SELECT $1 || n, $1 || n, $2, '王', '1', '2018-01-01', '1', '', 'L', 'L', 'pending', 'primary', $3,
                      'ordinary', 'in_school', now(), true
               FROM generate_series(1, $4::int) n""",
            f"s{number}-",
            SCHOOL.code,
            cohort,
            pupils,
        )
    # 2,261 today, above 2,000: it may not grow above today's number.
    assert (await set_(world, given(classes=8, places=350))).items[0].outcome == "changed"
    assert codes(await set_(world, given(classes=8, places=351))) == ["plan.large_school"]


@pytest.mark.clause("4.4")
async def test_a_change_is_asked_for_by_the_school_and_decided_by_the_authority(world: World):
    await set_(world)
    change = await ask(world, 3, 120)
    assert (change.state, change.former_places, change.places) == ("waiting", 90, 120)
    assert (await plan_of(world)).waiting_change == change.id
    told = [e for e in await world.events(WorkWaiting) if e.kind == "plan_change_asked"]
    assert [e.organisation for e in told] == [OFFICER.organisation]
    done = await decide(world, change, places=110)
    assert (done.state, done.granted_classes, done.granted_places) == ("approved", 3, 110)
    plan = await plan_of(world)
    assert (plan.places, plan.version, plan.waiting_change) == (110, 2, None)
    assert plan.versions[-1].change_id == change.id
    assert [e.organisation for e in await world.events(WorkWaiting) if e.kind == "plan_change_decided"] == [
        SCHOOL.code
    ] * 2


@pytest.mark.clause("4.4")
async def test_a_rejected_change_changes_nothing(world: World):
    await set_(world)
    change = await ask(world, 3, 120)
    assert isinstance(await decide(world, change, "reject"), Refused)  # without a reason
    done = await decide(world, change, "reject", reason="办学条件不足")
    assert (done.state, done.decision_reason) == ("rejected", "办学条件不足")
    assert (await plan_of(world)).places == 90
    assert (await decide(world, change)).kind == "conflict"


@pytest.mark.clause("4.4")
async def test_only_one_change_waits_and_the_school_may_take_it_back(world: World):
    await set_(world)
    first = await ask(world, 3, 120)
    assert (await ask(world, 3, 130)).kind == "conflict"
    taken_back = await world.do(WithdrawPlanChange(command_id=world.id(), actor=REGISTRAR, change_id=first.id))
    assert taken_back.state == "withdrawn"
    world.clock.pass_(minutes=1)
    second = await ask(world, 3, 130)
    page = await world.ask(ListPlanChanges(actor=OFFICER))
    assert [(item.id, item.state) for item in page.items] == [(second.id, "waiting"), (first.id, "withdrawn")]


@pytest.mark.clause("4.2", "4.4")
async def test_nothing_is_asked_for_or_granted_that_the_rules_refuse(world: World):
    await set_(world)
    assert codes(await ask(world, 2, 91))[2] == "plan.over_size_classes"
    change = await ask(world, 3, 120)
    assert "plan.over_size_classes" in codes(await decide(world, change, classes=2, places=120))
    plan = store.plan_id(SCHOOL.code, 2026, "primary")
    said = await world.ask(PrecheckPlanChange(actor=PRINCIPAL, plan_id=plan, classes=2, places=91))
    assert said.decision.refused


@pytest.mark.clause("3.1", "4.4")
async def test_who_may_not_ask_or_decide(world: World):
    await set_(world)
    stranger = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    assert (await ask(world, 3, 120, who=stranger)).kind == "not_found"
    assert (await ask(world, 3, 120, who=OFFICER)).kind == "forbidden"
    change = await ask(world, 3, 120)
    for who, kind in ((PRINCIPAL, "forbidden"), (CITY_OFFICER, "not_found"), (FAR_OFFICER, "not_found")):
        assert (await decide(world, change, who=who)).kind == kind


@pytest.mark.clause("4.2")
async def test_the_city_returns_a_filed_plan_and_no_place_is_given_until_it_is_set_anew(world: World):
    await set_(world)
    await world.one()
    plan = store.plan_id(SCHOOL.code, 2026, "primary")

    def back(who: Any, reason: str = "超出办学规模") -> ReturnPlan:
        return ReturnPlan(command_id=world.id(), actor=who, plan_id=plan, reason=reason)

    assert (await world.do(back(OFFICER))).kind == "not_found"  # it is filed with the city
    assert (await world.do(back(CITY_OFFICER, "  "))).kind == "invalid"
    done = await world.do(back(CITY_OFFICER))
    assert (done.state, done.free, done.taken, done.return_reason) == ("returned", 0, 1, "超出办学规模")
    async with world.db.transaction() as tx:
        assert await store.hold(tx, SCHOOL.code, 2026, Stage.PRIMARY) is None
    assert (await world.do(back(CITY_OFFICER))).kind == "conflict"
    assert {e.organisation for e in await world.events(WorkWaiting) if e.kind == "plan_returned"} == {
        OFFICER.organisation, SCHOOL.code,
    }  # fmt: skip
    assert (await set_(world, given())).items[0].outcome == "changed"  # the same numbers, issued again
    assert (await plan_of(world)).state == "in_force"


@pytest.mark.clause("3.1")
async def test_who_sees_which_plans(world: World):
    await set_(world)
    await set_(world, given(OTHER_SCHOOL.code))
    await set_(world, given(FAR_SCHOOL.code), who=FAR_OFFICER)

    async def seen(who: Any, **more: Any) -> list[str]:
        return [item.school for item in (await world.ask(ListPlans(actor=who, **more))).items]

    assert await seen(OFFICER) == await seen(CITY_OFFICER, filed=True) == [SCHOOL.code, OTHER_SCHOOL.code]
    assert await seen(OFFICER, filed=True) == []
    assert await seen(REGISTRAR) == [SCHOOL.code]
    assert await seen(FAR_OFFICER) == [FAR_SCHOOL.code]
    first = await world.ask(ListPlans(actor=OFFICER, limit=1))
    assert await seen(OFFICER, limit=1, cursor=first.next_cursor) == [OTHER_SCHOOL.code]
    assert (
        await world.ask(GetPlan(actor=FAR_OFFICER, plan_id=store.plan_id(SCHOOL.code, 2026, "primary")))
    ).kind == "not_found"


async def test_a_closed_year_is_not_planned(world: World):
    world.clock.moment = world.clock.moment.replace(year=2027, month=7, day=31)
    assert (await set_(world)).items[0].outcome == "created"  # until the end of July it is the present one
    world.clock.moment = world.clock.moment.replace(month=8, day=1)
    assert codes(await set_(world, given(places=80))) == ["plan.wrong_year"]
    assert world.clock.today() == date(2027, 8, 1)
