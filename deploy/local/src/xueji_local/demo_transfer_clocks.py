"""The clocks of a transfer (24.6.4) as the calendar counts them, held against what the system says of them: the timeline, the
work queue of whoever has to act, what a guardian sees."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import httpx
import msgspec
from regulation.calendar import Calendar
from service_kit.clock import ZONE
from shared_contracts.transfer import STATE_TITLES, Step, StepView, TransferTracked, TransferView
from shared_contracts.worklist import QUEUE_TITLES

from xueji_local.demo_client import ApiProblem, decoded, patiently
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_transfer_case import Filed
from xueji_local.demo_transfer_cast import OLD

RESUBMIT = "resubmit"


@dataclass(frozen=True)
class Clocked:
    """One act with its clock. `arrived`: when it came to whoever acted; `due`: the last day, None where no clock ran;
    `used`, `left`: working days; `paused`: working days that the clock stood still, of a correction."""

    title: str
    decision: str
    who: str
    arrived: date
    acted: date
    due: date | None
    used: int
    left: int | None
    paused: int | None = None
    reason: str = ""


def show_waiting(filed: Filed, step: Step) -> None:
    """What whoever has to act finds in the work queue, with the working days that are left."""
    scene = filed.scene
    client = filed.actor(step)
    row = filed.waiting(client)
    left = "" if row.due_on is None else f"，{row.due_on}前，还剩{row.days_left}个工作日"
    scene.screen.note(
        f"{scene.today} {client.account.organisation_name}的待办（{QUEUE_TITLES[row.queue]}）：{row.step_title}{left}"
    )
    due = filed.dues[-1]
    counted = None if due is None else scene.calendar.working_days_between(scene.today, due).count
    scene.must((row.due_on, row.days_left) == (due, counted), f"待办中的期限与{due}、{counted}个工作日不一致")


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def clocked(view: TransferView, dues: Sequence[date | None], who: Sequence[str], calendar: Calendar) -> list[Clocked]:
    """The acts of a case after its application, with the clock of each. `dues`: as `Filed.dues`; `who`: of each act."""
    found = []
    arrived = day_of(view.opened_at)
    for act, due, name in zip(view.timeline, dues, who, strict=False):
        acted = day_of(act.decided_at)
        spent = calendar.working_days_between(arrived, acted).count
        corrected = act.decision == RESUBMIT
        found.append(
            Clocked(
                title=act.step_title,
                decision=act.decision_title,
                who=f"{act.organisation_name} {name}".rstrip(),
                arrived=arrived,
                acted=acted,
                due=due,
                used=0 if corrected else spent,
                left=None if due is None else calendar.working_days_between(acted, due).count,
                paused=spent if corrected else None,
                reason=act.reason,
            )
        )
        arrived = acted
    return found


def expected_dues(view: TransferView, days: int, calendar: Calendar) -> list[date | None]:
    """What the last days have to be, by the calendar alone: so many working days a step, those that are left after a
    correction, none while the case is returned or over."""
    due: date | None = calendar.add_working_days(day_of(view.opened_at), days).date
    found, left = [due], days
    for act in view.timeline:
        acted = day_of(act.decided_at)
        last = act.step == Step.RELEASING_AUTHORITY and act.decision == "approve"
        if act.decision == "return":
            left = 0 if due is None else calendar.working_days_between(acted, due).count
            due = None
        elif act.decision == "reroute":
            pass
        elif last or act.decision in ("reject", "withdraw"):
            due = None
        else:
            due = calendar.add_working_days(acted, max(left, 1) if act.decision == RESUBMIT else days).date
        found.append(due)
    return found


def names(filed: Filed) -> list[str]:
    """Who took each step: every party sees the names of its own people alone, so all of them are asked."""
    scene = filed.scene
    parties = (scene.registrar(filed.to), scene.officer(filed.to), scene.principal(OLD), scene.officer(OLD))
    seen: list[tuple[StepView, ...]] = [filed.seen_by(client).timeline for client in parties]
    return [next((act.account_name for act in acts if act.account_name), "") for acts in zip(*seen, strict=True)]


def show_timeline(filed: Filed) -> None:
    scene, view = filed.scene, filed.view
    opened = day_of(view.opened_at)
    registrar = filed.seen_by(scene.registrar(filed.to))
    lines = [("转入学校", f"{view.to_school_name} {registrar.opened_by}".rstrip(), "发起", "", "", str(opened), "", "")]
    found = clocked(view, filed.dues, names(filed), scene.calendar)
    for one in found:
        if one.paused is not None:
            clock = f"退回期间停计{one.paused}个工作日"
        else:
            clock = f"{one.used}" if one.left is None else f"{one.used}，剩余{one.left}"
        lines.append(
            (one.title, one.who, one.decision, str(one.arrived), str(one.due or "—"), str(one.acted), clock, one.reason)
        )
    ended = str(view.completed_on or "")
    lines.append(
        ("学籍转接", "系统", STATE_TITLES[view.state], ended, "—", ended, "", f"{view.grade}年级{view.class_no}班")
    )
    columns = ("环节", "单位和办理人", "决定", "收到", "期限", "办理", "工作日", "意见")
    screen = scene.screen
    screen.grid(f"{view.number} 的经过和期限", columns, lines)
    days = scene.parameters(filed.to).transfer_step_working_days
    screen.note(
        f"每一环节{days}个工作日（第24.6.4条），按国务院公布的节假日计算；退回补正期间停计，重新提交后按剩余天数继续"
    )
    if scene.calendar.working_days_between(opened, view.completed_on or scene.today).provisional:
        screen.note("其间有的年份还没有公布节假日，暂按周一至周五计算；公布后，没有办结的期限自动重算")
    scene.must(
        filed.dues == expected_dues(view, days, scene.calendar),
        f"{view.number} 各环节的期限与按日历计算的不一致：{filed.dues}",
    )
    scene.must(all(one.left is None or one.acted <= (one.due or one.acted) for one in found), "有环节逾期办理")


def show_tracking(filed: Filed) -> None:
    """What the guardian sees without an account: the number on the receipt and the last digits of the phone (24.6.3)."""
    scene, number, digits = filed.scene, filed.view.number, filed.family.phone[-4:]
    key, asked = {"Idempotency-Key": str(uuid.uuid4())}, {"number": number, "digits": digits}
    where = f"{scene.stack.gateway}/v1/transfers/tracking"
    try:
        answer = patiently(lambda: httpx.post(where, json=asked, headers=key, timeout=60, trust_env=False))
    except ApiProblem as problem:
        raise DemoProblem(f"监护人查询没有成功：HTTP {problem.status}") from problem
    found = decoded(answer, TransferTracked)
    scene.screen.grid(
        f"监护人查询：办理编号 {number}，手机后四位 {digits}（不需要账号）",
        ("环节", "单位", "结果", "日期"),
        [
            ("转入学校", found.to_school_name, "已发起", str(day_of(found.opened_at))),
            *(
                (one.title, one.organisation_name, one.decision_title, str(day_of(one.decided_at)))
                for one in found.steps
            ),
            ("现在", found.to_school_name, found.state_title, str(found.completed_on or found.due_on or "")),
        ],
    )
    scene.screen.note(found.note)
    scene.must(filed.family.name not in msgspec.json.encode(found).decode(), "监护人查询的结果中不应有学生姓名")
