"""Reminders and escalation, as days pass (clause 24.6.4)."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from shared_contracts.actors import Role
from worklist_desk import CITY, CITY_OFFICER, COUNTY, LEADER, OFFICER, SCHOOL, WorklistDesk, actor, case

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.4")]
FIRST, LAST, OVERDUE = "催办：转学", "末次催办：转学", "已逾期：转学"
ABOVE = "督办：转学逾期未办"


async def test_each_mark_is_said_once_on_its_day(desk: WorklistDesk) -> None:
    await desk.tell(case("1"), case("2"), case("3", due_on=None))
    said: list[str] = []
    for day, new in ((20, []), (21, [FIRST]), (22, []), (23, [LAST]), (24, []), (25, [OVERDUE]), (28, [])):
        desk.clock.go_to(date(2026, 9, day))
        await desk.remind()
        await desk.remind()
        said = sorted([*said, *new])
        assert await desk.titles(OFFICER) == said, day
    assert await desk.titles(LEADER) == []
    assert await desk.titles(CITY_OFFICER) == await desk.titles(actor(Role.LEADER, CITY)) == [ABOVE]
    first = next(body for body in await desk.bodies(OFFICER) if "还有3个工作日" in body)
    assert "有2件转学等待" in first
    assert (await desk.bodies(CITY_OFFICER))[0].startswith("哈尔滨市道里区教育行政部门有2件转学")


async def test_a_clock_that_jumps_says_the_last_mark_only(desk: WorklistDesk) -> None:
    await desk.tell(case("1"))
    desk.clock.go_to(date(2026, 10, 20))
    assert await desk.remind() == 1
    assert await desk.titles(OFFICER) == [OVERDUE]
    assert {row["mark"] for row in await desk.sql("SELECT mark FROM reminders")} == {"first", "last", "overdue"}


async def test_a_step_begun_anew_is_reminded_of_anew(desk: WorklistDesk) -> None:
    await desk.tell(case("1"))
    desk.clock.go_to(date(2026, 9, 21))
    await desk.remind()
    await desk.tell(
        case("1", 1, status="returned", step="resubmit", organisation=SCHOOL, roles=(Role.REGISTRAR,), due_on=None)
    )
    desk.clock.go_to(date(2026, 9, 29))
    assert await desk.remind() == 0  # the clock stands still
    await desk.tell(case("1", 2, due_on=date(2026, 9, 30)))
    assert await desk.remind() == 1
    assert await desk.titles(OFFICER) == sorted([FIRST, LAST])


async def test_what_has_gone_on_is_not_reminded_of(desk: WorklistDesk) -> None:
    await desk.tell(case("1"))
    await desk.tell(case("1", 1, status="approved", step=None, organisation=None, roles=(), due_on=None))
    desk.clock.go_to(date(2026, 10, 20))
    assert await desk.remind() == 0


async def test_of_a_school_the_authority_hears(desk: WorklistDesk) -> None:
    await desk.tell(case("1", organisation=SCHOOL, roles=(Role.PRINCIPAL,), superior=COUNTY))
    desk.clock.go_to(date(2026, 9, 25))
    await desk.remind()
    assert await desk.titles(actor(Role.PRINCIPAL, SCHOOL)) == [OVERDUE]
    assert await desk.titles(OFFICER) == [ABOVE]


async def test_two_copies_at_once_say_it_once(desk: WorklistDesk) -> None:
    await desk.tell(*(case(f"{n:04d}") for n in range(700)))
    desk.clock.go_to(date(2026, 9, 21))
    done = await asyncio.gather(*(desk.remind() for _ in range(4)))
    assert sum(done) + await desk.remind() == 700
    assert await desk.bodies(OFFICER) == [
        "有700件转学等待“转入学校主管部门核准”，距办理期限（2026年9月24日）还有3个工作日。请及时办理。"
    ]
    assert [row["n"] for row in await desk.sql("SELECT count(*) AS n FROM reminders")] == [700]


async def test_what_is_told_anew_with_the_same_last_day_is_not_said_again(desk: WorklistDesk) -> None:
    """Once a day all open work is told anew, and a calendar may only confirm a day: neither is a reason to press."""
    await desk.tell(case("1", provisional=True))
    for day, titles in ((21, [FIRST]), (22, [FIRST]), (23, [FIRST, LAST]), (25, [FIRST, LAST, OVERDUE])):
        desk.clock.go_to(date(2026, 9, day))
        await desk.tell(case("1", day))
        await desk.remind()
        await desk.tell(case("1", 10 * day, provisional=False))
        await desk.remind()
        assert await desk.titles(OFFICER) == sorted(titles), day


async def test_a_last_day_that_has_moved_is_reminded_of_by_its_new_day(desk: WorklistDesk) -> None:
    """Said for the 24th; then holidays are published, and the last day is another."""
    await desk.tell(case("1"))
    desk.clock.go_to(date(2026, 9, 21))
    assert await desk.remind() == 1
    await desk.tell(case("1", 1, due_on=date(2026, 10, 9)))
    desk.clock.go_to(date(2026, 9, 28))  # four working days before the 9th: the holidays of October lie between
    assert await desk.remind() == 0
    desk.clock.go_to(date(2026, 9, 29))
    assert await desk.remind() == 1
    assert await desk.titles(OFFICER) == [FIRST, FIRST]
    desk.clock.go_to(date(2026, 10, 8))
    assert await desk.remind() == 1
    assert await desk.titles(OFFICER) == sorted([FIRST, FIRST, LAST])
