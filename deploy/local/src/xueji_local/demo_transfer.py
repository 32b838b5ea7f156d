"""`python -m xueji_local.demo_transfer`: transfers (转学, Article 24) on a running stack, as four parties work on them.

A precheck; a transfer through all approvals up to the moved record; a refusal, an override, a re-routing, each with its
clause; a private school's list, draw and its verification; the timeline of a case with its clocks; a child who comes from
another province. Over HTTP, with the demonstration accounts; days pass in the stack's own clock. What is shown is compared
with what must be. Exit status: 0 all as it must be, 1 something differs (listed), 2 it could not go on.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

import msgspec
from regulation.divisions import DIVISIONS
from shared_contracts.decisions import Outcome
from shared_contracts.transfer import Step, TransferState

from xueji_local.demo_screen import Screen
from xueji_local.demo_stack import carried_out, find_stack, matcher_of
from xueji_local.demo_transfer_case import (
    Filed,
    against,
    application,
    file,
    precheck,
    refused,
    rerouted,
    show_findings,
)
from xueji_local.demo_transfer_cast import FULL, GRADE, NEW, OLD, Family, Listed, Scene, families, filled, with_room
from xueji_local.demo_transfer_clocks import show_timeline, show_tracking, show_waiting
from xueji_local.demo_transfer_lottery import lottery
from xueji_local.demo_transfer_outside import comes
from xueji_local.demo_transfer_records import Record, number_shown, record_of
from xueji_local.layout import Layout

_PUPILS = 3
"""Who is moved, who is overridden for, who is re-routed."""
_REROUTED = 1


def demonstrate(out: Path | None, screen: Screen) -> int:
    begun = time.monotonic()
    layout = Layout()
    stack = find_stack(layout, screen)
    folder = out or layout.home / "demo" / time.strftime("转学-%Y%m%d-%H%M%S")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    screen.recorded()
    people = Listed(layout.home / "demo" / "转学名册中的证件号.txt")
    scene = Scene(stack=stack, matcher=matcher_of(layout, stack), screen=screen, folder=folder, people=people)
    with contextlib.closing(scene):
        screen.heading(f"准备：学校、学生、班级（{stack.gateway}）")
        scene.open()
        moved, twin, sent = _prepared(scene)
        _prechecked(scene, moved)
        case = _through_all(scene, moved)
        _refused(scene, twin)
        _overridden(scene, twin)
        _rerouted(scene, sent)
        screen.heading("六、民办学校：可转入比例、报名、随机录取、核对（第24.5.3、24.5.4条）")
        lottery(scene)
        screen.heading("七、一项转学的经过与期限（第24.6.4条）")
        show_timeline(case)
        show_tracking(case)
        screen.heading("八、由外省转入：本省先核准，外省的决定凭书面材料录入，转入学校建籍（第19、24.5.1条）")
        comes(scene)
    screen.say(f"\n全部用时{time.monotonic() - begun:.1f}秒")
    code = _verdict(scene)
    screen.keep(folder / "演示记录.html")
    screen.note(f"演示记录（网页）和公布的抽签文件在：{folder}")
    return code


def _prepared(scene: Scene) -> list[Family]:
    """Pupils of the old school, a grade that is full in one school and has room in another."""
    scene.leave_the_summer()
    found = families(scene, GRADE, _PUPILS)
    filled(scene, FULL, GRADE)
    with_room(scene, NEW, GRADE, 1 + _REROUTED)
    old, full, new = (scene.desks[key].school for key in (OLD, FULL, NEW))
    scene.screen.note(f"今天是{scene.today}（系统自己的时钟，演示中会往前走）")
    scene.screen.note(f"{len(found)}名{old.name}{GRADE}年级学生全家迁到{DIVISIONS[new.division].name}")
    scene.screen.note(f"{full.name}{GRADE}年级各班都已达到标准班额；{new.name}{GRADE}年级有空余学位")
    return found


def _prechecked(scene: Scene, family: Family) -> None:
    """The school that the family asks first is full: all verdicts, papers, days, and where there is room."""
    screen = scene.screen
    screen.heading("一、预检：监护人到启慧学校询问，什么都不提交（第24.1.3、24.5.1条）")
    found = precheck(scene, FULL, application(scene, family, FULL))
    show_findings(screen, f"结论（依据规则版本 {found.decision.policy_version or '—'}）", found.decision.findings)
    screen.grid(
        "需要的材料（不得要求其他材料）",
        ("材料", "是否已提供"),
        [(one.title, "已提供" if one.given else "未提供") for one in found.evidence],
    )
    screen.grid(
        "今天申请，各环节最迟办理到",
        ("环节", "单位", "工作日", "最迟"),
        [(one.title, one.organisation_name, str(one.days), str(one.last_day)) for one in found.steps],
    )
    near = {"zone": "学区学校", "division": "同一县（市、区）", "city": "同一市（地）"}
    screen.grid(
        "附近有空余学位的公办学校",
        ("学校", "空余学位", "远近"),
        [(one.name, str(one.free), near[one.nearness]) for one in found.nearby],
    )
    missing = found.decision.of(Outcome.REFUSE)
    scene.must(all(one.code.startswith("evidence.") for one in missing), "除了材料以外，预检不应有“不可以”的结论")
    scene.must("24.2.2" in {one.clause for one in against(found.decision.findings)}, "满班的学校，预检没有引用24.2.2")
    new = scene.desks[NEW].school
    scene.must(new.code in {one.code for one in found.nearby}, f"预检没有列出有空余学位的{new.name}")
    old = scene.desks[OLD].school.name
    scene.must(old not in msgspec.json.encode(found).decode(), "预检透露了学生的原就读学校")


def _through_all(scene: Scene, family: Family) -> Filed:
    """Opened, returned, corrected, approved by all; the record moves by itself."""
    screen, old, new = scene.screen, scene.registrar(OLD), scene.registrar(NEW)
    screen.heading("二、转学：转入学校发起，三方依次核准，学籍自动转接（第24.5.1条）")
    before, unseen = record_of(old, family.student_id), record_of(new, family.student_id)
    case = file(scene, NEW, family)
    screen.note(
        f"{scene.today} {case.view.to_school_name}发起，办理编号 {case.view.number}，已为学生保留学位，{_waits(case)}"
    )
    scene.later(2)
    case.decide(Step.RECEIVING_AUTHORITY, "return", reason="居住地址与房产证不一致，请核对楼号", asks=("residence",))
    screen.note(
        f"{scene.today} {case.view.timeline[-1].step_title}：退回补正。{case.view.timeline[-1].reason}。期限停计"
    )
    scene.must(case.view.state is TransferState.RETURNED and case.view.due_on is None, "退回补正后，期限没有停计")
    scene.later(3)
    case.resubmit(residence={"division": scene.desks[NEW].school.division, "address": "建设街8号甲3单元501室"})
    screen.note(f"{scene.today} 转入学校补正后重新提交，{_waits(case)}（按剩余天数继续）")
    for step, days in ((Step.RECEIVING_AUTHORITY, 1), (Step.RELEASING_SCHOOL, 3), (Step.RELEASING_AUTHORITY, 1)):
        scene.later(days)
        show_waiting(case, step)
        case.decide(step)
        act = case.view.timeline[-1]
        screen.note(f"{scene.today} {act.step_title}：{act.decision_title}（{act.organisation_name}）{_then(case)}")
    done = case.arrived()
    screen.note(f"{scene.today} 学籍自动转接：{done.state_title}，{done.grade}年级{done.class_no}班")
    _show_record(scene, family, before, unseen)
    return case


def _show_record(scene: Scene, family: Family, before: Record | None, unseen: Record | None) -> None:
    old, new = scene.registrar(OLD), scene.registrar(NEW)
    after, copy = record_of(new, family.student_id), record_of(old, family.student_id)
    scene.must(before is not None and unseen is None, "转入以前，新学校不应看到学籍，原学校应当看到")
    if before is None or after is None or copy is None:
        scene.failures.append("转入以后，新学校或原学校看不到应当看到的学籍")
        return
    number = number_shown(old, family.student_id)
    copied = f"只读副本（截至{copy.student.copy_as_of}）"
    scene.screen.grid(
        f"{family.name}的学籍",
        ("项目", "转学以前", "转学以后"),
        [
            ("学籍所在学校", before.student.school_name, after.student.school_name),
            ("班级", before.place, after.place),
            ("学籍号", before.student.student_number, after.student.student_number),
            ("学籍经过", before.last, after.last),
            ("新学校看到", "没有这名学生", "全部学籍"),
            ("原学校看到", "全部学籍", copied),
            ("原学校查看完整号码", "可以", number),
        ],
    )
    scene.must(after.student.school == scene.desks[NEW].school.code, "学籍没有转到新学校")
    scene.must(after.student.student_number == before.student.student_number, "转学以后学籍号变了")
    scene.must(after.student.grade == before.student.grade, "转学以后年级变了")
    scene.must(after.journal.intact and after.journal.entries[-1].kind == "transferred", "学籍经过中没有转学的记录")
    scene.must(copy.student.copy_as_of is not None and number != "可以", "原学校保留的不是只读副本")


def _refused(scene: Scene, family: Family) -> None:
    """What the law forbids is nobody's to allow: each with its clause, the reason, and what would make it possible."""
    scene.screen.heading("三、不予受理：依据、原因、怎样办（第24.1.2、24.3.1条）")
    old = scene.desks[OLD].school
    stays = application(
        scene,
        family,
        NEW,
        residence={"division": old.division, "address": f"{DIVISIONS[old.division].name}中央大街17号2单元301室"},
    )
    alone = application(scene, family, NEW, alone_in_household=True)
    for title, clause, body in (
        (f"家还在{old.name}的学区内，想转到省城", "24.1.2", stays),
        ("孩子未满16周岁，单独立户", "24.3.1", alone),
    ):
        found = [one for one in refused(scene, NEW, body) if one.outcome is Outcome.REFUSE]
        show_findings(scene.screen, title, found)
        scene.must(clause in {one.clause for one in found}, f"“{title}”的拒绝没有引用{clause}")
        scene.must(all(one.message and one.cure for one in found), f"“{title}”的拒绝没有说明原因或怎样办")


def _overridden(scene: Scene, family: Family) -> None:
    """A 原则上 rule takes two words: the school's reason, and the receiving authority's own."""
    screen = scene.screen
    screen.heading("四、“原则上”：满班的学校，由主管教育行政部门写明理由决定（第24.2.2条）")
    why = "与就读本校的双胞胎妹妹同校，便于接送"
    bare = refused(scene, FULL, application(scene, family, FULL))
    for one in against(bare):
        screen.note(f"学校不写理由：不予受理。{one.message}（第{one.clause}条）")
    case = file(scene, FULL, family, exception=why)
    officer = scene.officer(FULL)
    asked = against(case.seen_by(officer).findings)
    show_findings(screen, f"{case.view.number} 学校的理由：{why}", asked)
    scene.must("24.2.2" in {one.clause for one in asked}, "满班的学校，核准人没有看到24.2.2")
    decided = case.decide(Step.RECEIVING_AUTHORITY, reason="双胞胎同校就读，情况属实，同意突破标准班额")
    act = decided.timeline[-1]
    screen.note(f"{act.organisation_name}：{act.decision_title}，突破“原则上”的规定。理由：{act.reason}")
    scene.must(act.override and decided.over and decided.seat, "突破没有记入，或者没有为学生保留学位")
    done = case.finish()
    screen.note(
        f"转出学校和其主管部门核准后转入：{done.to_school_name}{done.grade}年级{done.class_no}班，{done.state_title}"
    )


def _rerouted(scene: Scene, family: Family) -> None:
    """No place, and no reason to go beyond the standard: to the nearest public school with places."""
    screen = scene.screen
    screen.heading("五、改派：没有空余学位，统筹安排到最近的公办学校（第24.5.2条）")
    case = file(scene, FULL, family, exception="申请转入学区内学校")
    screen.note(f"{case.view.number} 申请{case.view.to_school_name}：各班都已满，没有保留学位")
    scene.must(not case.view.seat, "满班的学校为学生保留了学位")
    sent = rerouted(scene, case)
    act = sent.timeline[-1]
    screen.note(
        f"{act.organisation_name}：{act.decision_title}到{sent.to_school_name}，{act.reason}；已保留学位，不需要重新申请"
    )
    scene.must(sent.seat and sent.to_school == scene.desks[NEW].school.code, f"没有改派到有空余学位的{NEW}")
    done = case.finish()
    screen.note(f"{done.state_title}：{done.to_school_name}{done.grade}年级{done.class_no}班")


def _waits(case: Filed) -> str:
    return f"等待{case.view.waits_for_title}，{case.view.due_on}前办理"


def _then(case: Filed) -> str:
    return f"，{_waits(case)}" if case.view.waits_for is not None else ""


def _verdict(scene: Scene) -> int:
    if scene.failures:
        scene.screen.problem(f"与预期不符的有{len(scene.failures)}处：")
        for failure in scene.failures:
            scene.screen.note(failure)
        return 1
    scene.screen.say("\n每一步都与法规和预期一致；没有学生在两所学校，也没有学生没有学校。", style="bold green")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xueji_local.demo_transfer", description="演示：转学")
    parser.add_argument("--out", type=Path, help="文件放在哪里；默认 .xueji/demo/ 下")
    arguments = parser.parse_args()
    screen = Screen()
    sys.exit(carried_out(screen, lambda: demonstrate(arguments.out, screen)))


if __name__ == "__main__":
    main()
