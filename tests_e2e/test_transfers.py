"""A pupil goes to a school of another county: prechecked, refused and explained, opened as an exception, approved by all,
moved; returned, taken back, followed by the guardian: through the gateway, over three services and the bus (Article 24)."""

from __future__ import annotations

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, wait_for
from e2e_transfer import HOME, STEPS, WHY, application, decide, get, opened, paper, post, registered


@pytest.mark.clause("21.2", "24.1.2", "24.3.3", "24.5.1", "24.6.4")
def test_a_pupil_goes_to_another_school(cast: Cast, people: People, xinchun: Desk, shanhe: Desk) -> None:
    _, (person,) = registered(people, xinchun)
    registrar = cast["shanhe.registrar"]
    before = get(cast["registrar"], f"/v1/students/{person['student_id']}")

    checked = post(registrar, "/v1/transfers/prechecks", **application(person))
    said = {finding["clause"]: finding["outcome"] for finding in checked["decision"]["findings"]}
    assert said["24.3.3"] == "needs_override", "the first term of the entry grade"
    assert [step["step"] for step in checked["steps"]] == [step for step, _ in STEPS]
    assert [one["given"] for one in checked["evidence"]] == [False]
    assert before["school_name"] not in str(checked)

    bare = registrar.send("POST", "/v1/transfers", json=application(person, evidence=paper(registrar), exception=""))
    assert bare.status_code == 409
    assert {finding.clause for finding in problem_of(bare).findings} >= {"24.3.3"}

    transfer = opened(cast, person)
    assert (transfer["state"], transfer["seat"], transfer["waits_for"]) == ("open", True, "receiving_authority")
    again = registrar.send("POST", "/v1/transfers", json=application(person, evidence=paper(registrar)))
    assert problem_of(again).findings[0].clause == "23"

    no = cast["neighbour.officer"].send(
        "POST", f"/v1/transfers/{transfer['id']}/decisions", json={"step": "receiving_authority", "decision": "approve"}
    )
    assert no.status_code == 409, "an exception takes the authority's written word"
    for step, who in STEPS:
        decided = decide(cast, transfer["id"], step, who)
    assert decided["state"] in ("moving", "completed")
    wait_for(
        lambda: get(registrar, f"/v1/transfers/{transfer['id']}")["state"] == "completed",
        HANGS,
        "the record did not move",
    )
    after = get(registrar, f"/v1/students/{person['student_id']}")
    assert (after["school"], after["grade"]) == (shanhe.code, before["grade"])
    assert after["student_number"] == before["student_number"]
    kept = get(cast["registrar"], f"/v1/students/{person['student_id']}")
    assert kept["copy_as_of"] is not None and kept["school"] == xinchun.code
    journal = get(registrar, f"/v1/students/{person['student_id']}/journal")
    assert journal["intact"] and journal["entries"][-1]["kind"] == "transferred"

    followed = post(cast["nobody"], "/v1/transfers/tracking", number=transfer["number"], digits="0001")
    assert (followed["state"], len(followed["steps"])) == ("completed", 3)
    assert person["name"] not in str(followed) and "不收取任何费用" in followed["note"]
    wrong = cast["nobody"].send("POST", "/v1/transfers/tracking", json={"number": transfer["number"], "digits": "9999"})
    assert wrong.status_code == 404


@pytest.mark.clause("24.1.3", "24.5.1")
def test_returned_corrected_and_taken_back(cast: Cast, people: People, xinchun: Desk) -> None:
    _, (person,) = registered(people, xinchun)
    registrar = cast["shanhe.registrar"]
    transfer = opened(cast, person)
    more = cast["neighbour.officer"].send(
        "POST",
        f"/v1/transfers/{transfer['id']}/decisions",
        json={"step": "receiving_authority", "decision": "return", "reason": "请补充", "asks": ["medical"]},
    )
    assert problem_of(more).findings[0].code == "return.asks_more"
    decide(cast, transfer["id"], *STEPS[0], decision="return", reason="地址不完整", asks=["residence"])
    seen = get(registrar, f"/v1/transfers/{transfer['id']}")
    assert (seen["state"], seen["due_on"], seen["may"]) == ("returned", None, ["resubmit", "withdraw"])
    corrected = application(
        person, evidence=paper(registrar), residence={**HOME, "address": "五常市山河镇振兴街12号3单元501"}
    )
    answer = registrar.send(
        "POST",
        f"/v1/transfers/{transfer['id']}/resubmission",
        json=corrected,
        headers={"If-Match": f'"{seen["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["due_on"] is not None) == ("open", True)
    ended = post(registrar, f"/v1/transfers/{transfer['id']}/withdrawal", reason=WHY, by_guardian=True)
    assert ended["state"] == "withdrawn"
    wait_for(
        lambda: (
            registrar.send("POST", "/v1/transfers", json=application(person, evidence=paper(registrar))).status_code
            == 201
        ),
        HANGS,
        "the pupil was not let go",
    )


@pytest.mark.clause("24.6.5")
def test_the_province_reads_what_a_city_has_of_a_term(cast: Cast) -> None:
    year = CLOCK.today().year
    path = f"/v1/transfer-reports/230100/{year}/autumn"
    report = get(cast["province.officer"], path)
    assert (report["state"], report["due_on"]) == ("open", f"{year}-09-30")
    sums = [line["figures"]["transfers_in"] for line in report["lines"]]
    assert report["totals"]["transfers_in"] == sum(sums)
    book = cast["city.officer"].send("GET", f"{path}/workbook")
    assert book.status_code == 200 and book.content[:2] == b"PK"
    listed = get(cast["province.officer"], f"/v1/transfer-reports?year={year}&term=autumn")
    assert {row["city"] for row in listed["items"]} >= {"230100"}
