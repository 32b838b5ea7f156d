"""Rosters for the tests, and what of their people must never be seen anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
from e2e_system import System
from matcher.population import current_school_year
from python_calamine import CalamineWorkbook
from regulation.school_year import SchoolSystem, Stage, grades_of
from xueji_local import generator, province
from xueji_local.generator_form import School

_SEEDS = (seed for seed in count(11) if (seed - 1) % generator.STRIDES >= 10)
"""Where the others begin is for rosters that have to be the same in several tests."""
_GIVEN: set[str] = set()
"""Document numbers of pupils that stood in a roster: nobody is given to two tests."""


def school(key: str) -> School:
    """A school of the province as the generator wants it: the grades of its lowest stage."""
    found = province.schools()[key]
    stage = Stage(found.view().stages[0])
    return School(
        code=found.code,
        name=found.name,
        division=found.division,
        grades=tuple(grades_of(stage, SchoolSystem(found.system))),
    )


@dataclass(frozen=True)
class Secrets:
    """What is personal in a roster. `pupils`, `guardians`: names."""

    documents: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    pupils: frozenset[str] = frozenset()
    guardians: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(
            self.documents | other.documents,
            self.phones | other.phones,
            self.pupils | other.pupils,
            self.guardians | other.guardians,
            self.addresses | other.addresses,
        )

    @property
    def names(self) -> frozenset[str]:
        return self.pupils | self.guardians

    @property
    def numbers(self) -> frozenset[str]:
        return self.documents | self.phones


@dataclass(frozen=True)
class Made:
    """A workbook and what stands in it: by row number, title -> cell."""

    path: Path
    roster: generator.Roster
    rows: dict[int, dict[str, Any]] = field(repr=False)

    @property
    def size(self) -> int:
        return self.roster.rows

    @property
    def secrets(self) -> Secrets:
        cured = {value for case in self.roster.cases for value in case.cures.values()}
        return secrets_of(self.rows.values()) | Secrets(documents=frozenset(v for v in cured if len(v) >= 15))

    def person(self, row: int) -> dict[str, Any]:
        """The pupil of a row as the matcher's population has people. Only for rows without planted faults."""
        cells = self.rows[row]
        number, born = str(cells["身份证件号"]), str(cells["出生日期"])
        return {
            "document_number": number,
            "name": cells["姓名"],
            "sex": "1" if int(number[16]) % 2 else "2",
            "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:8]}",
        }


def read(path: Path, header_row: int) -> dict[int, dict[str, Any]]:
    lines = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    titles = [str(cell) for cell in lines[header_row - 1]]
    return {
        number: dict(zip(titles, line, strict=True))
        for number, line in enumerate(lines[header_row:], header_row + 1)
        if any(line)
    }


def secrets_of(rows: Iterable[Mapping[str, Any]]) -> Secrets:
    documents, phones, pupils, guardians, addresses = set(), set(), set(), set(), set()
    for row in rows:
        pupils.add(str(row["姓名"]))
        for title, value in row.items():
            text = str(value or "").strip()
            if not text:
                continue
            if title.endswith("身份证件号") and len(text) >= 8:
                documents.add(text.removesuffix(".0"))
            elif title.endswith("联系电话"):
                phones.add(text)
            elif re.fullmatch(r"成员\d姓名", title):
                guardians.add(text)
            elif title.endswith(("住址", "地址")):
                addresses.add(text)
    return Secrets(*map(frozenset, (documents, phones, pupils, guardians, addresses)))


class People:
    """Makes rosters for one system and remembers who was in them. The matcher knows whoever should be known."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system, self._folder = system, folder
        self.made: list[Made] = []

    @property
    def secrets(self) -> Secrets:
        everything = Secrets()
        for made in self.made:
            everything |= made.secrets
        return everything

    def roster(self, key: str, rows: int, *, seed: int | None = None, planted: bool = False, **more: Any) -> Made:
        """A workbook of a school (`xinchun`, …). Without `seed` pupils whom no other roster has."""
        if seed is None:
            seed, more = next(_SEEDS), {**more, "taken": _GIVEN}
        path = self._folder / f"{key}-{seed}-{rows}.xlsx"
        roster = generator.make_roster(path, school=school(key), rows=rows, seed=seed, planted=planted, **more)
        made = Made(path, roster, read(path, roster.header_row))
        _GIVEN.update(str(row["身份证件号"]) for row in made.rows.values())
        return self.known(made)

    def elsewhere(self, key: str, made: Made) -> Made:
        """One row for another school: the child that `made` plants as registered elsewhere."""
        path = self._folder / f"{key}-elsewhere-{made.roster.seed}.xlsx"
        roster = generator.make_other_roster(path, school=school(key), roster=made.roster)
        return self.known(Made(path, roster, read(path, roster.header_row)))

    def guest(self, key: str, made: Made) -> Made:
        path = self._folder / f"{key}-guest-{made.roster.seed}.xlsx"
        roster = generator.make_guest_roster(path, school=school(key), roster=made.roster)
        return self.known(Made(path, roster, read(path, roster.header_row)))

    def same_pupils(self, key: str, made: Made) -> Made:
        """The same children in a roster of another school."""
        other, path = school(key), self._folder / f"{key}-as-{made.path.name}"
        book = openpyxl.load_workbook(made.path)
        sheet = book.worksheets[0]
        for row in range(made.roster.header_row + 1, sheet.max_row + 1):
            sheet.cell(row, 1).value = other.code
        book.save(path)
        roster = generator.Roster(
            path=str(path), school=other, school_year=made.roster.school_year, seed=made.roster.seed,
            rows=made.roster.rows, header_row=made.roster.header_row, classes=made.roster.classes,
            needed=made.roster.needed,
        )  # fmt: skip
        again = Made(path, roster, read(path, roster.header_row))
        self.made.append(again)
        return again

    def mainstreamed(self, made: Made) -> Made:
        """The same workbook, all its pupils 随班就读."""
        book = openpyxl.load_workbook(made.path)
        sheet, header = book.worksheets[0], made.roster.header_row
        columns = {str(cell.value).strip(): cell.column for cell in sheet[header] if cell.value}
        for row in made.rows:
            sheet.cell(row, columns["随班就读"]).value = "听力残疾随班就读"
            sheet.cell(row, columns["残疾类型"]).value = "听力残疾"
        book.save(made.path)
        return Made(made.path, made.roster, read(made.path, header))

    def known(self, made: Made) -> Made:
        """The matcher knows its people: by the line where hard cases are planted, else one by one (any seed)."""
        self.made.append(made)
        if made.roster.elsewhere is not None:
            self._system.matcher("POST", "/v1/population", {"size": made.roster.needed})
            return made
        rows = [row for row in made.rows if len(str(made.rows[row]["身份证件号"])) == 18]
        for begin in range(0, len(rows), 1000):
            people = [made.person(row) for row in rows[begin : begin + 1000]]
            self._system.matcher("POST", "/v1/population", {"people": people})
        return made


def form_of(made: Made, row: int) -> dict[str, str]:
    """A row as `POST /v1/registrations` takes it: the form's keys, every value as it would stand in a cell."""
    from registry.form.fields import FIELDS

    cells = made.rows[row]
    return {f.key: text for f in FIELDS if (text := _plain(cells.get(f.header))) and f.key != "school_code"}


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def windows(text: str, sizes: Iterable[int]) -> Iterator[str]:
    """Every piece of these lengths of the text's runs of Chinese characters: names are looked up in a set."""
    lengths = sorted(set(sizes))
    for run in re.finditer(r"[\u3007\u3400-\u9fff\U00020000-\U0003ffff·]+", text):
        found = run.group()
        for size in lengths:
            for begin in range(len(found) - size + 1):
                yield found[begin : begin + size]


def numbers_in(text: str, secrets: Secrets) -> set[str]:
    """The document numbers and phones that stand in a text, inside other letters and digits too."""
    runs = {run[0] for run in re.finditer(r"[0-9A-Z]{8,}", text)}
    numbers = secrets.numbers
    sizes = {len(number) for number in numbers}
    return {
        piece
        for run in runs
        for size in sizes
        for begin in range(len(run) - size + 1)
        if (piece := run[begin : begin + size]) in numbers
    }


def found_in(text: str, secrets: Secrets) -> set[str]:
    """Everything personal that stands in a text that should have none of it."""
    hits, names = numbers_in(text, secrets), secrets.names
    hits.update(name for name in names if name.isascii() and name in text)
    hits.update(piece for piece in windows(text, map(len, names)) if piece in names)
    return hits | (_runs(text) & secrets.addresses)


def values_in(text: str, values: frozenset[str]) -> set[str]:
    """Those of some names and addresses that stand in a text as whole values (`"王芳"`, not the 王芳 of 王芳华)."""
    return (_runs(text) & values) | {value for value in values if value.isascii() and value in text}


def _runs(text: str) -> set[str]:
    return set(re.findall(r"[\u3007\u3400-\u9fff\U00020000-\U0003ffff·0-9]+", text))


SCHOOL_YEAR = current_school_year()
