"""Over the turn of a year: the province is asked for the holidays, looks what they would move, publishes them; last days of
open steps, work queues and reminders follow in every service (24.6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from e2e_cast import Cast
from e2e_flow import desk
from e2e_people import People
from e2e_system import HANGS, System, running_system, wait_for
from e2e_transfer import get, opened, post, registered
from regulation.calendar import LAST_RELEASED, Calendar, Notice

pytestmark = [pytest.mark.clause("24.6.4")]
BASE = "/v1/policy/working-days"


@pytest.fixture(scope="module")
def later() -> Iterator[System]:
    """A system of this module's own: its clock is moved."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="module")
def cast(later: System) -> Iterator[Cast]:
    made = Cast(later)
    yield made
    made.close()


@pytest.fixture(scope="module")
def year(later: System) -> int:
    """The first year whose holidays nobody knows."""
    return max(LAST_RELEASED, later.clock.today().year) + 1


def notice(year: int) -> dict[str, Any]:
    """As it might be: a stretch for each festival, two Sundays worked."""

    def stretch(month: int, first: int, last: int) -> list[str]:
        return [date(year, month, day).isoformat() for day in range(first, last + 1)]

    holidays = [
        *stretch(1, 1, 3), *stretch(2, 5, 12), *stretch(4, 4, 6), *stretch(5, 1, 5), *stretch(6, 9, 11),
        *stretch(9, 15, 16), *stretch(10, 1, 7),
    ]  # fmt: skip
    sundays = [day for n in range(25) if (day := date(year, 5, 10) + timedelta(days=n)).weekday() == 6]
    return {"year": year, "holidays": holidays, "worked": [day.isoformat() for day in sundays[:2]]}


def calendar_of(body: dict[str, Any]) -> Calendar:
    def days(name: str) -> tuple[date, ...]:
        return tuple(date.fromisoformat(one) for one in body[name])

    return Calendar(notices=[Notice(year=body["year"], holidays=days("holidays"), worked=days("worked"))])


def row_of(who: Any, link: str) -> dict[str, Any] | None:
    items = get(who, "/v1/worklist?limit=200")["items"]
    return next((one for one in items if one["link"].startswith(link)), None)


def move(later: System, cast: Cast, day: date) -> None:
    later.move_to(day)
    for member in cast.members.values():
        member.renew()


def told(who: Any, title: str) -> list[dict[str, Any]]:
    return [one for one in get(who, "/v1/notices?limit=200")["items"] if one["title"] == title]


def test_over_the_turn_of_the_year(
    later: System, cast: Cast, year: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    people = People(later, tmp_path_factory.mktemp("rosters"))
    xinchun = desk(later, "xinchun")
    _, (pupil,) = registered(people, xinchun)
    move(later, cast, date(year - 1, 12, 28))
    province, officer = cast["province.officer"], cast["neighbour.officer"]

    # The province is asked, in its queue and by a notice; everybody sees that the year is not known.
    waits = wait_for(lambda: row_of(province, BASE), HANGS, "the province is not asked for the holidays")
    assert (waits["organisation"], waits["due_on"]) == ("230000", f"{year - 1}-12-31")
    wait_for(lambda: told(province, f"待办：发布{year}年节假日安排"), HANGS, "the province has no notice")
    assert get(officer, f"{BASE}?year={year}")["source"] == "none"

    # A transfer's step and a roster's, counted by weekends over the turn of the year.
    case = opened(cast, pupil)
    roster = xinchun.check(people.roster("xinchun", 2, first_class=8)).id
    xinchun.confirm(roster)
    today = later.clock.today()
    by_weekends = Calendar().add_working_days(today, 10)
    assert by_weekends.provisional
    assert case["due_on"] == by_weekends.date.isoformat()
    link = f"/v1/transfers/{case['id']}"
    row = wait_for(lambda: row_of(officer, link), HANGS, "the transfer is in no queue")
    assert (row["due_on"], row["provisional"]) == (case["due_on"], True)

    # Looked at first: what moves, from when to when, under whom. Nobody below the province may.
    body = notice(year)
    expected = calendar_of(body).add_working_days(today, 10)
    assert expected.date > by_weekends.date and not expected.provisional
    assert officer.send("POST", f"{BASE}/simulations", json=body).status_code == 404  # not his to do
    seen = post(province, f"{BASE}/simulations", **body)
    assert (seen["findings"], seen["not_counted"]) == ([], [])
    moves = {(one["kind"], one["authority"]): one for one in seen["moves"]}
    transfer = moves["transfer", "230184"]
    assert (transfer["was"], transfer["becomes"]) == (case["due_on"], expected.date.isoformat())
    assert moves["registration", "230103"]["count"] >= 2
    assert seen["added"][0] == f"{year}-01-01"
    assert get(province, link)["due_on"] == case["due_on"]

    # Half a notice is refused; the whole one is published once.
    named = {"notice": f"国办发明电〔{year - 1}〕8号", "title": f"国务院办公厅关于{year}年部分节假日安排的通知"}
    half = province.send("POST", f"{BASE}/notices", json={**body, **named, "holidays": body["holidays"][:11]})
    assert half.status_code == 409
    assert [one["code"] for one in half.json()["findings"]] == ["working_days.not_whole"]
    made = post(province, f"{BASE}/notices", 201, **body, **named)
    assert (made["version"], made["in_force"]) == (1, True)
    again = province.send("POST", f"{BASE}/notices", json={**body, **named})
    assert again.status_code == 409

    # Every service follows: the case, the queues of both, and the province has nothing to do any more.
    def moved(who: Any, to: str) -> bool:
        found = row_of(who, to)
        return found is not None and (found["due_on"], found["provisional"]) == (expected.date.isoformat(), False)

    wait_for(
        lambda: get(officer, link)["due_on"] == expected.date.isoformat(),
        HANGS,
        "the transfer's last day has not moved",
    )
    wait_for(lambda: moved(officer, link), HANGS, "the officer's queue has the old day")
    wait_for(lambda: moved(xinchun.teacher, f"/v1/rosters/{roster}"), HANGS, "the teacher's queue has the old day")
    wait_for(lambda: row_of(province, BASE) is None, HANGS, "the province is still asked")
    assert get(officer, f"{BASE}?year={year}")["source"] == "published"

    # The reminder comes on the seventh day of the new calendar and names the new last day.
    day = expected.date
    while calendar_of(body).working_days_between(day, expected.date).count < 3:
        day -= timedelta(days=1)
    move(later, cast, day)
    reminders = wait_for(lambda: told(officer, "催办：转学"), HANGS, "nobody is reminded")
    assert any(f"{expected.date:%Y年%-m月%-d日}" in one["body"] for one in reminders)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"year": 1999}, "year"),
        ({"year": "明年"}, "year"),
        ({"holidays": []}, "holidays"),
        ({"holidays": ["2027-02-30"]}, "holidays"),
        ({"worked": "2027-02-14"}, "worked"),
        ({"notice": ""}, "notice"),
        ({"title": "长" * 201}, "title"),
        ({"replaces": 0}, "replaces"),
        ({"reason": "x"}, "reason"),
    ],
)
def test_each_wrong_field_is_named(cast: Cast, wrong: dict[str, Any], field: str) -> None:
    good = {"year": 2027, "holidays": ["2027-01-01"], "worked": [], "notice": "国办发明电〔2026〕8号", "title": "通知"}
    answer = cast["province.officer"].send("POST", f"{BASE}/notices", json={**good, **wrong})
    assert answer.status_code == 422, answer.text
    assert field in answer.text
