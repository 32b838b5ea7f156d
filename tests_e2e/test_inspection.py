"""A county checks its schools; a school mends and answers; the county closes (clauses 3.4, 3.5, 48)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from e2e_api import done
from e2e_cast import SCHOOL, Cast
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, wait_for


@pytest.mark.clause("3.4")
@pytest.mark.clause("3.5")
@pytest.mark.clause("48")
def test_from_the_check_to_the_closed_round(cast: Cast, people: People, xinchun: Desk) -> None:
    xinchun.walk(people.roster("xinchun", 2))
    officer, principal, registrar = cast["county.officer"], cast["principal"], cast["registrar"]
    due_on = (CLOCK.today() + timedelta(days=14)).isoformat()
    body = {"title": "秋季学籍信息核查", "due_on": due_on, "schools": [SCHOOL]}
    round_id = done(officer.send("POST", "/v1/inspection-rounds", json=body), 201)["id"]

    def round_() -> Any:
        return done(officer.send("GET", f"/v1/inspection-rounds/{round_id}"))

    opened = wait_for(lambda: r if (r := round_())["state"] == "open" else None, HANGS, "the schools are not checked")
    assert opened["checked"] == opened["schools"] == 1 and opened["records"] >= 2
    (school,) = done(registrar.send("GET", "/v1/quality/schools"))["items"]
    assert school["records"] == opened["records"] and school["score"] is not None
    records = done(registrar.send("GET", f"/v1/quality/records?school={SCHOOL}"))["items"]
    if records:
        one = done(registrar.send("GET", f"/v1/students/{records[0]['student_id']}/quality"))
        assert one["score"] == records[0]["score"]

    manual = {"school": SCHOOL, "kind": "data_leaked", "detail": "名单贴在校门口", "due_on": due_on}
    done(officer.send("POST", "/v1/inspection-findings", json=manual), 201)
    found = done(principal.send("GET", "/v1/inspection-findings?state=open"))["items"]
    assert any(f["kind"] == "data_leaked" and f["clause"] == "45.2" for f in found)
    for finding in found:
        path = f"/v1/inspection-findings/{finding['id']}"
        done(principal.send("POST", f"{path}/answers", json={"answer": "已逐人核对并更正"}))
        if finding["authority"] == "230103":
            done(officer.send("POST", f"{path}/decisions", json={"decision": "close"}))
    closed = done(officer.send("POST", f"/v1/inspection-rounds/{round_id}/closure", json={"note": ""}))
    assert closed["state"] == "closed"

    def told() -> bool:
        titles = [n["title"] for n in done(principal.send("GET", "/v1/notices?limit=200"))["items"]]
        return any("责令改正" in title for title in titles)

    wait_for(told, HANGS, "the school is not told of the order")
