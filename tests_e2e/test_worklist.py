"""待办 over HTTP: what waits appears for whoever has to act, goes from hand to hand, and leaves when it is done; days pass,
somebody is reminded, and the authority above hears (clauses 13.2, 15.1, 24.6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_api import Api
from e2e_flow import STEPS, Desk, desk
from e2e_people import People
from e2e_system import HANGS, System, running_system, wait_for
from regulation.calendar import Calendar

PUPILS = 6
CALENDAR = Calendar()


@pytest.fixture(scope="module")
def later() -> Iterator[System]:
    """A system of this module's own: its clock is moved."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="module")
def school(later: System) -> Desk:
    return desk(later, "xinchun")


@pytest.fixture(scope="module")
def rosters(later: System, school: Desk, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two rosters that wait for their class teachers."""
    people = People(later, tmp_path_factory.mktemp("rosters"))
    made = [school.check(people.roster("xinchun", PUPILS, first_class=1 + n)).id for n in range(2)]
    for one in made:
        school.confirm(one)
    return made


def rows_of(who: Api, roster_id: str = "", **wanted: Any) -> list[dict[str, Any]]:
    answer = who.send("GET", "/v1/worklist", params={"limit": 200, **wanted})
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if not roster_id or one["link"] == f"/v1/rosters/{roster_id}"]


def counts_of(who: Api) -> dict[str, int]:
    answer = who.send("GET", "/v1/worklist/counts")
    assert answer.status_code == 200, answer.text
    return {f"{one['queue']}/{one['kind']}": one["count"] for one in answer.json()["items"]}


def waits(who: Api, roster_id: str, pupils: int, **wanted: Any) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        rows = rows_of(who, roster_id, **wanted)
        return rows if sum(row["count"] for row in rows) == pupils else None

    return wait_for(look, HANGS, f"not {pupils} pupils in the queue") or []


@pytest.mark.clause("15.1")
def test_a_roster_goes_from_queue_to_queue_and_leaves(later: System, school: Desk, rosters: list[str]) -> None:
    roster_id = rosters[0]
    for step in STEPS:
        who = school.of(step)
        for row in waits(who, roster_id, PUPILS):
            assert (row["queue"], row["kind"], row["status"]) == ("review", "registration", "open")
            assert (row["due_on"] is None) == (step == "guardian")
            assert not re.search(r"\d{6}", row["subject"]), "a number stands in it"
        others = {school.registrar, school.teacher, school.principal, school.officer} - {who}
        for other in others:
            assert not rows_of(other, roster_id), step
        if step == "guardian":
            school.registrar.print_sheets(roster_id)
        assert school.decide(roster_id, step).moved == PUPILS
    for who in (school.registrar, school.teacher, school.principal, school.officer):
        wait_for(lambda who=who: not rows_of(who, roster_id), HANGS, "what is done still waits")  # type: ignore[misc]
    school.completed(roster_id)


@pytest.mark.clause("15.1")
def test_what_came_back_is_the_registrars(school: Desk, rosters: list[str]) -> None:
    roster_id = rosters[1]
    waits(school.teacher, roster_id, PUPILS)
    body = {"step": "class_teacher", "decision": "return", "reason": "班级填错"}
    answer = school.teacher.send("POST", f"/v1/rosters/{roster_id}/decisions", json=body)
    assert answer.status_code == 200, answer.text
    returned = waits(school.registrar, roster_id, PUPILS, queue="returned")
    assert {row["step_title"] for row in returned} == {"补正后重新提交"}
    assert not rows_of(school.registrar, roster_id, queue="review")
    assert counts_of(school.registrar)["returned/registration"] >= PUPILS
    assert not rows_of(school.teacher, roster_id)


@pytest.mark.clause("24.6.4")
def test_days_pass_and_the_authority_above_hears(
    later: System, school: Desk, rosters: list[str], tmp_path: Path
) -> None:
    roster_id = school.check(People(later, tmp_path).roster("xinchun", PUPILS, first_class=7)).id
    school.confirm(roster_id)
    (row, *_) = waits(school.teacher, roster_id, PUPILS)
    due_on = later.clock.today().fromisoformat(row["due_on"])
    assert row["days_left"] == CALENDAR.working_days_between(later.clock.today(), due_on).count
    day = due_on
    while CALENDAR.working_days_between(day, due_on).count < 3:
        day -= timedelta(days=1)

    def told(who: Api, title: str) -> bool:
        notices = who.send("GET", "/v1/notices", params={"limit": 200}).json()["items"]
        return any(notice["title"] == title for notice in notices)

    later.move_to(day)
    wait_for(lambda: told(school.teacher, "催办：建籍"), HANGS, "the teacher is not reminded")
    assert not told(school.officer, "督办：建籍逾期未办")
    later.move_to(due_on + timedelta(days=1))
    wait_for(lambda: told(school.officer, "督办：建籍逾期未办"), HANGS, "the authority has not been told")
    wait_for(lambda: told(school.teacher, "已逾期：建籍"), HANGS, "the teacher is not told that it is late")
    assert {row["queue"] for row in rows_of(school.teacher, roster_id)} == {"overdue"}
    above = waits(school.officer, roster_id, PUPILS, queue="supervise")  # another roster's may have been told of first
    assert all(row["days_left"] <= 0 for row in above)
    assert school.decide(roster_id, "class_teacher").moved == PUPILS
    wait_for(
        lambda: not rows_of(school.officer, roster_id, queue="supervise"), HANGS, "what is done is still pressed for"
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"queue": "all"}, "queue"), ({"kind": "Transfer!"}, "kind"), ({"due_within": "-1"}, "due_within"),
        ({"due_within": "251"}, "due_within"), ({"due_within": "x"}, "due_within"), ({"text": "字" * 61}, "text"),
        ({"cursor": "x"}, ""), ({"limit": "0"}, "limit"), ({"limit": "201"}, "limit"), ({"status": "open"}, "status"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_said(school: Desk, wrong: dict[str, str], field: str) -> None:
    answer = school.registrar.send("GET", "/v1/worklist", params=wrong)
    assert answer.status_code == 422, answer.text
    assert field in answer.text and answer.json()["detail"]
