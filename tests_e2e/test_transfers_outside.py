"""A pupil goes to a school of another province: entered by the province office, approved by all, closed here and handed over,
through the gateway, over all services and the bus (Article 24)."""

from __future__ import annotations

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_outside import CLERK, SCHOOL, SECOND, document, entered, outward, said
from e2e_people import People
from e2e_system import wait_for
from e2e_transfer import WHY, get, paper, post, registered

pytestmark = pytest.mark.timeout(300)


@pytest.mark.clause("21.2", "24.5.1", "24.6.2")
def test_a_pupil_goes_to_another_province(cast: Cast, people: People, xinchun: Desk) -> None:
    _, (person,) = registered(people, xinchun)
    office, student = cast[CLERK], f"/v1/students/{person['student_id']}"
    before = get(cast["registrar"], student)

    checked = post(office, "/v1/outside-transfers/outward/prechecks", **outward(person))
    codes = {finding["code"] for finding in checked["decision"]["findings"] if finding["outcome"] == "refuse"}
    assert codes == {"outside.paper_missing"}, checked
    wrong = office.send("POST", "/v1/outside-transfers/outward", json=outward(person, grade=2))
    assert "grade.other" in {finding.code for finding in problem_of(wrong).findings}

    transfer = entered(cast, person)
    assert (transfer["state"], transfer["waits_for"]) == ("open", "receiving_authority")
    path = f"/v1/transfers/{transfer['id']}"
    assert "decide_outside" in get(cast[SECOND], path)["may"]
    wait_for(
        lambda: any(
            transfer["number"] == row["number"] for row in get(cast[SECOND], "/v1/worklist?limit=200")["items"]
        ),
        30,
        "nobody of the province office is asked",
    )

    same = office.send(
        "POST",
        f"/v1/outside-transfers/{transfer['id']}/decisions",
        json={"step": "receiving_authority", "decision": "approve", "document": document(),
              "evidence": paper(office, "official_document")},
    )  # fmt: skip
    assert problem_of(same).findings[0].code == "case.same_person"
    said(cast, transfer["id"], "receiving_authority")
    post(cast["principal"], f"{path}/decisions", step="releasing_school", decision="approve")
    post(cast["county.officer"], f"{path}/decisions", step="releasing_authority", decision="approve")
    wait_for(lambda: get(office, path)["state"] == "completed", 30, "the record did not leave")

    done = get(office, path)
    assert done["timeline"][0]["entered_for"] == SCHOOL["authority"]
    after = get(office, student)
    assert (after["state"], after["grade"], after["student_number"]) == (
        "transferred_out", None, before["student_number"],
    )  # fmt: skip
    kept = get(cast["registrar"], student)
    assert kept["copy_as_of"] is not None and kept["state"] == "in_school"
    journal = get(office, f"{student}/journal")
    assert journal["intact"] and journal["entries"][-1]["kind"] == "transferred_out"
    package = office.send("POST", f"{student}/archive/files", json={"form": "package"})
    assert package.status_code == 200 and package.content[:2] == b"PK", package.text
    again = cast["shanhe.registrar"].send(
        "POST", "/v1/outside-transfers/outward", json=outward(person, evidence=[])
    )  # fmt: skip
    assert again.status_code == 403
    gone = office.send(
        "POST", "/v1/outside-transfers/outward", json=outward(person, evidence=paper(office, "official_document"))
    )
    assert problem_of(gone).findings[0].code == "pupil.not_found"

    followed = post(cast["nobody"], "/v1/transfers/tracking", number=transfer["number"], digits="0001")
    assert (followed["state"], followed["steps"][0]["organisation_name"]) == ("completed", SCHOOL["authority"])
    assert person["name"] not in str(followed)


@pytest.mark.clause("24.5.1")
def test_returned_corrected_and_taken_back(cast: Cast, people: People, xinchun: Desk) -> None:
    _, (person,) = registered(people, xinchun)
    office = cast[CLERK]
    transfer = entered(cast, person)
    path = f"/v1/outside-transfers/outward/{transfer['id']}"
    said(cast, transfer["id"], "receiving_authority", decision="return", reason="电话不对", asks=["phone"])
    seen = get(office, f"/v1/transfers/{transfer['id']}")
    assert (seen["state"], seen["may"]) == ("returned", ["resubmit_outward", "withdraw_outward"])
    corrected = outward(person)
    (given,) = seen["evidence"]
    (more,) = paper(office, "official_document")
    answer = office.send(
        "POST",
        f"{path}/resubmission",
        json={
            "pupil": {**corrected["pupil"], "phone": "13904510002"},
            "document": document("西教转〔2026〕20号"),
            "evidence": [more],
            "taken_off": [given["evidence_id"]],
        },
        headers={"If-Match": f'"{seen["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["phone"]) == ("open", "139****0002")
    assert [one["evidence_id"] for one in get(office, f"/v1/transfers/{transfer['id']}")["evidence"]] == [
        more["evidence_id"]
    ]
    ended = post(office, f"{path}/withdrawal", reason=WHY, by_guardian=True)
    assert ended["state"] == "withdrawn"
    wait_for(
        lambda: (
            office.send(
                "POST",
                "/v1/outside-transfers/outward",
                json=outward(person, evidence=paper(office, "official_document")),
            ).status_code
            == 201
        ),
        30,
        "the pupil was not let go",
    )
