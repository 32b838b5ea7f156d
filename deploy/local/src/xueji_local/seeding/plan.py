"""Which schools a synthetic province has, and how many pupils sit in each grade of each. Pure and reproducible.

Counties have pupils in proportion to their people. A county has one school system; its schools are of all sizes and kinds:
primary and junior schools, teaching points, nine-year and twelve-year schools, a special school where it has enough pupils;
some are private, some are managed by the city.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec
from matcher.population import counties
from regulation.divisions import DIVISIONS
from regulation.school_codes import SCHOOL_TYPES, SPECIAL_EDUCATION
from regulation.school_year import SchoolSystem, stage_of
from shared_contracts.organisations import OrganisationView

from xueji_local.province import authority_name

GRADES = range(1, 10)
A_SCHOOL = 667
"""Pupils of an average school: two million have about 3,000."""
CLASS_SIZE = 45
SPECIAL_SHARE = 0.003
FIRST = 500_001
"""The serial of the first school's code: those of the demonstration are lower."""
_MOST_CLASSES = 99


class PlannedSchool(msgspec.Struct, frozen=True, kw_only=True):
    """`weight`: its part of the county's pupils of each grade that it has, beside the other schools' weights."""

    view: OrganisationView
    county: str
    weight: float

    @property
    def system(self) -> SchoolSystem:
        return SchoolSystem(self.view.system or "6-3")

    @property
    def special(self) -> bool:
        return self.view.school_type in SPECIAL_EDUCATION

    def carries(self, grade: int) -> bool:
        return stage_of(grade, self.system) in self.view.stages


class Klass(msgspec.Struct, frozen=True):
    """One class and how many pupils it has."""

    school: PlannedSchool
    grade: int
    class_no: int
    pupils: int


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to weights, whose sum is `total` (largest remainders)."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    found = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda i: (found[i] - exact[i], i))
    for i in order[: total - sum(found)]:
        found[i] += 1
    return found


@cache
def pupils_by_county(students: int) -> Mapping[str, tuple[int, ...]]:
    """County -> pupils of grade 1 to 9. Exactly `students` together."""
    places = [(county.code, county.births) for county in counties()]
    by_grade = [shares(of_grade, [births for _, births in places]) for of_grade in shares(students, [1.0] * 9)]
    return {code: tuple(column[i] for column in by_grade) for i, (code, _) in enumerate(places)}


@cache
def schools(students: int) -> tuple[PlannedSchool, ...]:
    """All schools, in the order of counties."""
    serial = FIRST
    found: list[PlannedSchool] = []
    for code, by_grade in pupils_by_county(students).items():
        if sum(by_grade):
            made = list(_of_county(code, sum(by_grade), serial))
            serial += len(made)
            found += made
    return tuple(found)


def _of_county(county: str, pupils: int, serial: int) -> Iterator[PlannedSchool]:
    chance = random.Random(f"xueji province {county}")  # noqa: S311 - reproducible by intent
    division = DIVISIONS[county]
    urban, system = division.name.endswith("区"), "5-4" if chance.random() < 0.2 else "6-3"
    place = authority_name(division).removesuffix("教育局")
    for number, school_type in enumerate(_types(max(1, round(pupils / A_SCHOOL)), pupils, urban), start=1):
        private = urban and school_type in ("211", "311", "312") and chance.random() < 0.06
        city = division.parent if urban and number > 1 and chance.random() < 0.02 else None
        kind, noun = _NAMES[school_type]
        yield PlannedSchool(
            county=county,
            weight={"218": 0.08, "513": 0.0}.get(school_type, chance.lognormvariate(0, 0.55)),
            view=OrganisationView(
                code=f"{kind}23{serial + number - 1:06d}",
                name=f"{place}{'民办' if private else ''}第{number}{noun}",
                kind="school",
                parent=city or county,
                authority=city or county,
                division=county,
                school_type=school_type,
                stages=tuple(stage.value for stage in SCHOOL_TYPES[school_type].stages),
                system=system,
                ownership="private" if private else "public",
                locality="urban" if urban else ("town" if chance.random() < 0.5 else "rural"),
                accepts_international=urban and number == 1 and school_type != "513",
            ),
        )


_NAMES = {
    "211": ("21", "小学"), "218": ("21", "教学点"), "311": ("31", "初级中学"), "312": ("31", "九年一贯制学校"),
    "341": ("34", "中学"), "345": ("34", "十二年一贯制学校"), "513": ("51", "特殊教育学校"),
}  # fmt: skip


def _types(many: int, pupils: int, urban: bool) -> list[str]:
    """The first one has all grades, so that no pupil is without a school."""
    if many < 3:
        return ["312"] * many + (["513"] if pupils * SPECIAL_SHARE >= 9 else [])
    nine, whole, points = max(1, round(many * 0.15)), many // 25, 0 if urban else many // 10
    rest = many - nine - whole - points
    junior = max(1, round(rest * 0.3))
    found = ["312"] * nine + ["211"] * (rest - junior) + ["311"] * junior + ["218"] * points
    found += ["341", "345"] * (whole // 2) + ["341"] * (whole % 2)
    return found + (["513"] if pupils * SPECIAL_SHARE >= 9 else [])


@cache
def by_county(students: int) -> Mapping[str, tuple[PlannedSchool, ...]]:
    found: dict[str, list[PlannedSchool]] = {}
    for school in schools(students):
        found.setdefault(school.county, []).append(school)
    return {county: tuple(own) for county, own in found.items()}


def classes(students: int, grade: int) -> Iterator[Klass]:
    """The classes of one grade over the whole province, county by county."""
    for county, own in by_county(students).items():
        pupils = pupils_by_county(students)[county][grade - 1]
        carrying = [school for school in own if school.carries(grade)]
        special = sum(school.special for school in carrying)
        set_apart = round(pupils * SPECIAL_SHARE) if special else 0
        ordinary = shares(pupils - set_apart, [school.weight for school in carrying if not school.special])
        apart = iter(shares(set_apart, [1.0] * special) if special else [])
        rest = iter(ordinary)
        for school in carrying:
            of_grade = next(apart) if school.special else next(rest)
            for class_no, size in enumerate(_even(of_grade), start=1):
                yield Klass(school, grade, class_no, size)


def _even(pupils: int) -> list[int]:
    """Classes of at most 45, none of them nearly empty."""
    many = min(_MOST_CLASSES, -(-pupils // CLASS_SIZE))
    return shares(pupils, [1.0] * many) if pupils else []
