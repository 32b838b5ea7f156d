"""What may stand in an archive: both sides of every line, and what must never happen."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from archive_desk import AID, ALL, AWARD, CHECKUP, EVALUATION, EXAM, FITNESS, SANCTION, VACCINATION
from hypothesis import given
from hypothesis import strategies as st
from registry.archive.policy import StudentFacts, may_be_kept, ranking_fault, supersede_faults
from shared_contracts.archive import SECTION_OF, SECTIONS, Entry, SanctionKind
from shared_contracts.records import StudentState

TODAY = date(2027, 3, 1)
PUPIL = StudentFacts(birth_date=date(2020, 3, 5), cohort=2026, state=StudentState.IN_SCHOOL)
replace = msgspec.structs.replace


def codes(entry: Entry, on: date = TODAY, pupil: StudentFacts = PUPIL) -> list[str]:
    return [finding.code for finding in may_be_kept(pupil, TODAY, on, entry)]


@pytest.mark.clause("14")
def test_every_kind_belongs_to_a_section_of_clause_14() -> None:
    assert {SECTION_OF[type(entry)] for entry in ALL} == {3, 4, 5, 6}
    assert set(SECTIONS) == {1, 2, 3, 4, 5, 6}
    for entry in ALL:
        assert codes(entry) == [], entry


@pytest.mark.clause("14")
@pytest.mark.parametrize(
    ("on", "fine"),
    [
        (TODAY, True),
        (date(2027, 3, 2), False),
        (PUPIL.birth_date, True),
        (date(2020, 3, 4), False),
    ],
)
def test_the_day_lies_in_the_student_s_life(on: date, fine: bool) -> None:
    assert codes(VACCINATION, on) == ([] if fine else ["archive.day"])


@pytest.mark.clause("14", "22")
@pytest.mark.parametrize("state", StudentState)
def test_a_cancelled_record_is_closed(state: StudentState) -> None:
    closed = {
        StudentState.CANCELLED: ["archive.cancelled"],
        StudentState.TRANSFERRED_OUT: ["archive.transferred_out"],
    }
    expected = closed.get(state, [])
    assert codes(AWARD, pupil=replace(PUPIL, state=state)) == expected


@pytest.mark.clause("34.1")
@pytest.mark.parametrize("entry", [EXAM, EVALUATION, FITNESS])
@pytest.mark.parametrize(("year", "fine"), [(2025, False), (2026, True), (2027, False)])
def test_a_term_is_one_in_which_the_student_was_at_school(entry: Any, year: int, fine: bool) -> None:
    assert codes(replace(entry, school_year=year)) == ([] if fine else ["archive.school_year"])


@pytest.mark.clause("34.2")
@pytest.mark.parametrize(
    "text", ["全班第3名", "年级排名靠前", "名次12", "前10%", "前十名", "成绩排第一", "倒数第二", "rank 3", "第 一 名"]
)
def test_a_report_ranks_nobody(text: str) -> None:
    for entry in (
        replace(EVALUATION, text=text),
        replace(EXAM, result=text),
        replace(FITNESS, items={"50米跑": text}),
        replace(CHECKUP, conclusion=text),
    ):
        assert codes(entry) == ["archive.ranking"], entry
    assert codes(replace(AWARD, title=text)) == []


@pytest.mark.clause("34.2")
@pytest.mark.parametrize("text", ["有名的小画家", "第三小组组长", "名列前茅的愿望", "完成了10项任务", "前进"])
def test_words_that_rank_nobody_are_fine(text: str) -> None:
    assert codes(replace(EVALUATION, text=text)) == []


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(("digits", "fine"), [(14, True), (15, False), (18, False)])
def test_long_numbers_have_no_place_in_texts(digits: int, fine: bool) -> None:
    number = "2" * digits
    for entry in (replace(AID, text=f"证号{number}"), replace(SANCTION, reason=number)):
        assert codes(entry) == ([] if fine else ["archive.number"])


@pytest.mark.clause("36")
def test_there_are_three_sanctions() -> None:
    assert [str(kind) for kind in SanctionKind] == ["warning", "demerit", "probation"]


@pytest.mark.clause("14")
@pytest.mark.parametrize(
    ("old", "new", "superseded", "reason", "expected"),
    [
        ("award", "award", False, "写错名称", []),
        ("award", "aid", False, "写错名称", ["archive.kind"]),
        ("award", "award", True, "写错名称", ["archive.superseded"]),
        ("award", "award", False, "错字 ", ["archive.reason"]),
        ("award", "award", False, "错" * 500, []),
        ("award", "award", False, "错" * 501, ["archive.reason"]),
    ],
)
def test_an_entry_is_said_right_once_by_its_own_kind_and_why(
    old: str, new: str, superseded: bool, reason: str, expected: list[str]
) -> None:
    assert [f.code for f in supersede_faults(old, new, superseded, reason)] == expected


@pytest.mark.clause("34.2")
@given(st.text(alphabet="第前名次排0123456789一二三班级同学很好", max_size=30))
def test_no_text_that_names_a_place_is_ever_kept(text: str) -> None:
    entry = replace(EVALUATION, text=text)
    if ranking_fault(entry) is None:
        assert "排名" not in text
        assert "名次" not in text
        assert not any(f"第{n}名" in text for n in (*range(100), "一", "二", "三"))


@pytest.mark.clause("14")
@given(st.dates(), st.sampled_from(ALL), st.sampled_from(StudentState))
def test_nothing_of_tomorrow_and_nothing_of_a_closed_record_is_ever_kept(on: date, entry: Entry, state: Any) -> None:
    if not may_be_kept(replace(PUPIL, state=state), TODAY, on, entry):
        assert on <= TODAY
        assert state is not StudentState.CANCELLED
