"""A school goes into another and comes back; graduates go on to junior school (clauses 16, 21.3, 44)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from e2e_acts_reorganisation import QIHUI, draft
from e2e_api import XLSX, done
from e2e_cast import COUNTY, SCHOOL, Cast, Member
from e2e_clock import CLOCK
from e2e_flow import Desk, desk, today
from e2e_people import People
from e2e_system import HANGS, System, wait_for

PURPOSE = {"purpose": "核对毕业证书信息"}


@pytest.fixture
def place(fresh_system: Callable[..., System], tmp_path: Path) -> Iterator[tuple[System, Cast, Desk, People]]:
    """A system of its own: a school ends in it."""
    system = fresh_system()
    cast = Cast(system)
    yield system, cast, desk(system, "xinchun"), People(system, tmp_path)
    cast.close()


def ended(who: Any, path: str, *states: str) -> Any:
    def look() -> Any:
        found = done(who.send("GET", path))
        assert found["state"] != "failed" or "failed" in states, found["findings"]
        return found if found["state"] in states else None

    return wait_for(look, HANGS, f"{path} does not come to {states}")


@pytest.mark.clause("21.3", "44")
def test_a_school_is_merged_and_it_is_taken_back(place: tuple[System, Cast, Desk, People]) -> None:
    system, cast, xinchun, people = place
    xinchun.walk(people.roster("xinchun", 4))
    (one, *_) = xinchun.registrar.students(school=SCHOOL)
    officer, leader, there = cast["county.officer"], cast["city.leader"], cast["qihui.registrar"]

    path = f"/v1/reorganisations/{done(officer.send('POST', '/v1/reorganisations', json=draft()), 201)['id']}"
    wrong = officer.send("POST", "/v1/reorganisations", json=draft(plan={"kind": "merger", "ended": [], "into": "x"}))
    assert wrong.status_code == 422
    seen = done(officer.send("POST", f"{path}/preview"))
    assert seen["preview"]["in_school"] == 4 and not [
        f for f in seen["preview"]["findings"] if f["outcome"] == "refuse"
    ], seen["preview"]["findings"]
    wait_for(
        lambda: any("待核准" in n["title"] for n in done(leader.send("GET", "/v1/notices?limit=200"))["items"]),
        HANGS,
        "the leader has not heard",
    )
    assert done(leader.send("POST", f"{path}/decisions", json={"decision": "approve"}))["state"] == "approved"
    finished = ended(officer, path, "done")
    assert (finished["total"], finished["moved"], finished["report"]["whole"]) == (4, 4, True)

    shown = done(there.send("GET", f"/v1/students/{one.id}"))
    assert shown["school"] == QIHUI and shown["copy_as_of"] is None
    assert done(officer.send("GET", f"/v1/organisations/{SCHOOL}"))["closed"]
    reveal = f"/v1/students/{one.id}/reveal"
    wait_for(lambda: there.send("POST", reveal, json=PURPOSE).status_code == 200, HANGS, "the claim has not followed")
    wait_for(lambda: "account_sealed" in signing_in(cast["registrar"]), HANGS, "its accounts are not sealed")
    book = openpyxl.load_workbook(io.BytesIO(officer.send("GET", f"{path}/report").content))
    assert book.sheetnames == ["概况", "办理前", "办理后"]

    assert done(leader.send("POST", f"{path}/undo", json={"reason": "文件撤销"}))["state"] == "undoing"
    assert ended(officer, path, "undone")["report"]["whole"]
    assert not done(officer.send("GET", f"/v1/organisations/{SCHOOL}"))["closed"]
    wait_for(lambda: "access_token" in signing_in(cast["registrar"]), HANGS, "its accounts are not opened again")
    cast["registrar"].renew()
    assert there.send("GET", f"/v1/students/{one.id}").status_code == 404
    journal = done(officer.send("GET", f"/v1/students/{one.id}/journal"))
    assert journal["intact"] and [e["kind"] for e in journal["entries"]][-2:] == ["custody_reorganised", "move_undone"]
    again = leader.send("POST", f"{path}/undo", json={"reason": "再次"})
    assert again.status_code == 409
    assert system.value("registry", "SELECT count(*) FROM frozen_schools") == 0


def signing_in(member: Member) -> str:
    """What is answered to whoever signs in."""
    body = {"username": member.username, "password": member.password}
    return member.http.post("/v1/sessions", json=body).text


@pytest.mark.clause("16", "21.2")
def test_graduates_go_on_by_the_county_s_list(place: tuple[System, Cast, Desk, People]) -> None:
    system, cast, xinchun, people = place
    xinchun.walk(people.roster("xinchun", 3))
    ids = sorted(one.id for one in xinchun.registrar.students(school=SCHOOL))
    year = CLOCK.today().year
    # As six years would have made them: the last grade, and the plan of the junior school.
    system.sql(
        "registry",
        """INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
           VALUES ('k6', $1, 'primary', $2, 9, 6, '6-3')""",
        SCHOOL,
        year - 6,
    )
    system.sql("registry", "UPDATE class_memberships SET class_id = 'k6' WHERE student_id = ANY($1)", ids)
    system.sql(
        "registry",
        """INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes, places,
               state, version, filed_at, issued_by)
           VALUES ('p7', $1, $2, 'junior', 7, $3, '230100', 1, 2, 'in_force', 1, now(), 'x')
           ON CONFLICT (school, school_year, stage) DO UPDATE SET classes = 1, places = 2""",
        QIHUI,
        year,
        COUNTY,
    )
    officer, leader = cast["county.officer"], cast["county.leader"]
    blank = officer.send("GET", "/v1/junior-intakes/template")
    assert blank.status_code == 200, blank.text

    def upload(count: int) -> Any:
        book = openpyxl.load_workbook(io.BytesIO(blank.content))
        for row in list(book["初中招生名单"].iter_rows(min_row=2))[:count]:
            row[4].value = f"{QIHUI}-启慧"
        out = io.BytesIO()
        book.save(out)
        return done(
            officer.send("POST", "/v1/junior-intakes", files={"file": ("名单.xlsx", out.getvalue(), XLSX)}), 201
        )

    over = upload(3)
    assert [f["code"] for f in over["check"]["findings"]] == ["intake.no_places"]
    no = leader.send("POST", f"/v1/junior-intakes/{over['id']}/decisions", json={"decision": "approve"})
    assert no.status_code == 409 and no.json()["findings"][0]["clause"] == "4.3"
    fits = upload(2)
    assert (fits["check"]["taken"], fits["check"]["unplaced"]) == (2, 1)
    path = f"/v1/junior-intakes/{fits['id']}"
    rows = done(officer.send("GET", f"{path}/rows?outcome=unplaced"))["items"]
    assert len(rows) == 1 and rows[0]["student_id"] in ids
    assert done(leader.send("POST", f"{path}/decisions", json={"decision": "approve"}))["state"] == "approved"
    assert ended(officer, path, "done")["moved"] == 2
    there = done(cast["qihui.registrar"].send("GET", "/v1/students"))["items"]
    assert {(one["stage"], one["grade"], one["class_no"]) for one in there} == {("junior", 7, 1)} and len(there) == 2
    kept = done(cast["registrar"].send("GET", f"/v1/students/{there[0]['id']}"))
    assert kept["copy_as_of"] == today() and kept["school"] == SCHOOL
