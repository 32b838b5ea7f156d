"""More want to go to a private school than it may take (24.5.3, 24.5.4), over HTTP: the ratio, the list with its committed
seed, the draw that anybody can repeat, seats for some and public schools for the rest."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import datetime, time, timedelta
from fractions import Fraction
from pathlib import Path

from regulation.lottery import transferable
from service_kit.clock import ZONE
from shared_contracts.private_places import (
    Applicant,
    Applicants,
    GradePlaces,
    PrivatePlaces,
    RatioState,
    RatioView,
    RoundPage,
    RoundState,
    RoundView,
)

from xueji_local.demo_classes import SOURCE, published_value
from xueji_local.demo_client import PAGE, ApiProblem, decoded
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_transfer_case import Filed, against, application, file, precheck, rerouted
from xueji_local.demo_transfer_cast import (
    ENTRY,
    NEW,
    PRIVATE,
    Family,
    Scene,
    families,
    morning,
    open_class,
    until,
    with_room,
)

PLACES, MORE = 3, 2
"""Places of the draw, and how many more apply than there are places."""
_HIGH = "1/8"
"""Above the most that the clause allows for six years, 1/9."""


def lottery(scene: Scene) -> None:
    """From the ratio to the last pupil's record. Without a clock that moves: up to the list."""
    screen = scene.screen
    _settle_the_former(scene)
    grade = _places(scene)
    screen.note(
        f"{scene.desks[PRIVATE].school.name}{ENTRY}年级：空余学位{grade.free}个，可转入比例{grade.ratio}，"
        f"本学年已转入{grade.taken}个，可转入学位{grade.transferable}个"
    )
    wanting = families(scene, ENTRY, grade.transferable + MORE)
    opened = _open(scene)
    cases = [_apply(scene, opened, one) for one in wanting]
    screen.note(f"{len(cases)}名学生申请，超过可转入学位{grade.transferable}个；报名期间谁都不占学位，先到后到一样")
    if not scene.time.moves:
        screen.note("本系统用实际时间：截止以后名单自动封存，公开数值公布以后由主管部门抽签。")
        return
    closed = _closed(scene, opened)
    drawn = _drawn(scene, closed)
    document = scene.folder / f"{drawn.number}.json"
    document.write_bytes(scene.registrar(PRIVATE).get(f"/v1/transfer-rounds/published/{drawn.number}").content)
    _verified(scene, document)
    listed = _applicants(scene, drawn)
    _show(scene, listed)
    scene.must(
        (drawn.applicants, drawn.winners) == (len(cases), grade.transferable),
        f"申请{len(cases)}人、学位{grade.transferable}个，抽签结果为{drawn.applicants}人中录取{drawn.winners}人",
    )
    _go_on(scene, {case.view.id: case for case in cases}, listed)


# ---- the ratio -------------------------------------------------------------------------------------------------------


def _places(scene: Scene) -> GradePlaces:
    """The entry grade with PLACES places: a class more where the most that is allowed gives fewer, and a ratio approved."""
    registrar, principal, screen = scene.registrar(PRIVATE), scene.principal(PRIVATE), scene.screen
    _too_high(scene)
    while (now := _now(scene)).free is not None and transferable(now.free, now.taken, Fraction(1, 9)) < PLACES:
        if now.plan is None or now.plan - now.pupils - now.held <= now.free:
            raise DemoProblem(
                f"{scene.desks[PRIVATE].school.name}的招生计划没有更多的空余学位。请用 make reset 重建后再试。"
            )
        made = open_class(registrar, ENTRY)
        screen.note(f"{made.school_name}开设{ENTRY}年级{made.class_no}班（标准班额{made.standard}人）")
    ratio = Fraction(now.taken + PLACES, now.free + now.taken)
    if now.ratio is None or Fraction(now.ratio) != ratio:
        body = {
            "school_year": _year(scene),
            "stage": "primary",
            "ratio": f"{ratio.numerator}/{ratio.denominator}",
            "reason": f"{ENTRY}年级本学年接收转入{PLACES}人",
        }
        asked = decoded(principal.post("/v1/transfer-ratios", body), RatioView)
        screen.note(f"学校申报可转入比例{asked.ratio}（上限{asked.most}）")
        decided = decoded(
            scene.officer(PRIVATE).post(f"/v1/transfer-ratios/{asked.id}/decisions", {"decision": "approve"}), RatioView
        )
        screen.note(f"主管部门审批：{decided.state_title}，{decided.school_year}学年有效")
        scene.must(decided.state is RatioState.APPROVED and decided.in_force, "可转入比例审批后没有生效")
    found = _now(scene)
    scene.must(found.transferable == PLACES, f"可转入学位应为{PLACES}个，实际{found.transferable}个")
    return found


def _too_high(scene: Scene) -> None:
    """A ratio above the clause's: refused, with the reason."""
    body = {"school_year": _year(scene), "stage": "primary", "ratio": _HIGH}
    try:
        scene.principal(PRIVATE).post("/v1/transfer-ratios", body)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        for one in problem.findings:
            scene.screen.note(f"申报{_HIGH}：不予受理。{one.message}（第{one.clause}条）。{one.cure}")
        return
    scene.failures.append(f"可转入比例{_HIGH}超过上限，却被受理")


def _looked(scene: Scene) -> PrivatePlaces:
    school = scene.desks[PRIVATE].school.code
    return decoded(scene.principal(PRIVATE).get(f"/v1/private-places/{school}"), PrivatePlaces)


def _now(scene: Scene) -> GradePlaces:
    return next(one for one in _looked(scene).grades if one.grade == ENTRY)


def _year(scene: Scene) -> int:
    return _looked(scene).school_year


# ---- the round -------------------------------------------------------------------------------------------------------


def _running(scene: Scene) -> RoundView | None:
    school = scene.desks[PRIVATE].school.code
    page = decoded(scene.officer(PRIVATE).get("/v1/transfer-rounds", school=school, limit=PAGE), RoundPage)
    return next((one for one in page.items if one.grade == ENTRY and one.state is not RoundState.SETTLED), None)


def _settle_the_former(scene: Scene) -> None:
    """A round that an interrupted demonstration has left is brought to its end: a grade has one at a time."""
    former = _running(scene)
    if former is None:
        return
    scene.screen.note(f"{former.school_name}还有一个没有办结的报名批次 {former.number}，先办结")
    if not scene.time.moves:
        raise DemoProblem(f"报名批次 {former.number} 没有办结，本系统用实际时间。请在抽签以后再试。")
    scene.time.pass_to(morning(former.closes_on + timedelta(days=1)))
    _until_not(scene, former, RoundState.OPEN)
    if _look(scene, former.id).state is RoundState.CLOSED:
        _drawn(scene, _look(scene, former.id))
    _settled(scene, former)


def _look(scene: Scene, round_id: str) -> RoundView:
    return decoded(scene.officer(PRIVATE).get(f"/v1/transfer-rounds/{round_id}"), RoundView)


def _open(scene: Scene) -> RoundView:
    """The seed is committed and the source of the public value named before anybody is on the list."""
    parameters = scene.parameters(PRIVATE)
    last = scene.today + timedelta(days=parameters.transfer_round_days - 1)
    public = datetime.combine(last + timedelta(days=1), time(21, 15), ZONE) + timedelta(
        hours=parameters.lottery_notice_hours
    )
    body = {
        "school": scene.desks[PRIVATE].school.code,
        "grade": ENTRY,
        "closes_on": last.isoformat(),
        "public_source": SOURCE,
        "public_at": public.isoformat(),
    }
    opened = decoded(scene.officer(PRIVATE).post("/v1/transfer-rounds", body), RoundView)
    screen = scene.screen
    screen.note(f"报名批次 {opened.number}，{opened.closes_on}截止")
    screen.note(f"事先公布种子的哈希（承诺）：{opened.commitment}")
    screen.note(f"事先指定公开数值：{opened.public_source}，{opened.public_at.astimezone(ZONE):%Y-%m-%d %H:%M}公布")
    return opened


def _apply(scene: Scene, opened: RoundView, family: Family) -> Filed:
    body = application(scene, family, PRIVATE)
    checked = precheck(scene, PRIVATE, body)
    why = {"exception": "全家迁居，上学路程过远"} if against(checked.decision.findings) else {}
    filed = file(scene, PRIVATE, family, **why)
    scene.must(not filed.view.seat, f"{filed.view.number} 在抽签以前就占了学位")
    return filed


def _closed(scene: Scene, opened: RoundView) -> RoundView:
    """The last day is over: the list closes by itself, its hash is public before the value that decides."""
    scene.time.pass_to(morning(opened.closes_on + timedelta(days=1)))
    _until_not(scene, opened, RoundState.OPEN)
    closed = _look(scene, opened.id)
    scene.screen.note(
        f"{scene.today}：名单封存，{closed.applicants}人，学位{closed.places}个；名单的哈希：{closed.list_sha256}"
    )
    scene.must(closed.state is RoundState.CLOSED and bool(closed.lottery), "人多位少，名单封存后应当待抽签")
    return closed


def _drawn(scene: Scene, closed: RoundView) -> RoundView:
    scene.time.pass_to(closed.public_at + timedelta(minutes=10))
    value = published_value()
    path = f"/v1/transfer-rounds/{closed.id}/draw"
    drawn = decoded(scene.officer(PRIVATE).post(path, {"public_value": value}), RoundView)
    scene.screen.note(f"{scene.today}：公开数值 {value}，抽签，公开种子")
    scene.must(drawn.commitment == closed.commitment, "抽签以后，种子的哈希变了")
    scene.must(drawn.list_sha256 == closed.list_sha256, "抽签以后，名单的哈希变了")
    return _settled(scene, closed)


def _until_not(scene: Scene, one: RoundView, state: RoundState) -> None:
    until(
        lambda: _look(scene, one.id).state is not state,
        f"报名批次 {one.number} 停在“{one.state_title}”。请查看 transfer 的日志：make logs",
    )


def _settled(scene: Scene, one: RoundView) -> RoundView:
    """Every case of the round has gone on with its result."""
    _until_not(scene, one, RoundState.DECIDED)
    return _look(scene, one.id)


def _verified(scene: Scene, document: Path) -> None:
    """Recomputed from the published file alone, by a program that asks nobody: what a parent would do."""
    screen = scene.screen
    screen.say(f"\n$ python -m regulation.lottery verify {document}", style="bold")
    command = [sys.executable, "-m", "regulation.lottery", "verify", str(document)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    for line in (done.stdout + done.stderr).splitlines():
        screen.note(line)
    screen.note("在网页上核对：/console/choujiang.html，不需要账号")
    scene.must(done.returncode == 0, f"公布的抽签文件核对不一致：{document}")


def _applicants(scene: Scene, drawn: RoundView) -> tuple[Applicant, ...]:
    client = scene.registrar(PRIVATE)
    return decoded(client.get(f"/v1/transfer-rounds/{drawn.id}/applicants", limit=PAGE), Applicants).items


def _show(scene: Scene, listed: tuple[Applicant, ...]) -> None:
    ranked = sorted(listed, key=lambda one: one.rank or len(listed))
    scene.screen.grid(
        "抽签结果（公布的文件中只有编码，没有姓名）",
        ("次序", "编码", "学生", "结果"),
        [(str(one.rank or ""), one.code, one.name, one.outcome_title) for one in ranked],
    )


# ---- afterwards ------------------------------------------------------------------------------------------------------


def _go_on(scene: Scene, cases: dict[str, Filed], listed: tuple[Applicant, ...]) -> None:
    """Winners go on to the private school, everybody else to the nearest public school; all records move."""
    with_room(scene, NEW, ENTRY, MORE)
    lines, overridden = [], []
    for one in sorted(listed, key=lambda one: one.rank or len(listed)):
        case = cases[one.transfer_id]
        case.keep(case.seen_by(scene.officer(PRIVATE)))
        if one.outcome != "won":
            rerouted(scene, case)
        overridden += [(rule.clause, rule.message) for rule in case.to_override(scene.officer(PRIVATE))]
        done = case.finish()
        lines.append((done.number, done.name, one.outcome_title, done.to_school_name, done.state_title))
        private = done.to_school == scene.desks[PRIVATE].school.code
        scene.must(
            private == (one.outcome == "won"), f"{done.number}：{one.outcome_title}，转入了{done.to_school_name}"
        )
    scene.screen.grid("每一名学生的去处", ("办理编号", "学生", "抽签", "转入学校", "状态"), lines)
    for (clause, message), pupils in Counter(overridden).items():
        scene.screen.note(f"{message}（第{clause}条）：主管部门对{pupils}名学生逐一写明理由决定")
    left = _now(scene)
    scene.must(left.transferable == 0, f"抽签以后应没有剩余的可转入学位，实际{left.transferable}个")
