"""A school asks for other numbers, the authority decides; a filed plan is sent back (clauses 4.2, 4.4)."""

from __future__ import annotations

from typing import Any

from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.database import driver, insert_rows
from shared_contracts.decisions import Decision, Outcome, Refused, refused
from shared_contracts.messages import word
from shared_contracts.plans import (
    AskPlanChange,
    ChangeView,
    DecidePlanChange,
    PlanGiven,
    PlanPrechecked,
    PlanView,
    PrecheckPlanChange,
    ReturnPlan,
    WithdrawPlanChange,
)

from registry.context import RegistryWork
from registry.enrolment.plans import setting, store, telling, views
from registry.enrolment.plans.setting import Judged
from registry.enrolment.plans.tables import changes
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts

MISSING = "没有这项招生计划，或者它不属于您管理的范围。"
NO_CHANGE = "没有这项调整申请，或者它不属于您管理的范围。"
NO_REASON = "请填写原因，不要换行。"


@clause("4.2")
async def return_plan(work: RegistryWork, command: ReturnPlan) -> PlanView | Refused:
    """What has been taken stays; no further place is given until the plan is set anew. One that nobody has taken
    anything of is at an end with that."""
    await store.lock(work.tx)
    plan = (await store.lock_plans(work.tx, [command.plan_id])).get(command.plan_id)
    target = Target(authority=plan["filed_with"] if plan else None)
    if no := check(command.actor, word(command), target, state=plan["state"] if plan else None, missing=MISSING):
        return no
    assert plan is not None
    if command.version is not None and command.version != plan["version"]:
        return _changed(plan["version"])
    if not command.reason.strip() or not command.reason.isprintable():
        return refused("invalid", NO_REASON)
    await store.give_back(work.tx, command.plan_id, command.reason.strip(), command.actor, work.now)
    telling.returned(work, dict(plan), command.reason.strip())
    return await views.plan_view(work, command.plan_id)


@clause("4.4")
async def ask_plan_change(work: RegistryWork, command: AskPlanChange) -> ChangeView | Refused:
    """By the school; the rules are asked first, so that nothing is asked for that could not be granted."""
    found = await _plan_of(work, command.actor, word(command), command.plan_id)
    if isinstance(found, Refused):
        return found
    plan, school = found
    if not command.reason.strip() or not command.reason.isprintable():
        return refused("invalid", NO_REASON)
    if (command.classes, command.places) == (plan["classes"], plan["places"]):
        return refused("invalid", "与现行计划相同，不需要调整。")
    judged = await _judge(work, plan, command.classes, command.places)
    if no := _against(judged):
        return no
    row = {
        "id": command.change_id,
        "plan_id": command.plan_id,
        "school": school.code,
        "classes": command.classes,
        "places": command.places,
        "reason": command.reason.strip(),
        "account": command.actor.account,
        "asked_by": command.actor.name,
        "asked_at": work.now,
        "state": "waiting",
        "version": 1,
    }
    if not await insert_rows(work.tx, changes, [row], on_conflict="DO NOTHING", returning=("id",)):
        return refused("conflict", "这项计划已有一项调整申请等待审批。请等待审批结果，或先撤回。")
    telling.change_asked(work, school.authority, school.name)
    return await views.change_view(work, command.change_id)


async def precheck_plan_change(work: RegistryWork, query: PrecheckPlanChange) -> PlanPrechecked | Refused:
    """What the rules say of these numbers, for the school or its authority."""
    found = await _plan_of(work, query.actor, word(query), query.plan_id)
    if isinstance(found, Refused):
        return found
    plan, _ = found
    judged = await _judge(work, plan, query.classes, query.places)
    return PlanPrechecked(decision=Decision(findings=judged.findings))


@clause("4.4")
async def decide_plan_change(work: RegistryWork, command: DecidePlanChange) -> ChangeView | Refused:
    """An approved change is a new version, by the same rules as any other; perhaps with other numbers than asked for."""
    await store.lock(work.tx)
    change = await _lock_change(work, command.change_id)
    school = await organisations.school(work.tx, change["school"]) if change else None
    target = Target(authority=school.authority if school else None)
    state = change["state"] if change else None
    if no := check(command.actor, word(command), target, state=state, missing=NO_CHANGE):
        return no
    assert change is not None and school is not None
    if command.version is not None and command.version != change["version"]:
        return _changed(change["version"])
    if not command.reason.isprintable() or (command.decision == "reject" and not command.reason.strip()):
        return refused("invalid", NO_REASON)
    if command.decision == "reject":
        await _close_change(work, command, "rejected", None, None)
        telling.change_decided(work, command.change_id, school.code, False, f"原因：{command.reason.strip()}")
        return await views.change_view(work, command.change_id)
    plan = (await store.read_plans(work.tx, [change["plan_id"]]))[change["plan_id"]]
    classes = change["classes"] if command.classes is None else command.classes
    places = change["places"] if command.places is None else command.places
    reason = command.reason.strip() or change["reason"]
    judged = await _judge(work, plan, classes, places, locked=True, reason=reason, change_id=change["id"])
    if no := _against(judged):
        return no
    await setting.carry_out(work, command.actor, [judged])
    await _close_change(work, command, "approved", classes, places)
    detail = f"{classes}个班，{places}个学位，即日起执行。"
    telling.change_decided(work, command.change_id, school.code, True, detail)
    return await views.change_view(work, command.change_id)


@clause("4.4")
async def withdraw_plan_change(work: RegistryWork, command: WithdrawPlanChange) -> ChangeView | Refused:
    change = await _lock_change(work, command.change_id)
    target = Target(school=change["school"] if change else None)
    state = change["state"] if change else None
    if no := check(command.actor, word(command), target, state=state, missing=NO_CHANGE):
        return no
    assert change is not None
    if command.version is not None and command.version != change["version"]:
        return _changed(change["version"])
    await (await driver(work.tx)).execute(
        """UPDATE enrolment_plan_changes SET state = 'withdrawn', decided_account = $2, decided_by = $3, decided_at = $4,
                  version = version + 1 WHERE id = $1""",
        command.change_id,
        command.actor.account,
        command.actor.name,
        work.now,
    )
    return await views.change_view(work, command.change_id)


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _plan_of(work: RegistryWork, actor: Any, act: str, plan_id: str) -> tuple[Any, SchoolFacts] | Refused:
    """A plan and its school, if the actor may do this to it."""
    plan = (await store.read_plans(work.tx, [plan_id])).get(plan_id)
    school = await organisations.school(work.tx, plan["school"]) if plan else None
    target = Target(school=school.code, authority=school.authority) if school else Target()
    if no := check(actor, act, target, state=plan["state"] if plan else None, missing=MISSING):
        return no
    if plan is None or school is None:
        return refused("not_found", MISSING)
    return plan, school


async def _judge(
    work: RegistryWork,
    plan: Any,
    classes: int,
    places: int,
    *,
    locked: bool = False,
    reason: str = "",
    change_id: str | None = None,
) -> Judged:
    """By the rules of setting, whoever asks: as the authority would set it."""
    given = PlanGiven(
        school=plan["school"],
        school_year=plan["school_year"],
        stage=plan["stage"],
        classes=classes,
        places=places,
        reason=reason,
    )
    (judged,) = await setting.judge(work, [(1, given)], lambda school: True, locked=locked, change_id=change_id)
    return judged


def _against(judged: Judged) -> Refused | None:
    found = [finding for finding in judged.findings if finding.outcome is Outcome.REFUSE]
    if not found:
        return None
    detail = "".join(f"{finding.message}。{finding.cure}。" for finding in found[:3])
    return refused("refused", detail, *judged.findings)


def _changed(version: int) -> Refused:
    return refused("conflict", f"内容已被更改（版本{version}）。请刷新后再办理。")


async def _lock_change(work: RegistryWork, change_id: str) -> Any:
    return await (await driver(work.tx)).fetchrow(
        "SELECT * FROM enrolment_plan_changes WHERE id = $1 FOR UPDATE", change_id
    )


async def _close_change(
    work: RegistryWork, command: DecidePlanChange, state: str, classes: int | None, places: int | None
) -> None:
    await (await driver(work.tx)).execute(
        """UPDATE enrolment_plan_changes
           SET state = $2, granted_classes = $3, granted_places = $4, decision_reason = $5, decided_account = $6,
               decided_by = $7, decided_at = $8, version = version + 1
           WHERE id = $1""",
        command.change_id,
        state,
        classes,
        places,
        command.reason.strip() or None,
        command.actor.account,
        command.actor.name,
        work.now,
    )
