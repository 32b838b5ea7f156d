"""Rosters: what is in them, that every planted case is what it says, and that a corrected sheet is right."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from matcher.matching import Item as Question
from matcher.matching import Outcome, Record, compare
from matcher.population import people
from openpyxl import Workbook, load_workbook
from python_calamine import CalamineWorkbook
from registry.form.check import SheetCheck
from registry.form.entry import Checked
from registry.form.fields import by_header
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from registry.registration.policy import Enrolment, RegistrationFacts, decide
from registry.rosters.returned import returned
from registry.rosters.workbook import Sheet, read
from regulation.parameters import PolicyBook, province_parameters
from regulation.school_year import SchoolSystem, Stage
from shared_contracts.decisions import Finding
from shared_contracts.decisions import Outcome as FindingOutcome
from xueji_local.generator import (
    NotPossible,
    Population,
    Roster,
    make_guest_roster,
    make_other_roster,
    make_roster,
)
from xueji_local.generator_corrected import Unreadable, make_corrected
from xueji_local.generator_form import HEADERS, School

YEAR = 2026
PEOPLE = Population(seed=20260901, school_year=YEAR)
SCHOOL = School(code="2123000001", name="哈尔滨市道里区示范小学", division="230102")
FACTS = SchoolFacts(
    code=SCHOOL.code,
    name=SCHOOL.name,
    school_type="211",
    stages=(Stage.PRIMARY,),
    system=SchoolSystem("6-3"),
    ownership="public",
    locality="urban",
    accepts_international=False,
    division=SCHOOL.division,
    authority=SCHOOL.division,
)
TODAY = date(2026, 9, 20)
BOOK = PolicyBook(province_parameters())


def make(path: Path, **more: Any) -> Roster:
    return make_roster(path, school=SCHOOL, population=PEOPLE, school_year=YEAR, **more)


def sheet_of(roster: Roster) -> tuple[list[str], dict[int, list[Any]]]:
    """The titles and the rows by their number, as the registry's reader gets them."""
    rows = CalamineWorkbook.from_path(roster.path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    titles = [str(cell) for cell in rows[roster.header_row - 1]]
    return titles, dict(enumerate(rows[roster.header_row :], roster.header_row + 1))


def check(roster: Roster, facts: SchoolFacts = FACTS) -> dict[int, Checked]:
    titles, rows = sheet_of(roster)
    sheet = SheetCheck([by_header(title) for title in titles], FormFacts(school=facts, today=TODAY))
    return {number: sheet.row(cells, number) for number, cells in rows.items()}


def decided(row: Checked, facts: SchoolFacts = FACTS) -> Any:
    entry = row.entry
    assert entry is not None
    return decide(
        RegistrationFacts(
            school=facts,
            birth_date=entry.birth_date,
            document_kind=entry.document_kind,
            overseas=entry.overseas,
            grade=entry.grade,
            placement=entry.placement,
            disability=entry.disability,
            enrolled_month=entry.enrolled_month,
            today=TODAY,
            school_year=YEAR,
            parameters=BOOK.parameters(facts.division, TODAY),
            enrolment={stage: Enrolment(places=2_000, scheme=True) for stage in facts.stages},
        )
    )


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Roster:
    return make(tmp_path_factory.mktemp("roster") / "roster.xlsx")


@pytest.fixture(scope="module")
def checked(roster: Roster) -> dict[int, Checked]:
    return check(roster)


def test_the_columns_are_the_forms_and_one_more(roster: Roster) -> None:
    titles, rows = sheet_of(roster)
    assert [t for t in titles if t != "备注"] == list(HEADERS)
    assert len(HEADERS) == 73 and titles[0] == "学校标识码" and "备注" in titles
    assert len(rows) == roster.rows == 300
    assert all(by_header(title) for title in HEADERS)


def test_merged_titles_stand_above_the_columns(roster: Roster) -> None:
    sheet = load_workbook(roster.path).worksheets[0]
    merged = [str(r) for r in sheet.merged_cells.ranges]
    assert roster.header_row == 4 and "A1:BV1" in merged and "A2:BV2" in merged
    assert SCHOOL.name in str(sheet["A1"].value)
    blocks = {str(sheet.cell(3, r.min_col).value): r.max_col - r.min_col + 1 for r in sheet.merged_cells.ranges}
    assert blocks["学生学籍基本信息"] == 9 and blocks["学生家庭成员或监护人信息二"] == 12


def test_classes_hold_at_most_45(roster: Roster, checked: dict[int, Checked]) -> None:
    sizes = Counter(row.entry.class_no for row in checked.values() if row.entry)
    assert roster.classes == 7 and set(sizes) == set(range(1, 8)) and max(sizes.values()) <= 45


def test_exactly_the_planted_rows_are_refused_by_the_form_and_the_rules(
    roster: Roster, checked: dict[int, Checked]
) -> None:
    """The two cases that need the rest of the file and the other schools aside, the registry's own rules agree."""
    others = {"twice_in_file", "registered_elsewhere"}
    wanted = {row: case for row, case in roster.refused_rows.items() if case.key not in others}
    assert len(wanted) == 6
    for number, row in checked.items():
        findings = [*row.findings, *(decided(row).findings if row.entry else ())]
        refusing = [f for f in findings if f.outcome == "refuse"]
        case = wanted.get(number)
        assert bool(refusing) == (case is not None), (number, refusing)
        if case:
            assert case.code in {f.code for f in refusing} and case.clause in {None, *(f.clause for f in refusing)}


def by_key(roster: Roster, key: str) -> tuple[int, ...]:
    return next(case.rows for case in roster.cases if case.key == key)


def test_each_case_is_in_its_row(roster: Roster, checked: dict[int, Checked]) -> None:
    titles, rows = sheet_of(roster)

    def cells(key: str, title: str) -> list[Any]:
        return [rows[number][titles.index(title)] for number in by_key(roster, key)]

    assert [type(c) for c in cells("dates_four_ways", "出生日期")] == [date, str, str, float]
    ways = [checked[n].entry for n in by_key(roster, "dates_four_ways")]
    assert all(entry and entry.document_number[6:14] == f"{entry.birth_date:%Y%m%d}" for entry in ways)
    assert "-" in cells("dates_four_ways", "出生日期")[2]
    assert isinstance(cells("number_as_float", "身份证件号")[0], float)
    assert ["䶮" in n or "𠮷" in n for n in cells("rare_characters", "姓名")] == [True, True]
    twice = cells("twice_in_file", "身份证件号")[0]
    numbers = [row[titles.index("身份证件号")] for row in rows.values()]
    assert (
        numbers.count(twice) == 2 and numbers.index(twice) + roster.header_row + 1 < by_key(roster, "twice_in_file")[0]
    )
    assert sum(n for n in Counter(numbers).values() if n > 1) == 2
    assert cells("hong_kong_resident", "身份证件类型") == ["6-香港特区护照/身份证明"]
    assert cells("missing_field", "民族") == [""]


@pytest.mark.clause("20.2")
def test_the_children_on_both_sides_of_the_boundary(roster: Roster, checked: dict[int, Checked]) -> None:
    (young,), (old,) = by_key(roster, "under_age"), by_key(roster, "just_old_enough")
    entries = [checked[n].entry for n in (young, old)]
    assert [e.birth_date for e in entries if e] == [date(2020, 9, 1), date(2020, 8, 31)]
    assert [decided(checked[n]).refused for n in (young, old)] == [True, False]


@pytest.mark.clause("15.3")
def test_the_matcher_knows_whom_it_should(roster: Roster, checked: dict[int, Checked]) -> None:
    """Against the population that the manifest asks for: everybody matches but for the two who must not."""
    known = {p.document_number: p for p in people(PEOPLE.seed, 0, roster.needed, PEOPLE.school_year)}
    expected = {row: case.verification for case in roster.cases if case.outcome == "accepted" for row in case.rows}
    for number, row in checked.items():
        entry = row.entry
        if entry is None or entry.document_kind != "1" or number in roster.refused_rows:
            continue
        p = known.get(entry.document_number)
        record = p and Record(document_number=p.document_number, name=p.name, sex=p.sex, birth_date=p.birth_date)
        question = Question(
            id="1",
            name=entry.name,
            sex=entry.sex,
            birth_date=entry.birth_date,
            document_number=entry.document_number,
        )
        assert compare(question, record) == Outcome(expected.get(number) or "matched"), number


def parts(path: str) -> dict[str, bytes]:
    """What a workbook consists of, but for the moment of its making."""
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def test_the_same_arguments_give_the_same_workbook(tmp_path: Path, roster: Roster) -> None:
    again = make(tmp_path / "again.xlsx")
    assert parts(again.path) == parts(roster.path)
    assert again.cases == roster.cases


def test_other_seeds_share_no_pupils(tmp_path: Path, checked: dict[int, Checked]) -> None:
    other = check(make(tmp_path / "other.xlsx", seed=2, planted=False))
    one, two = ({c.entry.document_number for c in rows.values() if c.entry} for rows in (checked, other.copy()))
    assert len(two) == 300 and len(one & two) <= 2


def test_whoever_is_taken_is_passed_over(tmp_path: Path) -> None:
    """However many rosters are made: a seed begins at one of a hundred places."""
    taken: set[str] = set()
    for number in range(4):
        made = check(make(tmp_path / f"{number}.xlsx", rows=2, seed=1 + 100 * number, planted=False, taken=taken))
        documents = {row.entry.document_number for row in made.values() if row.entry}
        assert len(documents) == 2 and not documents & taken
        taken |= documents


def test_without_cases_every_row_is_accepted(tmp_path: Path) -> None:
    plain = make(tmp_path / "plain.xlsx", rows=10, planted=False)
    assert not plain.cases
    assert all(not decided(row).refused for row in check(plain).values())


@pytest.mark.slow
def test_a_large_roster_spreads_over_the_grades_its_pupils_ages_give(tmp_path: Path) -> None:
    large = make(tmp_path / "large.xlsx", rows=9_000)
    rows = check(large)
    grades = Counter(row.entry.grade for row in rows.values() if row.entry)
    assert set(grades) == {1, 2, 3} and max(grades.values()) <= 3_000
    refused = {n for n, row in rows.items() if row.entry is None or decided(row).refused}
    assert refused == {
        n for n, c in large.refused_rows.items() if c.key not in ("twice_in_file", "registered_elsewhere")
    }


@pytest.mark.parametrize(("rows", "planted"), [(0, False), (39, True), (26_731, False)])
def test_what_cannot_be_made_is_said(tmp_path: Path, rows: int, planted: bool) -> None:
    with pytest.raises(NotPossible):
        make(tmp_path / "x.xlsx", rows=rows, planted=planted)
    assert not list(tmp_path.iterdir())


def facts_of(school: School, **more: Any) -> SchoolFacts:
    return SchoolFacts(
        **{f: getattr(FACTS, f) for f in FACTS.__struct_fields__} | {"code": school.code, "name": school.name} | more
    )


def test_the_other_school_has_the_child(tmp_path: Path, roster: Roster) -> None:
    school = School(code="2123000002", name="五常市山河镇中心小学校", division="230184")
    other = make_other_roster(tmp_path / "other.xlsx", school=school, roster=roster)
    ((number, row),) = check(other, facts_of(school)).items()
    titles, planted = sheet_of(roster)
    (twin,) = by_key(roster, "registered_elsewhere")
    assert other.cases[0].rows == (number,) and not decided(row, facts_of(school)).refused
    assert row.entry and row.entry.document_number == planted[twin][titles.index("身份证件号")]
    with pytest.raises(NotPossible):
        make_other_roster(tmp_path / "none.xlsx", school=school, roster=other)


@pytest.mark.clause("9")
@pytest.mark.parametrize("qualified", [True, False])
def test_the_foreign_pupil_is_refused_for_the_school_alone(tmp_path: Path, roster: Roster, qualified: bool) -> None:
    school = School(code="3123000004", name="外国语初级中学校", division="230109", grades=(7, 8, 9))
    guests = make_guest_roster(tmp_path / "guest.xlsx", school=school, roster=roster, population=PEOPLE)
    facts = facts_of(school, school_type="311", stages=(Stage.JUNIOR,), accepts_international=qualified)
    (row,) = check(guests, facts).values()
    refusing = [f.clause for f in decided(row, facts).findings if f.outcome == "refuse"]
    assert refusing == ([] if qualified else ["9"])


def give_back(roster: Roster, checked: dict[int, Checked], path: Path) -> Path:
    """The workbook that the registry returns, made by its own code."""
    sheet = read(Path(roster.path).read_bytes())
    assert isinstance(sheet, Sheet)
    findings: dict[int, list[Finding]] = {}
    for number, case in roster.refused_rows.items():
        row = checked[number]
        findings[number] = [*row.findings, *(decided(row).findings if row.entry else ())] or [
            Finding(code=case.key, outcome=FindingOutcome.REFUSE, message=case.title)
        ]
    path.write_bytes(returned(sheet, findings))
    return path


def test_a_corrected_sheet_holds_the_curable_rows_put_right(
    tmp_path: Path, roster: Roster, checked: dict[int, Checked]
) -> None:
    path = give_back(roster, checked, tmp_path / "returned.xlsx")
    done = make_corrected(path, tmp_path / "corrected.xlsx", roster)
    assert set(done.cured) == {"wrong_check_digit", "number_as_float", "missing_field", "unknown_code"}
    assert set(done.removed) == {"twice_in_file", "registered_elsewhere", "under_age", "passport_holder"}
    assert (done.rows, done.unexpected, done.uncommented) == (4, (), ())
    sheet = read(Path(done.path).read_bytes())
    assert isinstance(sheet, Sheet)
    row_check = SheetCheck(sheet.columns, FormFacts(school=FACTS, today=TODAY))
    checks = [row_check.row(cells) for _, cells in sheet.rows]
    assert len(checks) == 4 and not any(decided(row).refused for row in checks)


def test_strange_rows_stay_and_missing_comments_are_told(
    tmp_path: Path, roster: Roster, checked: dict[int, Checked]
) -> None:
    path = give_back(roster, checked, tmp_path / "returned.xlsx")
    book = load_workbook(path)
    sheet = book.worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            cell.comment = None  # type: ignore[union-attr]
    sheet.append([99, "", SCHOOL.code, "王某某", "1-男", datetime(2020, 1, 1)])
    book.save(path)
    done = make_corrected(path, tmp_path / "corrected.xlsx", roster)
    assert done.rows == 5 and len(done.unexpected) == 1 and set(done.uncommented) == set(done.cured)


def test_a_workbook_that_is_no_roster_is_refused(tmp_path: Path, roster: Roster) -> None:
    Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(Unreadable):
        make_corrected(tmp_path / "empty.xlsx", tmp_path / "out.xlsx", roster)
