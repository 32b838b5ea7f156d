"""The main job over HTTP, as the people of a school and its authority do it (clause 15.1): from a file to numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from shared_contracts.registry import (
    OrganisationView,
    RegistrationView,
    RosterRow,
    RosterState,
    RosterView,
    RowState,
    Step,
)

from xueji_local.demo_client import Account, ApiProblem, Client
from xueji_local.demo_screen import Screen

STATE_TITLES: dict[RosterState, str] = {
    RosterState.UPLOADED: "已上传",
    RosterState.CHECKING: "逐行检查",
    RosterState.CHECKED: "检查完成",
    RosterState.CONFIRMING: "导入",
    RosterState.IN_APPROVAL: "审核中",
    RosterState.ISSUING: "比对公安信息、生成学籍号",
    RosterState.COMPLETED: "完成",
    RosterState.CANCELLED: "已放弃",
    RosterState.FAILED: "文件无法读取",
}

STEPS: tuple[tuple[Step, str, str], ...] = (
    (Step.CLASS_TEACHER, "class_teacher", "班主任审核"),
    (Step.PRINCIPAL, "principal", "学籍主管校长审核"),
    (Step.GUARDIAN, "registrar", "监护人确认签字（学籍管理员登记）"),
    (Step.SCHOOL, "principal", "学校审核"),
    (Step.AUTHORITY, "authority_officer", "主管教育行政部门核准"),
)
"""The steps of clause 15.1 in their order, and whose account takes each."""


class DemoProblem(Exception):
    """Why the demonstration cannot go on, and the way out (Chinese)."""


class AnyStack(Protocol):
    """A running stack: where it is, who may sign in, what day it is there."""

    @property
    def gateway(self) -> str: ...
    @property
    def accounts(self) -> Sequence[Account]: ...
    @property
    def today(self) -> date: ...


@dataclass
class Desk:
    """The people of one school, and its authority's. `clients`: by role; several class teachers share a school."""

    school: OrganisationView
    clients: dict[str, list[Client]]
    stack: AnyStack

    @property
    def registrar(self) -> Client:
        return self.clients["registrar"][0]

    def close(self) -> None:
        for clients in self.clients.values():
            for client in clients:
                client.close()

    def forget(self) -> None:
        """Days have passed: everybody signs in again."""
        for clients in self.clients.values():
            for client in clients:
                client.forget()


@dataclass
class Run:
    """What became of one workbook. `seconds`: by phase. `refused`: rows; `registrations`: of the accepted ones."""

    path: Path
    view: RosterView
    seconds: dict[str, float] = field(default_factory=dict)
    refused: list[RosterRow] = field(default_factory=list)
    noted: list[RosterRow] = field(default_factory=list)
    already_here: list[RosterRow] = field(default_factory=list)
    registrations: list[RegistrationView] = field(default_factory=list)
    returned: Path | None = None
    sheets: list[Path] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.view.totals.valid + self.view.totals.warned


def open_desk(stack: AnyStack, school: OrganisationView) -> Desk:
    """Clients for everybody who takes part. Raises DemoProblem when somebody is missing."""
    clients: dict[str, list[Client]] = {}
    for account in stack.accounts:
        if account.organisation == school.code or (
            account.role == "authority_officer" and account.organisation == school.authority
        ):
            clients.setdefault(account.role, []).append(Client(stack.gateway, account))
    if missing := {role for _, role, _ in STEPS} - clients.keys():
        raise DemoProblem(f"{school.name}缺少演示账号：{'、'.join(sorted(missing))}。请用 make reset 重建后再试。")
    return Desk(school=school, clients=clients, stack=stack)


def check(desk: Desk, path: Path, key: str, screen: Screen) -> Run:
    """Upload and dry run. Raises DemoProblem when the file as a whole was not taken."""
    client = desk.registrar
    run = Run(path=path, view=client.upload(path, key))
    with timed(run, "检查"):
        run.view = _follow(client, run.view, "checked", screen)
    if run.view.state is RosterState.FAILED:
        raise DemoProblem(f"{path.name} 没有被接收：{run.view.problem}")
    _read_rows(client, run)
    return run


def walk(desk: Desk, run: Run, folder: Path, screen: Screen) -> None:
    """From the dry run to numbers: confirm, print, the five steps, wait, collect what came of it."""
    client, roster_id = desk.registrar, run.view.id
    with timed(run, "导入"):
        client.confirm(roster_id)
        run.view = _follow(client, run.view, "in_approval", screen)
    for taken in STEPS:
        if taken[0] is Step.GUARDIAN:  # what the guardian signs is printed when the school has checked it
            with timed(run, "打印确认表"):
                _print(client, roster_id, screen)
        with timed(run, "五步审核"):
            _decide(desk, run, taken, screen)
    with timed(run, "比对与发号"):
        run.view = _follow(client, run.view, "completed", screen)
    if run.view.state is not RosterState.COMPLETED:
        raise DemoProblem(f"名册没有办完，停在“{STATE_TITLES[run.view.state]}”：{run.view.problem or '原因不明'}")
    _collect(client, run, folder)


def give_up(desk: Desk, run: Run) -> None:
    """A dry run that brought nothing new is not confirmed."""
    run.view = desk.registrar.cancel(run.view.id)


def _print(client: Client, roster_id: str, screen: Screen) -> None:
    view = client.print_sheets(roster_id)
    end = time.monotonic() + 1800
    with screen.bar("打印监护人确认表") as advance:
        while view.sheets_state != "ready":
            if time.monotonic() > end:
                raise DemoProblem("确认表半小时内没有打印完。请查看 registry 的日志：make logs")
            time.sleep(0.3)
            view = client.roster(roster_id)
            done = sum(file.kind == "confirmation_sheets" for file in view.files)
            advance("打印监护人确认表（班）", done, max(len(view.new_classes), done))


def _decide(desk: Desk, run: Run, taken: tuple[Step, str, str], screen: Screen) -> None:
    """Everybody with the role takes their part: several class teachers, each their classes."""
    step, role, title = taken
    signed_on = desk.stack.today.isoformat() if step is Step.GUARDIAN else None
    moved, refusal = 0, None
    begun = time.monotonic()
    for client in desk.clients[role]:
        try:
            done = client.decide(run.view.id, step, signed_on=signed_on)
        except ApiProblem as problem:
            if problem.status not in (403, 404, 409):
                raise
            refusal = problem
        else:
            moved += done.moved
    if not moved:
        raise DemoProblem(f"“{title}”没有办成：{refusal.detail if refusal else '没有等待这一步的学生'}")
    if moved < sum(run.view.steps.values()):
        total = sum(run.view.steps.values())
        raise DemoProblem(
            f"“{title}”应有{total}人，只办了{moved}人：演示账号不能审核其余的人（如缺少该年级的班主任）。"
        )
    screen.note(f"{title}：{moved}人  {time.monotonic() - begun:.1f}秒")


def _collect(client: Client, run: Run, folder: Path) -> None:
    for file in run.view.files:
        path = client.download(run.view.id, file, folder)
        if file.kind == "refused_rows":
            run.returned = path
        else:
            run.sheets.append(path)
    _read_rows(client, run)
    run.registrations = list(client.registrations(run.view.id))


def _read_rows(client: Client, run: Run) -> None:
    def rows(state: RowState, count: int) -> list[RosterRow]:
        return list(client.rows(run.view.id, state)) if count else []

    totals = run.view.totals
    run.refused = rows(RowState.REFUSED, totals.refused)
    run.noted = rows(RowState.WARNED, totals.warned)
    run.already_here = rows(RowState.ALREADY_HERE, totals.already_here)


def _follow(client: Client, view: RosterView, until: str, screen: Screen) -> RosterView:
    with screen.bar(STATE_TITLES[view.state]) as advance:
        for now in client.follow(view.id, until):
            view = now
            advance(STATE_TITLES[now.state], now.progress.done, now.progress.total)
    return view


@contextmanager
def timed(run: Run, phase: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    run.seconds[phase] = run.seconds.get(phase, 0.0) + time.monotonic() - begun
