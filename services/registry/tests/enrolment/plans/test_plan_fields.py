"""Each wrong field of each act on plans: what is wrong, where, why and the cure; nothing is half done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import pytest_asyncio
from registry.enrolment.plans import setting, store
from registry_world import CITY, OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, World, actor
from service_kit import paging
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.plans import (
    AskPlanChange,
    DecidePlanChange,
    ListPlanChanges,
    ListPlans,
    PlanGiven,
    PrecheckPlans,
    ReturnPlan,
    SetPlans,
    WithdrawPlanChange,
)

pytestmark = pytest.mark.integration
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
PLAN = store.plan_id(SCHOOL.code, 2026, "primary")
UNREADABLE = ("两行\n说明", "看不见\u200b的字", "零\x00字符")
NO_REASON = ("", "　 ", *UNREADABLE)


def given(school: str = SCHOOL.code, **changes: Any) -> PlanGiven:
    values = {"school": school, "school_year": 2026, "stage": "primary", "classes": 2, "places": 90}
    return PlanGiven(**values | changes)


async def set_(world: World, *plans: PlanGiven) -> Any:
    return await world.do(SetPlans(command_id=world.id(), actor=OFFICER, plans=plans))


async def state(world: World) -> list[Any]:
    """All that an act on plans can change, and what would be told of it."""
    return [
        await world.sql(f"SELECT t::text FROM {table} t ORDER BY 1")
        for table in ("enrolment_plans", "enrolment_plan_versions", "enrolment_plan_changes", "outbox")
    ]


async def refused(world: World, command: Any, kind: str) -> Refused:
    before = await state(world)
    reply = await world.do(command)
    assert isinstance(reply, Refused) and reply.kind == kind, reply
    assert reply.detail.endswith("。")
    assert await state(world) == before
    return reply


@pytest_asyncio.fixture
async def planned(world: World) -> World:
    """Two classes and ninety places, three of them taken."""
    await set_(world, given())
    for _ in range(3):
        await world.one()
    return world


# ---- setting ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("2", "3.1", "4.1", "4.2", "4.3")
@pytest.mark.parametrize(
    ("changes", "clause", "code", "fields", "cure"),
    [
        ({"school": "2123999999"}, "3.1", "plan.out_of_reach", ("school",), "核对学校标识码"),
        ({"stage": "junior", "places": 100}, "2", "plan.stage_not_carried", ("stage",), "核对学校和学段"),
        ({"school_year": 2025}, "4.1", "plan.wrong_year", ("school_year",), "2026年或2027年"),
        ({"school_year": 2028}, "4.1", "plan.wrong_year", ("school_year",), "2026年或2027年"),
        ({"places": 91}, "4.2", "plan.over_size_classes", ("places", "classes"), "不超过90个，或增加班数到3个"),
        ({"classes": 0}, "4.2", "plan.over_size_classes", ("places", "classes"), "增加班数到2个"),
        ({"classes": 45, "places": 2_001}, "4.2", "plan.large_school", ("places",), "不超过2000个"),
        ({"places": 2}, "4.3", "plan.below_taken", ("places",), "不少于3个"),
        *[({"reason": text}, "4.2", "plan.reason_unreadable", ("reason",), "写成一行") for text in UNREADABLE],
    ],
)  # fmt: skip
async def test_each_wrong_field_of_a_plan(
    planned: World, changes: dict[str, Any], clause: str, code: str, fields: tuple[str, ...], cure: str
):
    """With a good one beside it, which is not set either; and the dry run says the same."""
    wrong, good = given(**changes), given(OTHER_SCHOOL.code)
    reply = await refused(planned, SetPlans(command_id=planned.id(), actor=OFFICER, plans=(good, wrong)), "refused")
    assert reply.detail.startswith("有1项计划不符合要求，没有下达任何计划。")
    (finding,) = reply.findings
    assert (finding.clause, finding.code, finding.fields) == (clause, code, fields)
    assert cure in (finding.cure or "") and finding.message in reply.detail
    assert finding.message.startswith("第2项：") and finding.facts["row"] == 2
    checked = await planned.ask(PrecheckPlans(actor=OFFICER, plans=(good, wrong)))
    assert [(item.row, item.outcome) for item in checked.items] == [(1, "created"), (2, "refused")]
    (same,) = checked.items[1].findings
    assert (same.code, same.cure, f"第2项：{same.message}") == (code, finding.cure, finding.message)


@pytest.mark.clause("4.2")
async def test_nothing_and_too_much_at_once(world: World):
    assert (
        "至少填写一所学校"
        in (await refused(world, SetPlans(command_id=world.id(), actor=OFFICER, plans=()), "invalid")).detail
    )
    many = tuple(given(f"21{n:08d}") for n in range(setting.MOST + 1))
    reply = await refused(world, SetPlans(command_id=world.id(), actor=OFFICER, plans=many), "too_large")
    assert "分批" in reply.detail
    assert (await world.ask(PrecheckPlans(actor=OFFICER, plans=many))).kind == "too_large"


@pytest.mark.clause("4.2")
async def test_the_reason_is_shown_with_the_dry_run(world: World):
    """So that what a workbook says is set with its numbers."""
    (item,) = (await world.ask(PrecheckPlans(actor=OFFICER, plans=(given(reason="南教发〔2026〕5号"),)))).items
    assert item.reason == "南教发〔2026〕5号"


# ---- filed plans that are returned -----------------------------------------------------------------------------------


@pytest.mark.clause("4.2")
@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        *[({"reason": text}, "invalid", "填写原因") for text in NO_REASON],
        ({"version": 2}, "conflict", "刷新"),
        ({"plan_id": "none"}, "not_found", "没有这项招生计划"),
        ({"actor": OFFICER}, "not_found", "没有这项招生计划"),
        ({"actor": PRINCIPAL}, "forbidden", "权限"),
    ],
)
async def test_each_wrong_field_of_a_return(planned: World, changes: dict[str, Any], kind: str, said: str):
    command = ReturnPlan(command_id=planned.id(), actor=CITY_OFFICER, plan_id=PLAN, reason="超出规模", version=1)
    reply = await refused(planned, msgspec.structs.replace(command, **changes), kind)
    assert kind == "forbidden" or said in reply.detail


# ---- changes ---------------------------------------------------------------------------------------------------------


def ask(world: World, **changes: Any) -> AskPlanChange:
    values = {"plan_id": PLAN, "classes": 3, "places": 120, "reason": "新建住宅区交付", "actor": PRINCIPAL}
    return AskPlanChange(command_id=world.id(), change_id=world.id("change"), **values | changes)


@pytest.mark.clause("4.4")
@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        *[({"reason": text}, "invalid", "填写原因") for text in NO_REASON],
        ({"classes": 2, "places": 90}, "invalid", "相同"),
        ({"places": 136}, "refused", "不超过135个"),
        ({"classes": 45, "places": 2_001}, "refused", "不超过2000个"),
        ({"places": 2}, "refused", "不少于3个"),
        ({"plan_id": "none"}, "not_found", "没有这项招生计划"),
        ({"actor": actor(Role.PRINCIPAL, OTHER_SCHOOL.code)}, "not_found", "没有这项招生计划"),
    ],
)
async def test_each_wrong_field_of_a_change_that_is_asked_for(
    planned: World, changes: dict[str, Any], kind: str, said: str
):
    reply = await refused(planned, ask(planned, **changes), kind)
    assert said in reply.detail
    if kind == "refused":
        assert all(finding.cure and finding.fields for finding in reply.findings if finding.outcome == "refuse")


@pytest.mark.clause("4.4")
async def test_nothing_is_asked_of_a_plan_that_was_returned(planned: World):
    await planned.do(ReturnPlan(command_id=planned.id(), actor=CITY_OFFICER, plan_id=PLAN, reason="超出规模"))
    await refused(planned, ask(planned), "conflict")


@pytest.mark.clause("4.4")
@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        *[({"decision": "reject", "reason": text}, "invalid", "填写原因") for text in NO_REASON],
        *[({"reason": text}, "invalid", "不要换行") for text in UNREADABLE],
        ({"classes": 1, "places": 46}, "refused", "不超过45个"),
        ({"places": 136}, "refused", "增加班数到4个"),
        ({"places": 2}, "refused", "不少于3个"),
        ({"version": 2}, "conflict", "刷新"),
        ({"change_id": "none"}, "not_found", "没有这项调整申请"),
        ({"actor": CITY_OFFICER}, "not_found", "没有这项调整申请"),
    ],
)
async def test_each_wrong_field_of_a_decision(planned: World, changes: dict[str, Any], kind: str, said: str):
    change = await planned.do(ask(planned))
    values = {"change_id": change.id, "decision": "approve", "actor": OFFICER, "version": 1}
    reply = await refused(planned, DecidePlanChange(command_id=planned.id(), **values | changes), kind)
    assert said in reply.detail


@pytest.mark.clause("4.4")
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"version": 9}, "conflict"),
        ({"change_id": "none"}, "not_found"),
        ({"actor": actor(Role.REGISTRAR, OTHER_SCHOOL.code)}, "not_found"),
        ({"actor": OFFICER}, "forbidden"),
    ],
)
async def test_each_wrong_field_of_a_withdrawal(planned: World, changes: dict[str, Any], kind: str):
    change = await planned.do(ask(planned))
    values = {"change_id": change.id, "actor": REGISTRAR, "version": 1}
    await refused(planned, WithdrawPlanChange(command_id=planned.id(), **values | changes), kind)
    done = await planned.do(WithdrawPlanChange(command_id=planned.id(), **values))
    assert done.state == "withdrawn"
    await refused(planned, WithdrawPlanChange(command_id=planned.id(), **values | {"version": None}), "conflict")


# ---- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [ListPlans, ListPlanChanges])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "好",
        paging.encode("gestern", "x"),
        paging.encode(1),
        paging.encode(10**30, "a", "b"),
        paging.encode(2**31, "a", "b"),
    ],
)
async def test_a_cursor_that_is_none_of_ours(planned: World, query: Any, cursor: str):
    reply = await planned.ask(query(actor=OFFICER, cursor=cursor))
    assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail == paging.NO_CURSOR
