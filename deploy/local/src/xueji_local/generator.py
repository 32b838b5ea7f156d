"""Rosters (名册) as schools really send them: valid made-up people, and every hard case planted where it can be found again.

`make_roster` writes the national form's workbook for one school from the population of the matcher's stand-in (same seed: the
pupils match) and returns what it holds. The same arguments give the same workbook on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import xlsxwriter
from matcher.population import Person, child, cohort, cohort_of, current_school_year, person

from xueji_local.generator_cases import CASES, EXTRA_COLUMN, OF_THE_FILE, Case, Planting, Seat, Specials, abroad
from xueji_local.generator_form import GROUPS, HEADERS, Cell, Place, School, form_of

CLASS_SIZE = 45
"""Clause 11, primary schools."""
CLASSES = 99
"""Classes of one grade at most: what the form's two digits hold."""
LEAST_PLANTED = 40
"""Rows that a roster with the hard cases has at least."""
STRIDE, STRIDES = 40_000, 50
"""Each seed begins at its own place of the population's line, so that rosters of different seeds share few pupils: at a
stride's beginning, and from the 51st on at its middle."""
RARE = ("䶮", "𠮷")


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """Which people there are: the seed and school year of the matcher's stand-in."""

    seed: int = 20260901
    school_year: int = msgspec.field(default_factory=current_school_year)


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """What a workbook holds. `header_row`: row number of the titles; pupils follow without a gap.

    `needed`: how many people of the line the matcher must know so that everybody is known who should be.
    """

    path: str
    school: School
    school_year: int
    seed: int
    rows: int
    header_row: int
    classes: int
    needed: int
    cases: tuple[Case, ...] = ()
    elsewhere: Person | None = None

    @property
    def refused_rows(self) -> dict[int, Case]:
        """Row number -> the case it belongs to, for the rows that must be refused."""
        return {row: case for case in self.cases if case.outcome == "refused" for row in case.rows}


class NotPossible(ValueError):
    """The roster asked for cannot be made; the message (Chinese) says why and what can."""


def make_roster(
    path: Path,
    *,
    school: School,
    rows: int = 300,
    seed: int = 1,
    planted: bool = True,
    population: Population | None = None,
    school_year: int | None = None,
    first_class: int = 1,
    taken: Collection[str] = (),
) -> Roster:
    """Write `rows` pupils in classes of at most 45 to `path` (.xlsx) and return what they are.

    Up to 4,455 rows are first-graders; more fill the school's further grades with pupils of their ages. `school_year`: the
    year they enter (the current one); may be another than the population's. `first_class`: the number of the first class.
    `taken`: document numbers of people who stand in other rosters; they are in none of these rows.
    Raises NotPossible.
    """
    people = population or Population()
    year = school_year or current_school_year()
    grades = _grades(school, rows, planted, first_class)
    line = _Line(people, year, start=_start(seed), taken=frozenset(taken))
    rng = random.Random(f"xueji roster {seed} {school.code} {rows} {year}")  # noqa: S311 - reproducible by intent
    seats = list(_seats(line, school, grades, rows=rows, first_class=first_class, rng=rng))
    cases: list[tuple[Case, list[Seat]]] = []
    elsewhere = None
    if planted:
        specials = _specials(line, people, year, seed, {seat.person.document_number for seat in seats})
        planting = Planting(seats=seats, specials=specials, rng=rng, year=year)
        cases = [plant(planting) for plant in CASES]
        elsewhere = specials.elsewhere
    header_row = _write(path, _title(school, year, grades), [seat.cells for seat in seats], extra=planted)
    number = {id(seat): row for row, seat in enumerate(seats, header_row + 1)}
    return Roster(
        path=str(path),
        school=school,
        school_year=year,
        seed=seed,
        rows=rows,
        header_row=header_row,
        classes=len({(seat.place.grade, seat.place.class_no) for seat in seats}),
        needed=line.reached,
        cases=tuple(
            msgspec.structs.replace(
                case, rows=tuple(number[id(seat)] for seat in places), who=tuple(seat.who for seat in places)
            )
            for case, places in cases
        )
        + (OF_THE_FILE if planted else ()),
        elsewhere=elsewhere,
    )


def make_other_roster(path: Path, *, school: School, roster: Roster) -> Roster:
    """One row for another school: the child that `roster` plants as registered elsewhere. Raises NotPossible."""
    if roster.elsewhere is None:
        raise NotPossible("名册中没有“已在其他学校建籍”的学生")
    rng = random.Random(f"xueji other roster {roster.seed} {school.code}")  # noqa: S311 - reproducible by intent
    place = _place(school, school.grades[0], 1, 1, roster.school_year)
    seat = Seat(roster.elsewhere, place, form_of(roster.elsewhere, place, rng))
    case = Case(key="elsewhere", title="先在本校建籍的学生", outcome="accepted", number="G", verification="matched")
    return _single(path, seat, case, roster)


def make_guest_roster(path: Path, *, school: School, roster: Roster, population: Population | None = None) -> Roster:
    """One row for a school that may take foreign pupils: one with a passport, accepted there and given an L (9, 50)."""
    seed = (population or Population()).seed
    grade = school.grades[0]
    rng = random.Random(f"xueji guest roster {roster.seed} {school.code}")  # noqa: S311 - reproducible by intent
    donor = child(seed, roster.school_year - grade + 1, roster.seed)
    place = _place(school, grade, 1, 1, roster.school_year)
    seat = Seat(donor, place, abroad(form_of(donor, place, rng), rng))
    case = Case(
        key="passport_accepted",
        title="持护照的国际学生，本校有接收资格",
        outcome="accepted",
        clause="9",
        number="L",
        verification="not_matchable",
    )
    return _single(path, seat, case, roster)


def _single(path: Path, seat: Seat, case: Case, roster: Roster) -> Roster:
    school, grade = seat.place.school, seat.place.grade
    header_row = _write(path, _title(school, roster.school_year, (grade,)), [seat.cells], extra=False)
    return Roster(
        path=str(path),
        school=school,
        school_year=roster.school_year,
        seed=roster.seed,
        rows=1,
        header_row=header_row,
        classes=1,
        needed=roster.needed,
        cases=(msgspec.structs.replace(case, rows=(header_row + 1,), who=(seat.who,)),),
    )


def _grades(school: School, rows: int, planted: bool, first_class: int) -> tuple[int, ...]:
    classes = CLASSES - first_class + 1
    most = CLASS_SIZE * classes
    if planted and rows < LEAST_PLANTED:
        raise NotPossible(f"含疑难情况的名册至少{LEAST_PLANTED}行")
    if not 0 < rows <= most * len(school.grades):
        raise NotPossible(f"本校一份名册最多{most * len(school.grades)}行（每年级{classes}个班，每班{CLASS_SIZE}人）")
    return school.grades[: -(-rows // most)]


def _title(school: School, year: int, grades: Sequence[int]) -> str:
    first, last = ("〇一二三四五六七八九"[grade] for grade in (grades[0], grades[-1]))
    which = f"{first}年级新生" if first == last else f"{first}至{last}年级学生"
    return f"{school.name}{year}年秋季学期{which}基本信息表"


def _place(school: School, grade: int, class_no: int, seat: int, year: int) -> Place:
    return Place(school=school, grade=grade, class_no=class_no, seat=seat, enrolled=f"{year - grade + 1}09")


def _start(seed: int) -> int:
    lap, stride = divmod(seed - 1, STRIDES)
    return stride * STRIDE + lap % 2 * STRIDE // 2


class _Line:
    """The population's line, walked from `start` as far as somebody asks. `reached`: the place after the last one seen.
    Whoever is `taken` is passed over."""

    def __init__(self, population: Population, year: int, start: int, taken: Set[str] = frozenset()) -> None:
        self._population, self.year, self._taken = population, year, taken
        self.reached = start
        self.seen: dict[int, list[Person]] = {}

    def walk(self, places: int) -> None:
        for index in range(self.reached, self.reached + places):
            p = person(self._population.seed, index, self._population.school_year)
            if p.document_number not in self._taken:
                self.seen.setdefault(self.year - cohort_of(p.birth_date) + 1, []).append(p)
        self.reached += places

    def of_grade(self, grade: int) -> list[Person]:
        """Those seen whose age gives this grade (0: a year too young)."""
        return self.seen.get(grade, [])


def _seats(
    line: _Line, school: School, grades: Sequence[int], *, rows: int, first_class: int, rng: random.Random
) -> Iterator[Seat]:
    """Pupils of the school's county first, then of its city, then from afar, in classes of equal size."""
    share = [rows // len(grades) + (n < rows % len(grades)) for n in range(len(grades))]
    line.walk(20_000)
    while any(len(line.of_grade(grade)) < wanted for grade, wanted in zip(grades, share, strict=True)):
        line.walk(5_000)
    for grade, wanted in zip(grades, share, strict=True):
        near = sorted(line.of_grade(grade), key=lambda p: _distance(p, school))[:wanted]
        classes = -(-wanted // CLASS_SIZE)
        rng.shuffle(near)
        for class_no in range(1, classes + 1):
            members = near[(class_no - 1) * wanted // classes : class_no * wanted // classes]
            for seat, p in enumerate(members, 1):
                place = _place(school, grade, first_class + class_no - 1, seat, line.year)
                yield Seat(p, place, form_of(p, place, rng))


def _distance(p: Person, school: School) -> int:
    if p.county == school.division:
        return 0
    return 1 if p.county[:4] == school.division[:4] else 2


def _specials(line: _Line, population: Population, year: int, seed: int, seated: set[str]) -> Specials:
    """The people for the cases, none of whom sits in the roster already; the line is walked on until all are met."""
    first_day, last_day = date(year - 6, 9, 1), date(year - 6, 8, 31)

    def spare(grade: int) -> Iterator[Person]:
        """Those of a grade that nobody has, and whoever comes when the line goes on."""
        begun = 0
        while True:
            seen = line.of_grade(grade)
            for p in seen[begun:]:
                if p.document_number not in seated:
                    yield p
            begun = len(seen)
            line.walk(5_000)

    def find(grade: int, fits: Any) -> Person:
        found = next(p for p in spare(grade) if fits(p))
        seated.add(found.document_number)
        return found

    # From the far end of the cohort, where the matcher never gets to.
    end = cohort(population.seed, year).size - 1
    unknown = next(p for n in count(seed % 5_000) if len((p := child(population.seed, year, end - n)).name) < 4)
    rare = {c: find(1, lambda p, c=c: c in p.name) for c in RARE}
    return Specials(
        unknown=unknown,
        elsewhere=find(1, lambda p: len(p.name) < 4),
        too_young=find(0, lambda p: p.birth_date == first_day),
        just_old_enough=find(1, lambda p: p.birth_date == last_day),
        rare=rare,
    )


_NOTES = (
    "填表说明：1.带下拉选项的列请填代码或“代码-名称”；2.身份证件号等长数字列请设为文本格式；3.请勿改动列标题。"
    "4.本表由监护人确认签字后由学籍管理员导入。"
)
_REMARKS = ("", "", "", "", "", "已交户口簿复印件", "证件待核", "随迁材料齐全", "有过敏史，见体检表")


def _write(path: Path, title: str, rows: Iterable[Mapping[str, Cell]], *, extra: bool) -> int:
    """The workbook: two merged title rows, the form's blocks, the titles, the pupils. Returns the titles' row number.

    `extra`: a column 备注, which the form does not have, stands behind 班级.
    """
    headers = list(HEADERS)
    groups = [(group, len(titles.split())) for group, titles in GROUPS.items()]
    if extra:
        headers.insert(headers.index("班级") + 1, EXTRA_COLUMN)
        groups = [(g, n + 1) if EXTRA_COLUMN in _of(headers, groups, g) else (g, n) for g, n in groups]
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        book.set_properties({"title": title})
        sheet = book.add_worksheet("学生基本信息表")
        bold = book.add_format({"bold": True, "align": "center", "valign": "vcenter", "border": 1})
        big = book.add_format({"bold": True, "align": "center", "valign": "vcenter", "font_size": 18})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.set_column(0, len(headers) - 1, 14)
        sheet.merge_range(0, 0, 0, len(headers) - 1, title, big)
        sheet.merge_range(1, 0, 1, len(headers) - 1, _NOTES, wrap)
        column = 0
        for group, width in groups:
            if width > 1:
                sheet.merge_range(2, column, 2, column + width - 1, group, bold)
            column += width
        for column, header in enumerate(headers):
            sheet.write_string(3, column, header, bold)
        sheet.freeze_panes(4, 2)
        for number, cells in enumerate(rows):
            for column, header in enumerate(headers):
                value = cells.get(header)
                if header == EXTRA_COLUMN:
                    value = _REMARKS[number % len(_REMARKS)]
                if isinstance(value, str) and value:
                    sheet.write_string(4 + number, column, value, text)
                elif isinstance(value, date):
                    sheet.write_datetime(4 + number, column, value, day)
                elif isinstance(value, int | float):
                    sheet.write_number(4 + number, column, value)
    return 4


def _of(headers: Sequence[str], groups: Sequence[tuple[str, int]], wanted: str) -> Sequence[str]:
    """The titles under a block, the extra one with its neighbour on the left."""
    begin = 0
    for group, width in groups:
        inside = headers[begin : begin + width + (EXTRA_COLUMN in headers[begin : begin + width])]
        if group == wanted:
            return inside
        begin += len(inside)
    return ()
