"""What the demonstration of transfers reckons by itself: clocks by the calendar, people of a roster, the kept screen.

The whole of it on a real stack is in `tests_e2e`.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from matcher.population import current_school_year
from regulation.calendar import Calendar
from service_kit.clock import ZONE
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.registry import OrganisationView
from shared_contracts.transfer import Ground, Step, StepView, TransferState, TransferView
from xueji_local import province
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_screen import Screen
from xueji_local.demo_transfer_case import against, show_findings
from xueji_local.demo_transfer_cast import GRADE, Listed, of_grade, people_of
from xueji_local.demo_transfer_clocks import Clocked, clocked, expected_dues
from xueji_local.generator import Population, make_roster
from xueji_local.generator_form import School

CALENDAR = Calendar()
DAYS = 10


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 9, 30, tzinfo=ZONE)


def act(step: Step, decision: str, moment: datetime) -> StepView:
    return StepView(
        step=step,
        step_title=step.value,
        decision=decision,
        decision_title=decision,
        organisation="230103",
        organisation_name="哈尔滨市南岗区教育局",
        account_name="",
        decided_at=moment,
    )


def case(*timeline: StepView) -> TransferView:
    """Opened on Tuesday, 3 March 2026: the weeks after it have no holiday."""
    return TransferView(
        id="t1", number="ZX20260000000001", student_id="s1", name="王", ground=Ground.RESIDENCE_CHANGED, ground_title="",
        state=TransferState.OPEN, state_title="", to_school="2123000101", to_school_name="", to_authority="230103",
        from_school="2123000105", from_school_name="", from_authority="230281", grade=3, seat=True, over=False,
        without_record=False, waits_for=None, waits_for_title="", due_on=None, overdue=False, provisional=False,
        version=1, opened_at=at(3, 3), opened_by="", residence=None, guardian="", phone="", exception="", findings=(),
        timeline=timeline,
    )  # fmt: skip


RETURNED = act(Step.RECEIVING_AUTHORITY, "return", at(3, 5))
AGAIN = act(Step.RECEIVING_AUTHORITY, "resubmit", at(3, 10))
APPROVED = act(Step.RECEIVING_AUTHORITY, "approve", at(3, 11))
RELEASED = act(Step.RELEASING_SCHOOL, "approve", at(3, 16))
LAST = act(Step.RELEASING_AUTHORITY, "approve", at(3, 17))


@pytest.mark.parametrize(
    ("timeline", "dues"),
    [
        ((), [date(2026, 3, 17)]),
        ((RETURNED,), [date(2026, 3, 17), None]),
        # Eight of ten days are left; they are counted from the day of the correction.
        ((RETURNED, AGAIN), [date(2026, 3, 17), None, date(2026, 3, 20)]),
        ((RETURNED, AGAIN, APPROVED), [date(2026, 3, 17), None, date(2026, 3, 20), date(2026, 3, 25)]),
        (
            (RETURNED, AGAIN, APPROVED, RELEASED, LAST),
            [date(2026, 3, 17), None, date(2026, 3, 20), date(2026, 3, 25), date(2026, 3, 30), None],
        ),
        # Returned on its last day: whoever decides has one day, not none.
        (
            (act(Step.RECEIVING_AUTHORITY, "return", at(3, 17)), act(Step.RECEIVING_AUTHORITY, "resubmit", at(3, 18))),
            [date(2026, 3, 17), None, date(2026, 3, 19)],
        ),
        ((act(Step.RECEIVING_AUTHORITY, "reroute", at(3, 5)),), [date(2026, 3, 17), date(2026, 3, 17)]),
        ((act(Step.RECEIVING_AUTHORITY, "reject", at(3, 5)),), [date(2026, 3, 17), None]),
        ((act(Step.RECEIVING_AUTHORITY, "withdraw", at(3, 5)),), [date(2026, 3, 17), None]),
    ],
)
@pytest.mark.clause("24.6.4")
def test_the_last_day_of_each_step(timeline: tuple[StepView, ...], dues: list[date | None]) -> None:
    assert expected_dues(case(*timeline), DAYS, CALENDAR) == dues


@pytest.mark.clause("24.6.4")
def test_days_used_and_left_and_the_pause() -> None:
    view = case(RETURNED, AGAIN, APPROVED, RELEASED, LAST)
    found = clocked(view, expected_dues(view, DAYS, CALENDAR), ["甲", "乙", "甲", "丙", "丁"], CALENDAR)
    assert [(one.used, one.left, one.paused) for one in found] == [
        (2, 8, None),
        (0, None, 3),
        (1, 7, None),
        (3, 7, None),
        (1, 9, None),
    ]
    assert isinstance(found[0], Clocked) and found[0].who == "哈尔滨市南岗区教育局 甲"
    assert [one.arrived for one in found[1:]] == [one.acted for one in found[:-1]]


# ---- people and schools ----------------------------------------------------------------------------------------------


def school(key: str) -> OrganisationView:
    return province.schools()[key].view()


def test_a_roster_of_one_grade_and_its_people(tmp_path: Path) -> None:
    roster = make_roster(
        tmp_path / "r.xlsx", school=of_grade(school("zhongyang"), GRADE), rows=3, seed=30, planted=False
    )
    people = people_of(roster)
    assert len(people) == 3 and len({one["document_number"] for one in people}) == 3
    born = {date.fromisoformat(one["birth_date"]) for one in people}
    entered = current_school_year() - GRADE + 1
    assert all(date(entered - 7, 9, 1) <= day <= date(entered - 6, 8, 31) for day in born)
    assert {one["sex"] for one in people} <= {"1", "2"}


def test_a_grade_that_a_school_does_not_have_is_no_roster() -> None:
    assert of_grade(school("qihui"), 9).grades == (9,)
    with pytest.raises(DemoProblem, match="不设7年级"):
        of_grade(school("zhongyang"), 7)


# ---- what is shown ---------------------------------------------------------------------------------------------------


def finding(outcome: Outcome, message: str, **more: Any) -> Finding:
    return Finding(code="x", outcome=outcome, message=message, **more)


def test_what_stands_against_it_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = (
        finding(Outcome.PASS, "没有单独立户", clause="24.3.1"),
        finding(Outcome.NEEDS_OVERRIDE, "各班已满", clause="24.2.2", cure="改派"),
        finding(Outcome.REFUSE, "还缺材料", clause="24.1.2", cure="上传"),
    )
    assert [one.clause for one in against(found)] == ["24.2.2"]
    show_findings(Screen(), "结论", found)
    shown = capsys.readouterr().out
    places = [shown.index(text) for text in ("还缺材料", "各班已满", "没有单独立户")]
    assert places == sorted(places)
    assert "第24.1.2条" in shown and "上传" in shown


def test_the_screen_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    screen, page = Screen(), tmp_path / "record.html"
    screen.recorded()
    screen.heading("一、预检")
    screen.keep(page)
    text = page.read_text()
    assert "一、预检" in text and "<html" in text
    assert page.stat().st_mode & 0o077 == 0


def test_whoever_one_roster_has_listed_is_in_none_after_it(tmp_path: Path) -> None:
    """However often it is shown: a seed's people are another's, too, when it comes round."""
    school = School(code="2123010001", name="哈尔滨市道里区测试小学", division="230102", grades=(3,))
    seen: list[str] = []
    for number in range(3):
        listed = Listed(tmp_path / "demo" / "listed.txt")  # each demonstration opens it anew
        roster = make_roster(
            tmp_path / f"{number}.xlsx", school=school, rows=4, seed=30 + 100 * number, planted=False,
            population=Population(), taken=listed.numbers(),
        )  # fmt: skip
        numbers = [one["document_number"] for one in people_of(roster)]
        listed.add(numbers)
        seen += numbers
    assert len(set(seen)) == len(seen) == 12
    assert Listed(tmp_path / "demo" / "listed.txt").numbers() == set(seen)
    assert (tmp_path / "demo" / "listed.txt").stat().st_mode & 0o077 == 0


def test_a_family_does_not_show_itself() -> None:
    from xueji_local.demo_transfer_cast import Family

    one = Family(student_id="s1", name="王小明", number="G23", grade=3, guardian="王家长", phone="13804511001")
    assert "王" not in repr(one) and "G23" not in repr(one)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Family) == one
