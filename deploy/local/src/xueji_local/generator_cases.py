"""The hard cases planted in a roster, and what has to come of each.

One function per case, in the order of `CASES`: it takes a free seat, writes what a real roster would hold there, and says
what the system must do with it. Whoever runs the roster through the system compares (`demo`, end-to-end tests).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import msgspec
from matcher.population import Person

from xueji_local.generator_form import Cell, Place, form_of

IDENTIFYING = ("姓名", "联系电话", "班级", "班内学号")
"""What tells the rows of a roster apart where document numbers may be wrong."""

Outcome = Literal["accepted", "refused", "read"]
"""Of the rows, or (`read`) of the file as a whole."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One planted case, as the manifest tells it.

    `rows`: numbers in the sheet as Excel shows them. `outcome`: of each of them. `clause`: what a finding cites, `code` its
    name. `number`, `verification`: how an accepted pupil ends. `cures`: column title -> right text; `remove`: no cell can
    cure it, the row has to go; neither: there is nothing to cure. `who`: the cells of `IDENTIFYING` of each row, to find
    it in another sheet.
    """

    key: str
    title: str
    outcome: Outcome
    rows: tuple[int, ...] = ()
    clause: str | None = None
    code: str | None = None
    number: Literal["G", "L"] | None = None
    verification: str | None = None
    cures: dict[str, str] = {}
    remove: bool = False
    who: tuple[tuple[str, ...], ...] = ()


@dataclass
class Seat:
    """One row in the making."""

    person: Person
    place: Place
    cells: dict[str, Cell]
    taken: bool = False

    @property
    def who(self) -> tuple[str, ...]:
        return tuple(str(self.cells.get(header) or "") for header in IDENTIFYING)


@dataclass
class Specials:
    """People the cases ask for. `unknown`, `elsewhere`: of the age of the first grade; `rare`: by character."""

    unknown: Person
    elsewhere: Person
    too_young: Person
    just_old_enough: Person
    rare: dict[str, Person]


@dataclass
class Planting:
    """The roster in the making: seats, the people for the cases, a source of chance. `first`: of the first grade."""

    seats: Sequence[Seat]
    specials: Specials
    rng: random.Random
    year: int
    free: Iterator[Seat] = field(init=False)

    def __post_init__(self) -> None:
        grade = self.seats[0].place.grade
        first = [seat for seat in self.seats if seat.place.grade == grade]
        self.free = iter(self.rng.sample(first, len(first)))

    def take(self, fits: Callable[[Seat], bool] = lambda _: True) -> Seat:
        """A seat nobody has taken, in the first grade, whose pupil fits."""
        seat = next(s for s in self.free if not s.taken and fits(s))
        seat.taken = True
        return seat

    def sit(self, person: Person) -> Seat:
        """The same, with another pupil in it."""
        seat = self.take()
        seat.person = person
        seat.cells = form_of(person, seat.place, self.rng)
        return seat


Plant = Callable[[Planting], tuple[Case, list[Seat]]]


def unknown_to_matcher(p: Planting) -> tuple[Case, list[Seat]]:
    case = Case(
        key="unknown_to_matcher",
        title="公安人口库中没有此人",
        outcome="accepted",
        clause="15.3",
        number="L",
        verification="not_found",
    )
    return case, [p.sit(p.specials.unknown)]


def name_mismatch(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take(lambda s: 2 <= len(s.person.name) <= 3)
    name = seat.person.name
    seat.cells["姓名"] = name[:-1] + ("萱" if name[-1] != "萱" else "轩")
    case = Case(
        key="name_mismatch",
        title="姓名与公安人口信息不一致",
        outcome="accepted",
        clause="15.3",
        number="L",
        verification="name_mismatch",
    )
    return case, [seat]


def twice_in_file(p: Planting) -> tuple[Case, list[Seat]]:
    """The same child in two classes. The first row stands, the second goes."""
    seats = sorted((p.take(), p.take()), key=lambda s: (s.place.class_no, s.place.seat))
    first, second = seats
    own = {key: second.cells[key] for key in ("年级", "班级", "班内学号")}
    second.person, second.cells = first.person, first.cells | own
    case = Case(
        key="twice_in_file",
        title="同一身份证件号在名册中出现两次",
        outcome="refused",
        clause="20.1",
        remove=True,
    )
    return case, [second]


def registered_elsewhere(p: Planting) -> tuple[Case, list[Seat]]:
    case = Case(
        key="registered_elsewhere",
        title="已在其他学校建籍",
        outcome="refused",
        clause="15.2",
        remove=True,
    )
    return case, [p.sit(p.specials.elsewhere)]


def under_age(p: Planting) -> tuple[Case, list[Seat]]:
    case = Case(
        key="under_age",
        title="不足入学年龄（9月1日满6周岁）",
        outcome="refused",
        clause="20.2",
        code="age.under_entry",
        remove=True,
    )
    return case, [p.sit(p.specials.too_young)]


def just_old_enough(p: Planting) -> tuple[Case, list[Seat]]:
    case = Case(
        key="just_old_enough",
        title="刚满入学年龄（8月31日满6周岁）",
        outcome="accepted",
        clause="20.2",
        number="G",
        verification="matched",
    )
    return case, [p.sit(p.specials.just_old_enough)]


def wrong_check_digit(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    right = seat.person.document_number
    last = "0123456789"["X0123456789".index(right[-1]) % 10]
    seat.cells["身份证件号"] = right[:-1] + last
    case = Case(
        key="wrong_check_digit",
        title="身份证号校验码错误",
        outcome="refused",
        clause="3.5",
        code="document.check_digit",
        cures={"身份证件号": right},
    )
    return case, [seat]


def number_as_float(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take(lambda s: s.person.document_number.isdigit())
    right = seat.person.document_number
    seat.cells["身份证件号"] = float(right)
    case = Case(
        key="number_as_float",
        title="身份证号被Excel存成数值，末位丢失",
        outcome="refused",
        code="form.digits_lost",
        cures={"身份证件号": right},
    )
    return case, [seat]


def dates_four_ways(p: Planting) -> tuple[Case, list[Seat]]:
    seats = [p.take() for _ in range(4)]
    as_cell, as_digits, as_dashes, as_serial = (s.person.birth_date for s in seats)
    seats[0].cells["出生日期"] = as_cell
    seats[1].cells["出生日期"] = as_digits.strftime("%Y%m%d")
    seats[2].cells["出生日期"] = f"{as_dashes.year}-{as_dashes.month}-{as_dashes.day}"
    seats[3].cells["出生日期"] = (as_serial - date(1899, 12, 30)).days
    case = Case(
        key="dates_four_ways",
        title="出生日期的四种写法（日期格式、20200305、2020-3-5、序列号）",
        outcome="accepted",
        number="G",
        verification="matched",
    )
    return case, seats


def rare_characters(p: Planting) -> tuple[Case, list[Seat]]:
    seats = [p.sit(person) for person in p.specials.rare.values()]
    case = Case(
        key="rare_characters",
        title=f"姓名含生僻字（{'、'.join(p.specials.rare)}）",
        outcome="accepted",
        number="G",
        verification="matched",
    )
    return case, seats


def abroad(ordinary: Mapping[str, Cell], rng: random.Random) -> dict[str, Cell]:
    """A foreign pupil with a passport: names in Latin letters, no household registration, parents with passports."""
    surname = rng.choice(("IVANOVA", "PETROVA", "SMIRNOVA", "KUZNETSOVA"))
    given = rng.choice(("ANNA", "DARYA", "POLINA", "SOFIA", "ALISA"))
    cells = dict(ordinary) | {
        "姓名": f"{surname} {given}",
        "性别": "2-女",
        "民族": "97-其他",
        "国籍/地区": "RUS-俄罗斯",
        "身份证件类型": "A-护照",
        "身份证件号": f"75{rng.randrange(10**7):07d}",
        "港澳台侨外": "51-外国人",
        "政治面貌": None,
        "是否进城务工人员随迁子女": "0-否",
        **dict.fromkeys(("出生地", "籍贯", "户口所在地", "户口性质"), None),
    }
    for n in (1, 2):
        if cells.get(f"成员{n}姓名"):
            male = str(cells[f"成员{n}关系"]).endswith(("51", "父亲"))
            cells |= {
                f"成员{n}姓名": f"{surname.removesuffix('A')} SERGEY" if male else f"{surname} ELENA",
                f"成员{n}民族": "97-其他",
                f"成员{n}户口所在地": None,
                f"成员{n}身份证件类型": "A-护照",
                f"成员{n}身份证件号": f"75{rng.randrange(10**7):07d}",
            }
    return cells


def passport_holder(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    seat.cells = abroad(seat.cells, p.rng)
    case = Case(
        key="passport_holder",
        title="持护照的国际学生，本校没有接收资格",
        outcome="refused",
        clause="9",
        code="foreign.school_not_qualified",
        remove=True,
    )
    return case, [seat]


def hong_kong_resident(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    seat.cells |= {
        "身份证件类型": "6-香港特区护照/身份证明",
        "身份证件号": f"H{p.rng.randrange(10**8):08d}",
        "港澳台侨外": "01-香港同胞",
        **dict.fromkeys(("籍贯", "户口所在地", "户口性质"), None),
    }
    case = Case(
        key="hong_kong_resident",
        title="香港居民",
        outcome="accepted",
        clause="50",
        code="overseas.not_matchable",
        number="L",
        verification="not_matchable",
    )
    return case, [seat]


def mainstreamed(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    seat.cells |= {"健康状况": "50-残疾", "随班就读": "2-听力残疾随班就读", "残疾类型": "3-听力残疾"}
    case = Case(
        key="mainstreamed",
        title="随班就读学生",
        outcome="accepted",
        clause="17",
        number="G",
        verification="matched",
    )
    return case, [seat]


def missing_field(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    right, seat.cells["民族"] = str(seat.cells["民族"]), None
    case = Case(
        key="missing_field",
        title="必填项“民族”没有填写",
        outcome="refused",
        clause="14",
        code="form.missing",
        cures={"民族": right},
    )
    return case, [seat]


def unknown_code(p: Planting) -> tuple[Case, list[Seat]]:
    seat = p.take()
    right, seat.cells["户口性质"] = str(seat.cells["户口性质"]), "3-集体户口"
    case = Case(
        key="unknown_code",
        title="“户口性质”填了代码表中没有的值",
        outcome="refused",
        clause="14",
        code="form.code_unknown",
        cures={"户口性质": right},
    )
    return case, [seat]


CASES: tuple[Plant, ...] = (
    unknown_to_matcher,
    name_mismatch,
    twice_in_file,
    registered_elsewhere,
    under_age,
    just_old_enough,
    wrong_check_digit,
    number_as_float,
    dates_four_ways,
    rare_characters,
    passport_holder,
    hong_kong_resident,
    mainstreamed,
    missing_field,
    unknown_code,
)

OF_THE_FILE: tuple[Case, ...] = (
    Case(key="merged_titles", title="表头上方有合并的标题行", outcome="read"),
    Case(key="extra_column", title="多了一列“备注”，不在国家表中", outcome="read"),
)
EXTRA_COLUMN = "备注"
