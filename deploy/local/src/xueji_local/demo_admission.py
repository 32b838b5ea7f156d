"""Before the roster: plan, children of age, places by zone, notices, the first day (clauses 4.2 to 10.1), over HTTP.

The children are some of those whom the school's roster will hand in: each is one person from the county's list to the record.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
from regulation.parameters import Parameters
from regulation.school_calendar import terms
from regulation.school_year import Stage
from service_kit.clock import ZONE
from shared_contracts.admission import (
    AdmissionOverview,
    AdmissionPage,
    AdmissionView,
    ChildrenImport,
    PlacementRun,
    ReportsRecorded,
    SchoolAdmissions,
)
from shared_contracts.plans import PlanPage

from xueji_local.demo_client import XLSX, ApiProblem, Client, decoded
from xueji_local.demo_flow import DemoProblem, Desk
from xueji_local.demo_screen import Screen
from xueji_local.demo_time import Time
from xueji_local.generator import Roster

T = TypeVar("T")
MOST = 30
"""Children on the list: enough to see."""
_COLUMNS = {
    "姓名": "姓名",
    "性别": "性别",
    "出生日期": "出生日期",
    "身份证件类型": "身份证件类型",
    "身份证件号": "身份证件号",
    "户籍地址": "家庭地址",
    "监护人姓名": "成员1姓名",
    "监护人电话": "成员1联系电话",
}
"""Column of the list -> column of the roster."""


def admit(
    desk: Desk, time_: Time, roster: Roster, folder: Path, screen: Screen
) -> tuple[list[AdmissionView], list[str]]:
    """The admissions that came of it, and what is not as it must be."""
    officer, registrar = desk.clients["authority_officer"][0], desk.registrar
    if not _planned(officer, desk, screen):
        return [], []
    children = _of_age(roster, desk.school.division)
    if not children:
        screen.note("名册中没有本县（市、区）户籍的新生，不演示入学安排。")
        return [], []
    try:
        listed = _list(officer, children, folder, screen)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        screen.note(f"现在不能办理：{problem}")
        return [], []
    run = decoded(officer.post("/v1/admissions/placements", {}), PlacementRun)
    run = _until(
        lambda: decoded(officer.get(f"/v1/admissions/placements/{run.id}"), PlacementRun),
        lambda one: one.state == "done",
    )
    screen.note(f"按学区安排：{run.placed}人有了学位，{run.by_hand}人待统筹安排")
    names = {row["姓名"] for row in children}
    ours = [one for one in _admissions(registrar) if one.name in names and one.progress == "placed"]
    failures = [] if len(ours) >= listed.taken else [f"列入名单{listed.taken}人，本校安排{len(ours)}人"]
    if not ours:
        return [], failures
    notices = folder / "入学通知书.pdf"
    ids = [one.id for one in ours]
    notices.write_bytes(officer.post("/v1/admissions/notices", {"admission_ids": ids}).content)
    screen.note(f"入学通知书（PDF，{len(ours)}份）：{notices}")
    first = max(ours[0].report_from, _first_day(desk.school.division, ours[0].school_year))
    time_.pass_to(datetime(first.year, first.month, first.day, 8, 30, tzinfo=ZONE))
    today = time_.clock.today()
    if today < first:
        screen.note(f"报到从{first}开始，本系统用实际时间，到时再登记。")
        return ours, failures
    reported = decoded(
        registrar.post("/v1/admissions/reports", {"admission_ids": ids, "reported_on": today.isoformat()}),
        ReportsRecorded,
    )
    screen.note(f"{today}：{reported.recorded}人到校报到；{today + timedelta(days=30)}前后须办结建籍")
    if reported.recorded != len(ours):
        failures.append(f"应有{len(ours)}人报到，登记了{reported.recorded}人")
    return ours, failures


def handed_in(desk: Desk, ours: Sequence[AdmissionView], screen: Screen) -> list[str]:
    """After the numbers: each child who reported has a record, and the plan counts nobody twice."""
    if not ours:
        return []
    stage = Stage(desk.school.stages[0])
    overview = decoded(desk.registrar.get("/v1/admissions/overview", stage=stage.value), AdmissionOverview)
    lines = [_line(one) for one in overview.items if one.school == desk.school.code]
    screen.grid("招生入学情况", ("计划学位", "安排", "报到", "未报到", "已报建籍", "逾期"), lines)
    without = [one for one in ours if _look(desk.registrar, one.id).progress == "reported"]
    return [f"{len(without)}名报到的儿童没有建籍"] if without else []


def _first_day(division: str, school_year: int) -> date:
    """The first day of the autumn term (the school calendar)."""
    parameters = Parameters.for_(division, date(school_year, 8, 1))
    return terms(division, school_year, parameters).autumn_first


def _planned(officer: Client, desk: Desk, screen: Screen) -> bool:
    """Whether the school has a plan; a stack that was begun before there were plans has none."""
    try:
        plans = decoded(officer.get("/v1/enrolment-plans", school=desk.school.code), PlanPage).items
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        plans = ()
    for plan in plans:
        screen.note(
            f"招生计划：{plan.school_year}年{Stage(plan.stage).zh}{plan.classes}个班、{plan.places}个学位，"
            f"已报{plan.filed_with}备案，剩余{plan.free}个"
        )
    if not plans:
        screen.note("本校没有招生计划，不演示入学安排。")
    return bool(plans)


def _of_age(roster: Roster, county: str) -> list[dict[str, Any]]:
    """Ordinary new pupils of the roster who are registered in the county: what the household register would list."""
    planted = {row for case in roster.cases for row in case.rows}
    book = openpyxl.load_workbook(roster.path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(min_row=roster.header_row, values_only=True)
        titles = [str(title or "") for title in next(rows)]
        found = []
        entry = roster.school.grades[0]
        for number, cells in enumerate(rows, roster.header_row + 1):
            row = dict(zip(titles, cells, strict=False))
            grade = str(row.get("年级") or "")
            new = grade in (str(entry), f"{'零一二三四五六七八九'[entry]}年级")
            if new and number not in planted and str(row.get("户口所在地") or "").startswith(county):
                found.append(
                    {ours: row.get(theirs) for ours, theirs in _COLUMNS.items()} | {"户籍所在县区代码": county}
                )
    finally:
        book.close()
    return [row for row in found if row["监护人姓名"] and row["监护人电话"]][:MOST]


def _list(officer: Client, children: Sequence[dict[str, Any]], folder: Path, screen: Screen) -> ChildrenImport:
    """The county's list: looked at, shown, taken in."""
    path = folder / "适龄儿童名单.xlsx"
    path.write_bytes(_workbook(children))
    files = {"file": (path.name, path.read_bytes(), XLSX)}
    opened = decoded(officer.post("/v1/children-lists", files=files), ChildrenImport)
    looked = _reached(officer, opened, "checked")
    screen.note(
        f"适龄儿童名单{looked.rows}行：可列入{looked.accepted}，已在名单{looked.known}，有误{looked.refused}：{path}"
    )
    officer.post(f"/v1/children-lists/{looked.id}/confirmation")
    return _reached(officer, looked, "done")


def _workbook(children: Sequence[dict[str, Any]]) -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    titles = [*_COLUMNS, "户籍所在县区代码"]
    page.append(titles)
    for row in children:
        page.append([row[title] for title in titles])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _reached(officer: Client, one: ChildrenImport, state: str) -> ChildrenImport:
    found = _until(
        lambda: decoded(officer.get(f"/v1/children-lists/{one.id}"), ChildrenImport),
        lambda now: now.state in (state, "failed"),
    )
    if found.state == "failed":
        raise DemoProblem(f"适龄儿童名单没有被接收：{found.problem}")
    return found


def _admissions(registrar: Client) -> list[AdmissionView]:
    found: list[AdmissionView] = []
    cursor = None
    while True:
        page = decoded(registrar.get("/v1/admissions", cursor=cursor, limit=200), AdmissionPage)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


def _look(registrar: Client, admission_id: str) -> AdmissionView:
    return decoded(registrar.get(f"/v1/admissions/{admission_id}"), AdmissionView)


def _line(own: SchoolAdmissions) -> tuple[str, ...]:
    numbers = (own.places, own.admitted, own.reported, own.no_show, own.handed_in, own.late)
    return tuple("—" if number is None else str(number) for number in numbers)


def _until(look: Callable[[], T], there: Callable[[T], bool], seconds: float = 180.0) -> T:
    """Ask again and again until it is there. Raises DemoProblem."""
    end = time.monotonic() + seconds
    while not there(now := look()):
        if time.monotonic() > end:
            raise DemoProblem("三分钟内没有办完。请查看 registry 的日志：make logs")
        time.sleep(0.3)
    return now
