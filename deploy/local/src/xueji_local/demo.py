"""`python -m xueji_local.demo`: the main job on a running stack, from a roster workbook to G and L numbers.

It makes a roster with every hard case in it. Some of its pupils are children of age first: listed by the county, placed by
zone, sent a notice, on the first day at school. Then the roster is uploaded over HTTP as the school's registrar and goes
through the steps of clause 15.1 with the demonstration accounts; what came of each row is shown, what can be corrected is
corrected and uploaded, both are uploaded again, a grade's classes are drawn and the draw is proved, and all of it is
compared with what was planted. Exit status: 0 all as planted, 1 something differs (listed), 2 it could not go on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from regulation.school_year import SchoolSystem, Stage, grades_of
from shared_contracts.admission import AdmissionView
from shared_contracts.records import StudentView
from shared_contracts.registry import OrganisationView, RosterView

from xueji_local.demo_admission import admit, handed_in
from xueji_local.demo_classes import assign_classes
from xueji_local.demo_client import Client
from xueji_local.demo_flow import DemoProblem, Desk, Run, check, give_up, open_desk, walk
from xueji_local.demo_report import (
    compare_check,
    compare_repeat,
    compare_result,
    show_notes,
    show_refusals,
    show_result,
)
from xueji_local.demo_screen import Screen
from xueji_local.demo_stack import Matcher, Stack, carried_out, find_stack, matcher_of
from xueji_local.demo_time import Time
from xueji_local.generator import (
    CLASS_SIZE,
    CLASSES,
    STRIDE,
    Population,
    Roster,
    make_guest_roster,
    make_other_roster,
    make_roster,
)
from xueji_local.generator_corrected import Correction, make_corrected
from xueji_local.generator_form import School
from xueji_local.layout import Layout

_ROSTERS = 4
"""Rosters of one demonstration at its own school."""


def as_school(view: OrganisationView) -> School:
    """The grades of its lowest stage: where new pupils enter, and those above."""
    stage = Stage(view.stages[0])
    return School(
        code=view.code,
        name=view.name,
        division=view.division,
        grades=tuple(grades_of(stage, SchoolSystem(view.system or "6-3"))),
    )


def _next_seed(rosters: Sequence[RosterView]) -> int:
    """Pupils that earlier demonstrations have not had: a large roster takes those of several seeds."""
    return 1 - (-len(rosters) // _ROSTERS) + sum(roster.totals.rows for roster in rosters) // (STRIDE // 2)


class Demo:
    """One demonstration: its people, its folder, what has differed so far."""

    def __init__(self, *, stack: Stack, matcher: Matcher, screen: Screen, folder: Path) -> None:
        self.stack, self.matcher, self.screen, self.folder = stack, matcher, screen, folder
        self.failures: list[str] = []
        self.uploads = 0
        first = next((a for a in stack.accounts if a.role == "registrar"), None)
        if first is None:
            raise DemoProblem("stack.json 中没有学籍管理员账号。请用 make reset 重建后再试。")
        with contextlib.closing(Client(stack.gateway, first)) as client:
            self.schools = {view.code: view for view in client.organisations()}
        if first.organisation not in self.schools:
            raise DemoProblem(f"系统中没有学校 {first.organisation}。请用 make reset 重建后再试。")
        self.own = self.schools[first.organisation]

    @contextlib.contextmanager
    def desk(self, school: OrganisationView) -> Iterator[Desk]:
        with contextlib.closing(open_desk(self.stack, school)) as desk:
            yield desk

    def staffed(self) -> Iterator[OrganisationView]:
        """The other schools whose registrars have accounts."""
        for account in self.stack.accounts:
            if account.role == "registrar" and account.organisation != self.own.code:
                yield self.schools[account.organisation]

    # ---- the acts -------------------------------------------------------------------------------------------------

    def prepare(self, desk: Desk, rows: int, seed: int | None) -> tuple[Roster, list[StudentView]]:
        """The blank template, the roster, and a matcher that knows whom it should. Also: who is at the school before."""
        screen, client = self.screen, desk.registrar
        template = self.folder / "空白模板.xlsx"
        template.write_bytes(client.template())
        screen.note(f"空白模板（含代码表下拉选项）：{template}")
        before = list(client.students())
        used = max((student.class_no or 0 for student in before), default=0)
        school = as_school(self.own)
        first_class = used + 1
        if rows > CLASS_SIZE * (CLASSES - used) * len(school.grades):
            first_class = 1  # the school is full of classes: the pupils sit with those of earlier demonstrations
        seed = seed or _next_seed(list(client.rosters()))
        population = self.matcher.grow(0)
        with screen.step(f"生成名册：{rows}行，种子{seed}"):
            roster = make_roster(
                self.folder / f"名册-{rows}行.xlsx",
                school=school,
                rows=rows,
                seed=seed,
                population=Population(seed=population.seed, school_year=population.school_year),
                first_class=first_class,
            )
        (self.folder / "名册说明.json").write_bytes(msgspec.json.format(msgspec.json.encode(roster)))
        with screen.step(f"公安人口信息替身备好{max(roster.needed, population.generated)}人"):
            self.matcher.grow(roster.needed)
        screen.note(f"名册：{roster.path}（{roster.classes}个班）")
        return roster, before

    def admission(self, desk: Desk, roster: Roster) -> list[AdmissionView]:
        """What comes before a roster: some of its pupils as the county's children of age, up to their first day."""
        self.screen.heading("二、招生计划、适龄儿童名单、按学区安排、通知书、报到")
        admitted, failures = admit(desk, Time(self.stack.clock, desk.forget), roster, self.folder, self.screen)
        self.failures += failures
        return admitted

    def elsewhere(self, roster: Roster) -> None:
        """A child goes to another school first; a foreign pupil to one that may take foreign pupils."""
        others = [
            s for s in self.staffed() if set(self.own.stages) & set(s.stages) and s.authority != self.own.authority
        ]
        if not others:
            raise DemoProblem("没有另一所有演示账号的学校。请用 make reset 重建后再试。")
        path = self.folder / "另一所学校.xlsx"
        self._small(others[0], make_other_roster(path, school=as_school(others[0]), roster=roster))
        qualified = next((school for school in self.staffed() if school.accepts_international), None)
        if qualified:
            path = self.folder / "有国际学生接收资格的学校.xlsx"
            self._small(qualified, make_guest_roster(path, school=as_school(qualified), roster=roster))

    def _small(self, school: OrganisationView, roster: Roster) -> None:
        self.screen.say(f"{school.name}：{roster.cases[0].title}")
        with self.desk(school) as desk:
            run = self.upload(desk, Path(roster.path))
            self.failures += compare_check(roster, run)
            if run.accepted:
                walk(desk, run, self.folder / "其他学校", self.screen)
                self.failures += compare_result(roster, run)
            else:
                give_up(desk, run)

    def upload(self, desk: Desk, path: Path, key: str = "") -> Run:
        return check(desk, path, key or str(uuid.uuid4()), self.screen)

    def main_job(self, desk: Desk, roster: Roster) -> Run:
        screen = self.screen
        screen.heading("三、上传名册，检查（不入库）")
        key = str(uuid.uuid4())
        run = self.upload(desk, Path(roster.path), key)
        totals = run.view.totals
        screen.note(
            f"{totals.rows}行：通过{totals.valid}，有提示{totals.warned}，拒绝{totals.refused}，已在本校{totals.already_here}"
        )
        for finding in run.view.findings:
            screen.note(f"提示：{finding.message}")
        show_refusals(screen, run)
        show_notes(screen, run)
        self.failures += compare_check(roster, run)
        again = desk.registrar.upload(Path(roster.path), key)
        if again.id != run.view.id:
            self.failures.append("用同一个 Idempotency-Key 再次上传，产生了另一份名册")
        if not run.accepted:
            screen.note("没有新学生：这些学生已在本校（同一种子的名册办过）。")
            give_up(desk, run)
            return run
        screen.heading("四、确认导入，打印确认表，五步审核，比对与发号")
        walk(desk, run, self.folder, screen)
        self.failures += compare_result(roster, run)
        return run

    def correct(self, desk: Desk, roster: Roster, run: Run) -> tuple[Correction | None, int]:
        """The returned workbook, put right and uploaded. Also: how many pupils came of it."""
        if run.returned is None:
            if run.view.totals.refused and run.accepted:
                self.failures.append("有被拒绝的行，但没有退回的工作簿")
            return None, 0
        self.screen.heading("五、改正退回的行，再次上传")
        done = make_corrected(run.returned, self.folder / "改正后.xlsx", roster)
        self.screen.note(f"改正{len(done.cured)}行，去掉无法改正的{len(done.removed)}行：{done.path}")
        if done.unexpected:
            self.failures.append(f"退回的工作簿中有计划外的行：{done.unexpected}")
        if done.uncommented:
            self.failures.append(f"退回的工作簿中，有错的单元格没有批注：{'、'.join(done.uncommented)}")
        wanted = {case.key for case in roster.cases if case.outcome == "refused"}
        if missing := wanted - {*done.cured, *done.removed}:
            self.failures.append(f"退回的工作簿中缺少：{'、'.join(sorted(missing))}")
        second = self.upload(desk, Path(done.path))
        for row in second.refused:
            why = "；".join(finding.message for finding in row.findings)
            self.failures.append(f"改正后的第{row.row}行仍被拒绝：{why}")
        if second.accepted:
            walk(desk, second, self.folder / "改正后", self.screen)
            show_result(self.screen, second)
            if second.view.numbers != {"G": second.accepted}:
                self.failures.append(f"改正后的{second.accepted}人应当都得到G，实际：{second.view.numbers}")
        else:
            give_up(desk, second)
        return done, second.accepted

    def classes(self, desk: Desk) -> None:
        self.screen.heading("七、一键分班：名单封存，公布，抽签，核对")
        self.failures += assign_classes(desk, Time(self.stack.clock, desk.forget), self.folder, self.screen)

    def again(self, desk: Desk, roster: Roster, done: Correction | None, expected: int) -> None:
        """The same workbooks once more: nothing comes of them, and the school has `expected` pupils."""
        self.screen.heading("六、同样的工作簿再传一次")
        refused = len(roster.refused_rows)
        for path, here, wrong in (
            *(((Path(done.path), done.rows, 0),) if done else ()),
            (Path(roster.path), roster.rows - refused, refused),
        ):
            repeat = self.upload(desk, path)
            totals = repeat.view.totals
            self.screen.note(f"{path.name}：新增{repeat.accepted}，已在本校{totals.already_here}，拒绝{totals.refused}")
            self.failures += compare_repeat(repeat, here, wrong, path.name)
            give_up(desk, repeat)
        after = sum(1 for _ in desk.registrar.students())
        self.screen.note(f"本校学生：{after}人，应为{expected}人")
        if after != expected:
            self.failures.append(f"本校应有{expected}名学生，实际{after}名")


def demonstrate(rows: int, seed: int | None, out: Path | None, screen: Screen) -> int:
    begun = time.monotonic()
    layout = Layout()
    stack = find_stack(layout, screen)
    folder = out or layout.home / "demo" / time.strftime("%Y%m%d-%H%M%S")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    demo = Demo(stack=stack, matcher=matcher_of(layout, stack), screen=screen, folder=folder)
    screen.heading(f"一、准备：{demo.own.name}（{demo.own.code}），{stack.gateway}")
    with demo.desk(demo.own) as desk:
        roster, before = demo.prepare(desk, rows, seed)
        admitted = demo.admission(desk, roster)
        demo.elsewhere(roster)
        run = demo.main_job(desk, roster)
        done, corrected = demo.correct(desk, roster, run)
        demo.again(desk, roster, done, len(before) + run.accepted + corrected)
        demo.failures += handed_in(desk, admitted, screen)
        demo.classes(desk)
    show_result(screen, run)
    _show_files(screen, run, done)
    screen.say(f"\n全部用时{time.monotonic() - begun:.1f}秒")
    return _verdict(screen, roster, demo.failures)


def _show_files(screen: Screen, run: Run, done: Correction | None) -> None:
    files = [("上传的名册", str(run.path))]
    if run.returned:
        files.append(("退回的工作簿（有错的单元格带批注）", str(run.returned)))
    if done:
        files.append(("改正后的工作簿", done.path))
    if run.sheets:
        files.append((f"监护人确认表（PDF，{len(run.sheets)}个班）", str(run.sheets[0])))
    screen.say("\n文件", style="bold")
    screen.table(files)


def _verdict(screen: Screen, roster: Roster, failures: Sequence[str]) -> int:
    if failures:
        screen.problem(f"与预期不符的有{len(failures)}处：")
        for failure in failures:
            screen.note(failure)
        return 1
    screen.say(f"\n名册中安排的{len(roster.cases)}种疑难情况，结果全部符合预期；没有重复建籍。", style="bold green")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xueji_local.demo", description="演示：从名册到学籍号")
    rows = int(os.environ.get("ROWS") or 300)
    parser.add_argument("--rows", type=int, default=rows, help="名册行数（也可用环境变量 ROWS），默认300")
    parser.add_argument("--seed", type=int, help="选哪些学生；默认每次不同。用同一个种子，第二次没有新学生")
    parser.add_argument("--out", type=Path, help="文件放在哪里；默认 .xueji/demo/ 下")
    arguments = parser.parse_args()
    screen = Screen()
    sys.exit(carried_out(screen, lambda: demonstrate(arguments.rows, arguments.seed, arguments.out, screen)))


if __name__ == "__main__":
    main()
