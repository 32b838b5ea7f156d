"""Made-up people, complete and valid, as a pure function of a seed and a place in the line.

`person(seed, index)` gives the same child on every machine. Nothing is stored and nothing is random: a keyed hash of the
place gives the bits that choose names and addresses, and identity numbers are unique *by construction*:

- A cohort's children stand on a grid of cells (county, k) by days, and a seeded affine permutation of the grid gives each
  ordinal its own square. The sequence of the number is `16 k + r + 1` with r in 0..15, so (area, birth date, k) can be
  read back from it, and no two children share it.
- A guardian's sequence holds k and y in 0..7; the guardian's birth date is the child's minus a number of days that y
  chooses. So the child can be read back from the guardian's number, too. Adults and children differ by birth year.

A cohort Y is the children who turn 6 between 1 September of Y-1 and 31 August of Y (clause 5.2), Y a school year.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from math import gcd
from typing import Literal

import msgspec

from matcher.discreet import Discreet
from matcher.names import SPAN, Names, names, rows
from matcher.numbers import CHECKS, part_sum

SCHOOL_YEAR = 2026
"""The school year of the examples: most people of its line turn 6 by its 31 August."""

MAIN_LANES, LANES = 9, 16
"""Of 16 neighbours in the line 9 are of the cohort itself, 1 a year too young, 5 one to five years older (grades 2 to 6), 1
still older (grades 7 to 9 and just left)."""

Sex = Literal["1", "2"]
_PHONES = tuple(
    map(str, (*range(130, 140), *range(150, 154), *range(155, 160), 166, 173, 176, 177, *range(180, 190), 199))
)


class County(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A county or district. `births`: how many children of one day it can hold, in proportion to its people."""

    code: str
    prefecture: str
    name: str
    births: int


class Guardian(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parent. `relation`: 父亲 or 母亲."""

    name: str
    sex: Sex
    birth_date: date
    document_number: str
    relation: str
    nationality: str
    phone: str
    employer: str
    post: str


class Person(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A child of the population. `nationality`: GB/T 3304 code. `county`: where the household is registered (6 digits)."""

    name: str
    sex: Sex
    birth_date: date
    document_number: str
    nationality: str
    county: str
    address: str
    postcode: str
    guardians: tuple[Guardian, Guardian]


class Day(msgspec.Struct, frozen=True, gc=False):
    value: date
    text: str
    check: int

    @classmethod
    def of(cls, value: date) -> Day:
        text = value.strftime("%Y%m%d")
        return cls(value, text, part_sum(text, 6))


@lru_cache(1)
def counties() -> tuple[County, ...]:
    return tuple(
        County(code=r["code"], prefecture=r["prefecture"], name=r["county"], births=int(r["births"]))
        for r in rows("counties.csv")
    )


def cohort_of(born: date) -> int:
    """The school year by whose 31 August a child born on this day turns 6 (clause 5.2)."""
    return born.year + (6 if (born.month, born.day) < (9, 1) else 7)


def current_school_year(today: date | None = None) -> int:
    """From August on it is the year about to begin. The day is China's."""
    day = today or datetime.now(timezone(timedelta(hours=8))).date()
    return day.year if day.month >= 8 else day.year - 1


class Cohort:
    """One cohort of one seed: its days, the days of its parents, its permutation. Costs some milliseconds to make."""

    def __init__(self, seed: int, year: int) -> None:
        first = date(year - 7, 9, 1)
        self.days = [Day.of(first + timedelta(n)) for n in range((date(year - 6, 9, 1) - first).days)]
        # The permutation and the ages depend on the seed alone, so that a guardian of any cohort can be read back.
        rng = random.Random(f"xueji population {seed}")  # noqa: S311 - reproducible by intent
        self.ages = {
            "father": [round((24 + 2 * y + rng.random() * 1.9) * 365.25) for y in range(8)],
            "mother": [round((22 + 2 * y + rng.random() * 1.9) * 365.25) for y in range(8)],
        }
        self.parents = {
            who: [[Day.of(d.value - timedelta(age)) for d in self.days] for age in ages]
            for who, ages in self.ages.items()
        }
        self.size = len(cells()) * len(self.days)
        self.offset = rng.randrange(self.size)
        self.step = next(s for s in count(rng.randrange(self.size // 3, self.size)) if gcd(s, self.size) == 1)
        self.hash = blake2b(b"%d" % year, key=b"%d" % seed, digest_size=64)


@lru_cache(1)
def cells() -> tuple[tuple[County, int, int], ...]:
    """(county, k, what the area adds to the check sum) for each k below the county's births."""
    return tuple((c, k, part_sum(c.code, 0)) for c in counties() for k in range(c.births))


@lru_cache(64)
def cohort(seed: int, year: int) -> Cohort:
    return Cohort(seed, year)


_SEQUENCES = tuple((f"{n:03d}", part_sum(f"{n:03d}", 14)) for n in range(1000))
_DRAWS = struct.Struct("<32H").unpack
_PLACE = struct.Struct("<Q").pack


def _guardian(
    group: Cohort,
    who: Literal["father", "mother"],
    place: tuple[County, int, int],
    day: int,
    *,
    nationality: str,
    name: str,
    draws: tuple[int, ...],
) -> Guardian:
    county, k, area_check = place
    male = who == "father"
    y = draws[0] & 7
    born = group.parents[who][y][day]
    sequence, check = _SEQUENCES[(8 * k + y) * 2 + (1 if male else 2)]
    words = names()
    return Guardian(
        name=name,
        sex="1" if male else "2",
        birth_date=born.value,
        document_number=county.code + born.text + sequence + CHECKS[(area_check + born.check + check) % 11],
        relation="父亲" if male else "母亲",
        nationality=nationality,
        phone=f"{_PHONES[draws[1] % len(_PHONES)]}{(draws[2] * SPAN + draws[3]) % 100_000_000:08d}",
        employer=words.employers[draws[4] % len(words.employers)].replace("{county}", county.name),
        post=words.posts[draws[5] % len(words.posts)],
    )


def _child_name(words: Names, sex: Sex, surname: str, draws: tuple[int, ...]) -> str:
    given = (words.boys if sex == "1" else words.girls)[draws[6]]
    if draws[7] < words.rare_below:
        # the rare character takes the place of the last one: 王子䶮
        return surname + given[:-1] + words.rare[draws[8] % len(words.rare)]
    return surname + given


def child(seed: int, year: int, ordinal: int) -> Person:
    """The `ordinal`-th child of the cohort `year`. Numbers of different (year, ordinal) differ, guardians' as well.

    ValueError beyond the cohort's size (about 1.1 million).
    """
    group = cohort(seed, year)
    if not 0 <= ordinal < group.size:
        raise ValueError(f"a cohort holds {group.size} children, there is no number {ordinal}")
    square = (ordinal * group.step + group.offset) % group.size
    day, cell = divmod(square, len(cells()))
    place = cells()[cell]
    county, k, area_check = place
    state = group.hash.copy()
    state.update(_PLACE(ordinal))
    draws: tuple[int, ...] = _DRAWS(state.digest())

    words = names()
    born = group.days[day]
    sequence, check = _SEQUENCES[16 * k + (draws[0] & 15) + 1]
    sex: Sex = "2" if draws[0] & 1 else "1"  # 16 k + r + 1 is odd where r is even
    nationality = words.nationalities[draws[1]]
    surname = words.surnames[draws[2]]
    other = words.surnames[draws[3]]
    # One child in 32 has the mother's surname.
    paternal, maternal = (surname, other) if draws[4] & 31 else (other, surname)
    if draws[5] >= words.foreign_from:
        name = (words.foreign_boys if sex == "1" else words.foreign_girls)[draws[6] % 4]
        nationality = "02" if "那顺" in name or "其木格" in name else "05"
    else:
        name = _child_name(words, sex, surname, draws)
    streets = words.city_streets if county.name.endswith("区") else words.county_streets
    street = streets[draws[9] % len(streets)]
    address = (
        f"黑龙江省{county.prefecture}{county.name}{street}{draws[10] % 298 + 1}号"
        f"{words.estates[draws[11] % len(words.estates)]}{draws[12] % 30 + 1}号楼"
        f"{draws[13] % 5 + 1}单元{draws[14] % 17 + 1}0{draws[15] % 4 + 1}室"
    )
    return Person(
        name=name,
        sex=sex,
        birth_date=born.value,
        document_number=county.code + born.text + sequence + CHECKS[(area_check + born.check + check) % 11],
        nationality=nationality,
        county=county.code,
        address=address,
        postcode=f"15{int(county.code[2:4]) % 10}{draws[16] % 10}00",
        guardians=(
            _guardian(
                group,
                "father",
                place,
                day,
                nationality=nationality,
                name=paternal + words.men[draws[17]],
                draws=draws[18:24],
            ),
            _guardian(
                group,
                "mother",
                place,
                day,
                nationality="01",
                name=maternal + words.women[draws[24]],
                draws=draws[25:31],
            ),
        ),
    )


def place_of(index: int, school_year: int = SCHOOL_YEAR) -> tuple[int, int]:
    """(cohort, ordinal) of a place in the line: most are of the cohort of `school_year`, some younger, some older."""
    block, lane = divmod(index, LANES)
    if lane < MAIN_LANES:
        return school_year, block * MAIN_LANES + lane
    if lane == MAIN_LANES:
        return school_year + 1, block
    if lane < LANES - 1:
        return school_year - (lane - MAIN_LANES), block
    return school_year - 6 - block % 4, block // 4


def person(seed: int, index: int, school_year: int = SCHOOL_YEAR) -> Person:
    """The person at place `index` (from 0) of the line. Identity numbers differ between places.

    ValueError for a negative index or one past the last (about 2 million).
    """
    if index < 0:
        raise ValueError("places are counted from 0")
    return child(seed, *place_of(index, school_year))


@lru_cache(8)
def capacity(school_year: int = SCHOOL_YEAR) -> int:
    """How many places the line has. The cohort itself is the first to be full."""
    blocks, rest = divmod(cohort(0, school_year).size, MAIN_LANES)
    return blocks * LANES + rest


def people(seed: int, start: int = 0, stop: int | None = None, school_year: int = SCHOOL_YEAR) -> Iterator[Person]:
    """The line from `start` up to `stop` (without end if None)."""
    for index in count(start) if stop is None else range(start, stop):
        yield person(seed, index, school_year)
