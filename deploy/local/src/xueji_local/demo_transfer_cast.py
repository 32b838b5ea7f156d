"""Who takes part in the demonstration of transfers, and what has to be there before: pupils with records, classes that are
full and classes with room. Over HTTP, as the people of the schools do it; what is there already is used."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import openpyxl
from regulation.calendar import Calendar
from regulation.divisions import PROVINCE
from regulation.parameters import Parameters
from regulation.school_year import SchoolSystem, Stage, grades_of
from service_kit.clock import ZONE
from shared_contracts.classes import ClassPage, ClassView
from shared_contracts.records import StudentView
from shared_contracts.registry import OrganisationView
from shared_contracts.transfer import TransferPage, TransferState

from xueji_local import province
from xueji_local.demo_client import PAGE, Client, decoded
from xueji_local.demo_flow import DemoProblem, Desk, check, give_up, open_desk, walk
from xueji_local.demo_screen import Screen
from xueji_local.demo_stack import Matcher, Stack
from xueji_local.demo_time import Time
from xueji_local.generator import Population, Roster, make_roster
from xueji_local.generator_form import School

OLD, NEW, FULL, PRIVATE = "zhongyang", "xinchun", "qihui", "mingde"
"""The school that pupils leave, the one with room, the one whose classes are full, the private one."""
GRADE, ENTRY = 3, 1
"""Grade of most pupils; the private school has a plan for its first grade alone (24.5.3)."""
SPARE = 3
"""Pupils more than one demonstration needs: the next one finds some."""
UNDER_WAY = (TransferState.OPEN, TransferState.RETURNED, TransferState.MOVING, TransferState.NEEDS_ATTENTION)
_READERS = 2
"""Two persons of the province office: what another province has written is entered by one and the other."""
_SEED = 30
"""The first seed of these rosters: those of the main demonstration begin at 1."""
_MORNING = time(9, 30)
_PATIENCE = 180.0
"""Seconds for what the system does by itself: a moment, but for a machine that is busy with other things."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A pupil whose family moves. `number`: the student number, as the old school has told the guardian."""

    student_id: str
    name: str
    number: str
    grade: int
    guardian: str
    phone: str

    def __repr__(self) -> str:
        return f"Family({self.student_id})"


class _Numbers(msgspec.Struct):
    student_number: str | None


class Listed:
    """Whom the rosters of these demonstrations have listed, this one's and those before it: document numbers, a line each.
    Seeds come round after a hundred rosters; nobody is to be entered at two schools."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def numbers(self) -> frozenset[str]:
        return frozenset(self._path.read_text().split()) if self._path.exists() else frozenset()

    def add(self, numbers: Iterable[str]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._path.open("a") as file:
            file.writelines(f"{number}\n" for number in numbers)


@dataclass
class Scene:
    """One demonstration: its stack, its people by school, its folder, what has differed from what must be."""

    stack: Stack
    matcher: Matcher
    screen: Screen
    folder: Path
    people: Listed
    desks: dict[str, Desk] = field(default_factory=dict)
    office: list[Client] = field(default_factory=list)  # of the province office: an officer and the leader
    failures: list[str] = field(default_factory=list)
    calendar: Calendar = field(default_factory=Calendar)

    def __post_init__(self) -> None:
        self.time = Time(self.stack.clock, self.forget)

    def open(self) -> None:
        """Sign everybody in. Raises DemoProblem where somebody is missing."""
        found = self._schools()
        for key in (OLD, NEW, FULL, PRIVATE):
            code = province.schools()[key].code
            if code not in found:
                raise DemoProblem(f"系统中没有学校 {code}。请用 make reset 重建后再试。")
            self.desks[key] = open_desk(self.stack, found[code])
        people = [one for one in self.stack.accounts if one.organisation == PROVINCE]
        self.office = [Client(self.stack.gateway, one) for one in people]
        if len(self.office) < _READERS:
            raise DemoProblem("系统中没有省教育厅的两名工作人员。请用 make reset 重建后再试。")

    def close(self) -> None:
        for desk in self.desks.values():
            desk.close()
        for one in self.office:
            one.close()

    def forget(self) -> None:
        for desk in self.desks.values():
            desk.forget()
        for one in self.office:
            one.forget()

    def _schools(self) -> dict[str, OrganisationView]:
        first = next((a for a in self.stack.accounts if a.role == "registrar"), None)
        if first is None:
            raise DemoProblem("stack.json 中没有学籍管理员账号。请用 make reset 重建后再试。")
        with contextlib.closing(Client(self.stack.gateway, first)) as client:
            return {view.code: view for view in client.organisations()}

    def officer(self, key: str) -> Client:
        """Of the authority that supervises a school."""
        return self.desks[key].clients["authority_officer"][0]

    def principal(self, key: str) -> Client:
        return self.desks[key].clients["principal"][0]

    def registrar(self, key: str) -> Client:
        return self.desks[key].registrar

    def parameters(self, key: str) -> Parameters:
        return Parameters.for_(self.desks[key].school.division, self.today)

    def must(self, holds: bool, otherwise: str) -> None:
        """What has to be so; where it is not, the demonstration ends with it."""
        if not holds:
            self.failures.append(otherwise)

    # ---- time -------------------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return self.time.clock.today()

    def later(self, working_days: int) -> date:
        """So many working days pass, on a stack whose clock moves. The day it is then."""
        if self.time.moves:
            self.time.pass_to(morning(self.calendar.add_working_days(self.today, working_days).date))
        return self.today

    def leave_the_summer(self) -> None:
        """Nothing new is taken while the national system promotes (24.6.4): the first day after that."""
        parameters = self.parameters(NEW)
        first, last = (
            day.in_year(self.today.year) for day in (parameters.transfer_freeze_from, parameters.transfer_freeze_to)
        )
        if not first <= self.today <= last:
            return
        if not self.time.moves:
            raise DemoProblem(f"{first}至{last}暂停受理新的转学，本系统用实际时间。请在{last}以后再试。")
        self.time.pass_to(morning(last + timedelta(days=1)))


def morning(day: date) -> datetime:
    return datetime.combine(day, _MORNING, ZONE)


# ---- pupils ----------------------------------------------------------------------------------------------------------


def families(scene: Scene, grade: int, count: int) -> list[Family]:
    """`count` pupils of a grade of the old school who have no transfer under way, entered by roster where there are none."""
    desk = scene.desks[OLD]
    for _ in range(3):
        free = _free(desk, grade)
        if len(free) >= count:
            return [_told(desk.registrar, one, n) for n, one in enumerate(free[:count])]
        enter(scene, desk, grade, count - len(free) + SPARE, _next_class(desk.registrar, grade))
    raise DemoProblem(f"{desk.school.name}没有足够的{grade}年级学生：名册中的学生没有全部建籍。")


def _free(desk: Desk, grade: int) -> list[StudentView]:
    busy = set()
    for state in UNDER_WAY:
        page = decoded(desk.registrar.get("/v1/transfers", side="out", state=state, limit=PAGE), TransferPage)
        busy |= {one.student_id for one in page.items}
    here = [one for one in desk.registrar.students() if one.grade == grade and one.state == "in_school"]
    return [one for one in here if one.id not in busy and one.copy_as_of is None]


def _told(registrar: Client, pupil: StudentView, order: int) -> Family:
    """The guardian asks the old school for the number: it is shown in full, with a purpose, and that is recorded (45.3)."""
    answer = registrar.post(f"/v1/students/{pupil.id}/reveal", {"purpose": "监护人办理转学，告知学籍号"})
    number = number_in(answer.content)
    return Family(
        student_id=pupil.id,
        name=pupil.name,
        number=number,
        grade=pupil.grade or 0,
        guardian=f"{pupil.name[0]}家长",
        phone=f"1380451{1001 + order:04d}",
    )


def number_in(content: bytes) -> str:
    """The student number of a reveal. Raises DemoProblem where none has been issued."""
    found = msgspec.json.decode(content, type=_Numbers).student_number
    if not found:
        raise DemoProblem("学生还没有学籍号，不能办理转学。")
    return found


def enter(scene: Scene, desk: Desk, grade: int, rows: int, first_class: int) -> None:
    """A roster of one grade up to the pupils' numbers, as the main demonstration does it."""
    roster = listed(scene, desk, grade, rows, first_class)
    scene.screen.note(f"{desk.school.name}：{grade}年级{rows}名学生建籍")
    register(scene, desk, roster)


def listed(scene: Scene, desk: Desk, grade: int, rows: int, first_class: int, first_seed: int = _SEED) -> Roster:
    """A workbook of pupils whom the population service knows and no school has entered. `first_seed`: of such ones at this
    school; schools of one county with the same seed would have the same pupils."""
    seed = first_seed + sum(1 for _ in desk.registrar.rosters())
    known = scene.matcher.grow(0)
    folder = scene.folder / "名册"
    roster = make_roster(
        folder / f"{desk.school.name}-{grade}年级-{seed}.xlsx",
        school=of_grade(desk.school, grade),
        rows=rows,
        seed=seed,
        planted=False,
        population=Population(seed=known.seed, school_year=known.school_year),
        first_class=first_class,
        taken=scene.people.numbers(),
    )
    people = people_of(roster)
    scene.people.add(one["document_number"] for one in people)
    scene.matcher.know(people)
    return roster


def register(scene: Scene, desk: Desk, roster: Roster) -> None:
    """From the workbook to numbers."""
    run = check(desk, Path(roster.path), str(uuid.uuid4()), scene.screen)
    if run.accepted:
        walk(desk, run, scene.folder / "名册", scene.screen)
    else:
        give_up(desk, run)


def of_grade(view: OrganisationView, grade: int) -> School:
    """A school as a roster of this grade alone sees it. Raises DemoProblem where it does not carry it."""
    grades = {one for stage in view.stages for one in grades_of(Stage(stage), SchoolSystem(view.system or "6-3"))}
    if grade not in grades:
        raise DemoProblem(f"{view.name}不设{grade}年级。")
    return School(code=view.code, name=view.name, division=view.division, grades=(grade,))


def people_of(roster: Roster) -> list[dict[str, str]]:
    """The pupils of a roster as the population service has people."""
    book = openpyxl.load_workbook(roster.path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(min_row=roster.header_row, values_only=True)
        titles = [str(title or "") for title in next(rows)]
        return [_person(dict(zip(titles, cells, strict=False))) for cells in rows if any(cells)]
    finally:
        book.close()


def _person(row: dict[str, Any]) -> dict[str, str]:
    number = str(row["身份证件号"])
    return {
        "document_number": number,
        "name": str(row["姓名"]),
        "sex": "1" if int(number[16]) % 2 else "2",
        "birth_date": f"{number[6:10]}-{number[10:12]}-{number[12:14]}",
    }


# ---- classes ---------------------------------------------------------------------------------------------------------


def classes(registrar: Client, grade: int) -> Iterator[ClassView]:
    cursor = None
    while True:
        page = decoded(registrar.get("/v1/classes", grade=grade, cursor=cursor, limit=PAGE), ClassPage)
        yield from (one for one in page.items if one.closed_on is None)
        if (cursor := page.next_cursor) is None:
            return


def _next_class(registrar: Client, grade: int) -> int:
    return max((one.class_no for one in classes(registrar, grade)), default=0) + 1


def open_class(registrar: Client, grade: int) -> ClassView:
    body = {"grade": grade, "class_no": _next_class(registrar, grade)}
    return decoded(registrar.post("/v1/classes", body), ClassView)


def with_room(scene: Scene, key: str, grade: int, places: int) -> None:
    """The grade has at least so many free places within the standard sizes."""
    registrar = scene.registrar(key)
    while _places(list(classes(registrar, grade))) < places:
        made = open_class(registrar, grade)
        scene.screen.note(f"{made.school_name}开设{grade}年级{made.class_no}班（标准班额{made.standard}人）")


def filled(scene: Scene, key: str, grade: int) -> None:
    """Every class of the grade is at its standard size: pupils are entered until it is so."""
    desk = scene.desks[key]
    if not list(classes(desk.registrar, grade)):
        open_class(desk.registrar, grade)
    for one in list(classes(desk.registrar, grade)):
        if one.size < one.standard:
            enter(scene, desk, grade, one.standard - one.size, one.class_no)
    left = _places(list(classes(desk.registrar, grade)))
    if left:
        raise DemoProblem(f"{desk.school.name}{grade}年级还有{left}个空余学位，没有能坐满。请再试一次。")


def _places(found: Sequence[ClassView]) -> int:
    return sum(max(one.standard - one.size, 0) for one in found)


def until(look: Callable[[], bool], otherwise: str) -> None:
    """Ask again and again until it is so. Raises DemoProblem."""
    end = monotonic() + _PATIENCE
    while not look():
        if monotonic() > end:
            raise DemoProblem(otherwise)
        sleep(0.3)
