"""More want to go to a private school than it may take: the ratio, the list, the draw that a parent repeats, seats and
re-routing, through the gateway (24.5.2, 24.5.3, 24.5.4)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_clock import ZONE
from e2e_flow import desk
from e2e_people import People
from e2e_system import HANGS, System, running_system, wait_for
from e2e_transfer import a_class, application, get, paper, post
from regulation import lottery
from shared_contracts.actors import Role
from xueji_local import province

MINGDE = province.schools()["mingde"].code
HOME = {"division": "230103", "address": "南岗区建设街8号"}
VALUE = "03 07 12 20 25 31 + 09"
APPLICANTS = 3


@pytest.fixture(scope="module")
def later() -> Iterator[System]:
    """A system of this module's own: its clock is moved."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="module")
def cast(later: System) -> Cast:
    made = Cast(later)
    made.member("mingde.principal", MINGDE, Role.PRINCIPAL)
    made.member("mingde.registrar", MINGDE, Role.REGISTRAR, training="岗前培训")
    return made


@pytest.fixture(scope="module")
def wanting(later: System, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Pupils of the first grade of Shanhe, in the neighbouring county, whose families have moved to Nangang."""
    shanhe = desk(later, "shanhe")
    made = People(later, tmp_path_factory.mktemp("rosters")).roster("shanhe", 12)
    roster = shanhe.walk(made)
    first = {one.name for one in shanhe.registrar.registrations(roster=roster.id) if one.grade == 1}
    found = [made.person(row) for row in sorted(made.rows)]
    return [one for one in found if one["name"] in first][:APPLICANTS]


def move(later: System, cast: Cast, moment: datetime) -> None:
    later.move_to(moment.date(), moment.hour)
    for member in cast.members.values():
        member.renew()


def ratio_approved(cast: Cast, ratio: str) -> None:
    principal, officer = cast["mingde.principal"], cast["county.officer"]
    year = later_year(cast)
    asked = {"school_year": year, "stage": "primary", "ratio": ratio}
    one = post(principal, "/v1/transfer-ratios", 201, **asked)
    done = post(officer, f"/v1/transfer-ratios/{one['id']}/decisions", decision="approve")
    assert (done["state"], done["in_force"]) == ("approved", True)


def later_year(cast: Cast) -> int:
    """The school year of transfers of today."""
    found = get(cast["mingde.principal"], f"/v1/private-places/{MINGDE}")
    return int(found["school_year"])


@pytest.mark.clause("24.5.2")
@pytest.mark.clause("24.5.3")
@pytest.mark.clause("24.5.4")
def test_from_the_ratio_to_seats_and_rerouting(
    later: System, cast: Cast, wanting: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert len(wanting) == APPLICANTS
    principal, registrar = cast["mingde.principal"], cast["mingde.registrar"]
    officer, nobody = cast["county.officer"], cast["nobody"]
    a_class(registrar, 1, 1)
    a_class(cast["registrar"], 1, 1)

    # Without an approved ratio nobody may come, and it is said what would help.
    places = get(principal, f"/v1/private-places/{MINGDE}")
    assert places["because"] and {one["transferable"] for one in places["grades"]} == {0}
    evidence = paper(registrar)
    body = application(wanting[0], residence=HOME, evidence=evidence)
    bare = registrar.send("POST", "/v1/transfers", json=body)
    assert "ratio.not_approved" in {one.code for one in problem_of(bare).findings}
    high = principal.send(
        "POST", "/v1/transfer-ratios", json={"school_year": places["school_year"], "stage": "primary", "ratio": "1/8"}
    )
    assert [one.code for one in problem_of(high).findings] == ["ratio.too_high"]
    ratio_approved(cast, "1/9")
    (first, *_) = get(officer, f"/v1/private-places/{MINGDE}")["grades"]
    assert first["free"] >= 9 and first["transferable"] == first["free"] // 9
    ratio_approved(cast, f"1/{first['free']}")  # one place
    closed = registrar.send("POST", "/v1/transfers", json=body)
    assert [one.code for one in problem_of(closed).findings] == ["round.none"]

    # The list is opened: the secret is committed, and where the public value comes from.
    day = later.clock.today() + timedelta(days=2)
    public_at = datetime.combine(day + timedelta(days=2), time(21, 15), ZONE)
    terms = {"school": MINGDE, "grade": 1, "closes_on": day.isoformat(), "public_at": public_at.isoformat()}
    opened = post(officer, "/v1/transfer-rounds", 201, **terms, public_source="双色球 2026101 期开奖号码")
    path, number = f"/v1/transfer-rounds/{opened['id']}", opened["number"]
    cases = []
    for person in wanting:
        given = application(person, residence=HOME, evidence=paper(registrar))
        cases.append(post(registrar, "/v1/transfers", 201, **given))
    assert all((case["seat"], case["due_on"]) == (False, None) for case in cases)
    early = officer.send(
        "POST", f"/v1/transfers/{cases[0]['id']}/decisions",
        json={"step": "receiving_authority", "decision": "approve", "override": True, "reason": "照顾"},
    )  # fmt: skip
    assert [one.code for one in problem_of(early).findings] == ["round.undecided"]

    # The last day is over: the list closes by itself, and everybody can look at its hash.
    move(later, cast, datetime.combine(day + timedelta(days=1), time(9), ZONE))
    wait_for(lambda: get(officer, path)["state"] == "closed", HANGS, "the list was not closed")
    before = lottery.read(get_text(nobody, number))
    assert before.listing is not None and len(before.listing.applicants) == APPLICANTS and before.secret is None
    soon = officer.send("POST", f"{path}/draw", json={"public_value": VALUE})
    assert [one.code for one in problem_of(soon).findings] == ["round.too_early"]

    # The draw, once; then each case goes on by itself.
    move(later, cast, public_at + timedelta(days=1))
    drawn = post(officer, f"{path}/draw", public_value=VALUE)
    assert (drawn["winners"], drawn["places"], drawn["applicants"]) == (1, 1, APPLICANTS)
    assert officer.send("POST", f"{path}/draw", json={"public_value": "01 02 03"}).status_code == 409
    wait_for(lambda: get(officer, path)["state"] == "settled", HANGS, "the cases did not go on")

    text = get_text(nobody, number)
    (tmp_path / "published.json").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "regulation.lottery", "verify", str(tmp_path / "published.json")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    after = lottery.read(text)
    assert after.listing == before.listing and after.notice == before.notice
    people = get(registrar, f"{path}/applicants")["items"]
    assert not any(one["name"] in text or one["transfer_id"] in text for one in people)
    assert {one["code"] for one in people if one["outcome"] == "won"} == set(after.winners)

    by_outcome = {one["outcome"]: one["transfer_id"] for one in people}
    won = get(registrar, f"/v1/transfers/{by_outcome['won']}")
    lost = get(officer, f"/v1/transfers/{by_outcome['lost']}")
    assert (won["seat"], lost["seat"]) == (True, False) and won["due_on"] and lost["due_on"]
    no = officer.send(
        "POST", f"/v1/transfers/{lost['id']}/decisions",
        json={"step": "receiving_authority", "decision": "approve", "override": True, "reason": "照顾"},
    )  # fmt: skip
    assert [one.code for one in problem_of(no).findings] == ["round.not_won"]
    (room, *_) = get(officer, f"/v1/transfers/{lost['id']}/rooms")["items"]
    sent = post(officer, f"/v1/transfers/{lost['id']}/rerouting", school=room["code"], reason="就近统筹安排")
    assert (sent["to_school"], sent["seat"]) == (room["code"], True)
    (first, *_) = get(officer, f"/v1/private-places/{MINGDE}")["grades"]
    assert (first["taken"], first["transferable"]) == (1, 0)


def get_text(who: Any, number: str) -> str:
    answer = who.send("GET", f"/v1/transfer-rounds/published/{number}")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


_RATIO = {"school_year": 2026, "stage": "primary", "ratio": "1/9"}
_ROUND = {
    "school": MINGDE,
    "grade": 1,
    "closes_on": "2099-01-01",
    "public_source": "双色球开奖号码",
    "public_at": "2099-01-05T21:15:00+08:00",
}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("transfer-ratios", _RATIO | {"ratio": "0/9"}, "ratio"),
        ("transfer-ratios", _RATIO | {"ratio": "1/0"}, "ratio"),
        ("transfer-ratios", _RATIO | {"ratio": "0.1"}, "ratio"),
        ("transfer-ratios", _RATIO | {"stage": "senior"}, "stage"),
        ("transfer-ratios", _RATIO | {"school_year": 1999}, "school_year"),
        ("transfer-ratios", _RATIO | {"school": MINGDE}, "school"),
        ("transfer-ratios", _RATIO | {"reason": "x" * 501}, "reason"),
        ("transfer-ratios/x/decisions", {"decision": "return"}, "decision"),
        ("transfer-ratios/x/decisions", {"decision": "reject", "reason": "x" * 501}, "reason"),
        ("transfer-rounds", _ROUND | {"school": "1"}, "school"),
        ("transfer-rounds", _ROUND | {"grade": 10}, "grade"),
        ("transfer-rounds", _ROUND | {"closes_on": "2099-02-30"}, "closes_on"),
        ("transfer-rounds", _ROUND | {"public_source": "x"}, "public_source"),
        ("transfer-rounds", _ROUND | {"public_at": "2099-01-05T21:15:00"}, "public_at"),
        ("transfer-rounds", _ROUND | {"places": 3}, "places"),
        ("transfer-rounds/x/draw", {"public_value": "1"}, "public_value"),
        ("transfer-rounds/x/draw", {"public_value": "１２３４"}, "public_value"),
    ],
)
def test_each_wrong_field_is_said(cast: Cast, path: str, body: dict[str, Any], field: str) -> None:
    problem = problem_of(cast["county.officer"].send("POST", f"/v1/{path}", json=body))
    assert problem.status in (400, 422)
    assert field in str(msgspec.to_builtins(problem)), problem


@pytest.mark.parametrize("number", ["x", "YH-2026-3-2123000117-1-01", "YH-2026-1-2123000117-1-1"])
def test_a_number_that_is_none_is_not_asked_for(cast: Cast, number: str) -> None:
    assert cast["nobody"].send("GET", f"/v1/transfer-rounds/published/{number}").status_code in (400, 404, 422)
