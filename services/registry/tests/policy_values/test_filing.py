"""Filing to the province: acknowledged, or returned in time or too late (clause 49, ADR 12)."""

from __future__ import annotations

import asyncio
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
from registry.policy_values import store
from registry_world import World, codes
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.policy import DecideFiling, Filing, ListFilings, ListPolicyValues, PolicyChanged
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("49")]


async def decide(
    world: World, value_id: str, decision: str = "acknowledge", who: Any = PROVINCE_OFFICER, **more: Any
) -> Any:
    return await world.do(
        DecideFiling(command_id=world.id(), actor=who, value_id=value_id, decision=decision, **more)  # type: ignore[arg-type]
    )


async def holds(world: World) -> int:
    await local_world(world)
    return world.deps.policy.parameters(COUNTY, TOMORROW).class_size_primary


async def test_the_province_acknowledges(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    filing = await decide(world, value.id, who=officer("230000", Role.LEADER))
    assert isinstance(filing, Filing)
    assert (filing.state, filing.version, filing.value.standing) == ("acknowledged", 2, "future")
    assert await holds(world) == 40
    again = await decide(world, value.id)
    assert isinstance(again, Refused)
    assert again.kind == "conflict"


async def test_what_is_returned_in_time_does_not_take_effect(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    filing = await decide(world, value.id, "return", reason="没有集体研究记录")
    assert (filing.state, filing.reason, filing.value.standing) == ("returned", "没有集体研究记录", "returned")
    assert not filing.value.successor_due
    assert await holds(world) == 45
    told = [e for e in await world.events(WorkWaiting) if e.kind == "policy_returned"]
    assert {(e.organisation, e.role) for e in told} == {(COUNTY, Role.AUTHORITY_OFFICER), (COUNTY, Role.LEADER)}
    assert all("没有集体研究记录" in e.detail and "不再生效" in e.detail for e in told)
    assert [e.act for e in await world.events(PolicyChanged)] == ["published", "returned"]
    assert not isinstance(await publish(world, COUNTY_LEADER, value=41), Refused), "another may be published"


async def test_what_holds_already_goes_on_until_a_successor_is_published(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    world.clock.pass_(days=2)
    filing = await decide(world, value.id, "return", reason="低于当地办学条件")
    assert (filing.state, filing.value.standing, filing.value.successor_due) == ("returned", "in_force", True)
    assert await holds(world) == 40
    async with world.db.transaction() as tx:
        assert [row.id for row in await store.successors_due(tx, world.clock.today())] == [value.id]
    told = [e for e in await world.events(WorkWaiting) if e.kind == "policy_returned"]
    assert all("尽快发布新的值" in e.detail for e in told)
    world.clock.pass_(hours=1)
    day = world.clock.today().replace(day=world.clock.today().day + 1)
    await publish(world, COUNTY_LEADER, value=43, valid_from=day)
    page = await world.ask(ListPolicyValues(actor=PROVINCE_OFFICER, division=COUNTY))
    assert [(v.value, v.successor_due) for v in page.items] == [(43, False), (40, False)]
    async with world.db.transaction() as tx:
        assert await store.successors_due(tx, world.clock.today()) == []


async def test_the_last_minutes_before_a_day_are_too_late_to_stop_it(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    world.clock.pass_(hours=13, minutes=50)
    filing = await decide(world, value.id, "return", reason="晚了")
    assert (filing.value.standing, filing.value.successor_due) == ("future", True)
    assert await holds(world) == 40


async def test_bounds_that_others_lean_on_are_not_returned(world: World) -> None:
    await publish(world, officer(HARBIN), value=44, low=43, high=45)
    wide = await publish(
        world, officer(HARBIN), value=44, low=30, high=45, valid_from=TOMORROW.replace(day=TOMORROW.day + 1)
    )
    await publish(world, COUNTY_LEADER, value=31, valid_from=TOMORROW.replace(day=TOMORROW.day + 2))
    reply = await decide(world, wide.id, "return", reason="过宽")
    assert codes(reply) == ["policy.outlaws_lower"]
    assert (await decide(world, wide.id)).state == "acknowledged"


@pytest.mark.parametrize("reason", ["", "  ", "一\n二"])
async def test_a_return_has_a_reason(world: World, reason: str) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    assert codes(await decide(world, value.id, "return", reason=reason)) == ["policy.no_reason"]
    assert await holds(world) == 40


async def test_an_older_version_and_an_unknown_one(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    assert (await decide(world, value.id, version=7)).kind == "conflict"
    assert (await decide(world, "nowhere")).kind == "not_found"
    own = await publish(world, PROVINCE_OFFICER, key="class_size_junior", value=50, low=1, high=45)
    assert isinstance(own, Refused)
    own = await publish(world, PROVINCE_OFFICER, key="class_size_junior", value=45, low=1, high=45)
    assert (await decide(world, own.id)).kind == "not_found", "the province's own are not filed"


@pytest.mark.parametrize("who", [officer(COUNTY), officer(HARBIN), officer(HARBIN, Role.LEADER)])
async def test_nobody_else_decides(world: World, who: Any) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    assert (await decide(world, value.id, who=who)).kind == "not_found"


async def test_the_province_sees_all_an_authority_its_own(world: World) -> None:
    for n, division in enumerate((COUNTY, NEIGHBOUR, "230202")):
        await publish(world, officer(division), value=40 + n)
        world.clock.pass_(seconds=1)
    await publish(world, PROVINCE_OFFICER, key="class_size_junior", value=49, low=1, high=49)

    async def seen(who: Any, **query: Any) -> list[str]:
        page = await world.ask(ListFilings(actor=who, **query))
        return [filing.value.division for filing in page.items]

    assert await seen(PROVINCE_OFFICER) == ["230202", NEIGHBOUR, COUNTY], "newest first, and none of the province's"
    assert set(await seen(officer(COUNTY))) == {COUNTY}
    assert set(await seen(officer("230200"))) == {"230202"}
    first = (await world.ask(ListFilings(actor=officer(COUNTY)))).items[0]
    await decide(world, first.id)
    assert await seen(officer(COUNTY), state="waiting") == []
    assert await seen(officer(COUNTY), state="acknowledged") == [COUNTY]
    page = await world.ask(ListFilings(actor=PROVINCE_OFFICER, limit=1))
    rest = await world.ask(ListFilings(actor=PROVINCE_OFFICER, limit=1, cursor=page.next_cursor))
    assert page.items[0].id != rest.items[0].id


async def test_two_decisions_at_once_are_one(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    replies = await asyncio.gather(
        decide(world, value.id), decide(world, value.id, "return", reason="甲"), decide(world, value.id)
    )
    assert sum(isinstance(reply, Filing) for reply in replies) == 1
