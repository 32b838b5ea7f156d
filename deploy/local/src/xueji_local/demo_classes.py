"""Classes by a draw that anybody can repeat (clauses 11, 17), over HTTP: from the list to the classes, and its proof."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

from shared_contracts.classes import AssignmentState, AssignmentView, ClassBalance

from xueji_local.demo_client import ApiProblem, Client, decoded
from xueji_local.demo_flow import Desk
from xueji_local.demo_screen import Screen
from xueji_local.demo_time import Time

SOURCE = "中国福利彩票双色球下一期开奖号码"
FEWEST = 2
"""Classes: one would be no draw."""


def assign_classes(desk: Desk, time: Time, folder: Path, screen: Screen) -> list[str]:
    """The largest grade that has not been drawn yet. What is not as it must be."""
    registrar, principal = desk.registrar, desk.clients["principal"][0]
    begun = _begin(registrar, screen)
    if begun is None:
        screen.note("各年级都已经分过班：重新抽签须经主管部门批准，不在演示之列。")
        return []
    screen.note(
        f"{begun.grade}年级{begun.pupils}人分成{len(begun.classes)}个班，标准班额{begun.standard}人；{begun.number}"
    )
    path = f"/v1/class-assignments/{begun.id}"
    at = time.clock.now() + timedelta(hours=30)
    closed = decoded(
        principal.post(f"{path}/commitment", {"public_source": SOURCE, "public_at": at.isoformat()},
                                       headers={"If-Match": f'"{begun.version}"'}),
        AssignmentView,
    )  # fmt: skip
    screen.note(f"名单封存，公布哈希：名单{_short(closed.list_sha256)}，种子{_short(closed.commitment)}")
    screen.note(f"等公开数值：{SOURCE}")
    if not time.moves:
        screen.note("本系统用实际时间：明天公开数值公布以后，请主管校长在“班级与分班”页面抽签。")
        return []
    time.pass_to(at + timedelta(minutes=5))
    value = published_value()
    drawn = decoded(principal.post(f"{path}/draw", {"public_value": value}), AssignmentView)
    screen.note(f"公开数值 {value}：抽签")
    done = decoded(principal.post(f"{path}/application"), AssignmentView)
    screen.grid("各班构成", ("班级", "人数", "男", "女"), [_line(one) for one in drawn.balance])
    file = folder / f"{begun.number}.json"
    file.write_bytes(registrar.get(f"/v1/class-assignments/published/{begun.number}").content)
    return [*_not_fair(done), *_proved(file, screen)]


def _begin(registrar: Client, screen: Screen) -> AssignmentView | None:
    """An assignment of the largest grade that may still have one."""
    grades = Counter(student.grade for student in registrar.students() if student.grade is not None)
    for grade, count in grades.most_common():
        body = {"grade": grade, "classes": list(range(1, max(FEWEST, -(-count // 45)) + 1))}
        try:
            begun = decoded(registrar.post("/v1/class-assignments", body), AssignmentView)
        except ApiProblem as problem:
            if problem.status != 409:
                raise
            continue
        for finding in begun.findings:
            screen.note(f"{finding.message}（{finding.cure}）")
        return begun
    return None


def _not_fair(done: AssignmentView) -> list[str]:
    found = []
    for what, numbers in (
        ("班额", [one.size for one in done.balance]),
        ("男生", [one.boys for one in done.balance]),
        ("女生", [one.girls for one in done.balance]),
    ):
        if max(numbers) - min(numbers) > 1:
            found.append(f"分班以后各班{what}相差超过1人：{numbers}")
    if done.state is not AssignmentState.APPLIED:
        found.append(f"分班没有执行：{done.state_title}")
    return found


def _proved(file: Path, screen: Screen) -> list[str]:
    """Recomputed by a program that asks nobody: what a parent would do."""
    command = [sys.executable, "-m", "regulation.assignment", "verify", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    for line in done.stdout.splitlines():
        screen.note(line)
    screen.note(f"任何人都可核对：python -m regulation.assignment verify {file}")
    return [] if done.returncode == 0 else [f"公布的分班文件核对不一致：{file}"]


def _line(one: ClassBalance) -> tuple[str, ...]:
    return f"{one.class_no}班", str(one.size), str(one.boys), str(one.girls)


def _short(text: str | None) -> str:
    return f"{(text or '')[:12]}…"


def published_value() -> str:
    """As it would stand in tomorrow's newspaper."""
    chance = secrets.SystemRandom()
    red = sorted(chance.sample(range(1, 34), 6))
    return " ".join(f"{number:02d}" for number in red) + f" + {chance.randint(1, 16):02d}"
