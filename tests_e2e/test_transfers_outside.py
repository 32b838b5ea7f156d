"""A pupil goes to a school of another province: entered by the province office, approved by all, closed here and handed over,
through the gateway, over all services and the bus (Article 24)."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_outside import (
    CLERK,
    SCHOOL,
    SECOND,
    document,
    entered,
    grade_of,
    inward,
    outward,
    registered_by_its_school,
    said,
)
from e2e_people import People, form_of
from e2e_system import HANGS, wait_for
from e2e_transfer import WHY, a_class, get, paper, post, registered


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
        HANGS,
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
    wait_for(lambda: get(office, path)["state"] == "completed", HANGS, "the record did not leave")

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
        HANGS,
        "the pupil was not let go",
    )


@pytest.mark.clause("19", "24.5.1", "24.6.1")
def test_a_child_comes_from_another_province(cast: Cast, people: People, xinchun: Desk) -> None:
    """Applied for by our school, approved by our authority and by the other province's papers, then registered by the school:
    the case is done by itself."""
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    person, form = made.person(row), form_of(made, row)
    registrar, officer = cast["registrar"], cast["county.officer"]
    a_class(registrar)
    grade = grade_of(made, row)
    child = {**person, "document_kind": "1", "student_number": "G" + person["document_number"]}
    body = inward(person, grade, child=child, exception=WHY)

    wrong = inward(person, grade, child={**child, "student_number": "G230103201803050015"})
    checked = post(registrar, "/v1/outside-transfers/inward/prechecks", **wrong)
    codes = {finding["code"] for finding in checked["decision"]["findings"] if finding["outcome"] == "refuse"}
    assert codes == {"number.other_document", "evidence.missing"}, checked

    transfer = post(registrar, "/v1/outside-transfers/inward", 201, **{**body, "evidence": paper(registrar)})
    path = f"/v1/transfers/{transfer['id']}"
    again = registrar.send("POST", "/v1/outside-transfers/inward", json={**body, "evidence": paper(registrar)})
    assert "arrival.expected" in {finding.code for finding in problem_of(again).findings}
    early = registrar.send("POST", "/v1/registrations", json={"form": form})
    assert "transfer.not_approved" in {finding.code for finding in problem_of(early).findings}

    post(officer, f"{path}/decisions", step="receiving_authority", decision="approve", override=True, reason="情况属实")
    said(cast, transfer["id"], "releasing_school", who=CLERK)
    same = cast[CLERK].send(
        "POST",
        f"/v1/outside-transfers/{transfer['id']}/decisions",
        json={"step": "releasing_authority", "decision": "approve", "document": document(),
              "evidence": paper(cast[CLERK], "official_document")},
    )  # fmt: skip
    assert problem_of(same).findings[0].code == "case.same_person"
    said(cast, transfer["id"], "releasing_authority", who=SECOND)
    assert get(registrar, path)["state_title"] == "已核准，待转入学校建籍"
    wait_for(
        lambda: any(row["number"] == transfer["number"] for row in get(registrar, "/v1/worklist?limit=200")["items"]),
        HANGS,
        "the school is not asked to register the child",
    )
    entered_ = registered_by_its_school(cast, form)
    wait_for(lambda: get(registrar, path)["state"] == "completed", HANGS, "the record did not complete the case")
    done = get(registrar, path)
    assert done["student_id"] == entered_["id"] and done["problem"] == []
    journal = get(registrar, f"/v1/students/{entered_['id']}/journal")
    assert journal["intact"] and journal["entries"][0]["kind"] == "registered"
    followed = post(cast["nobody"], "/v1/transfers/tracking", number=transfer["number"], digits="0001")
    assert followed["state"] == "completed" and person["name"] not in str(followed)


@pytest.mark.clause("15.2", "15.3", "20.1")
def test_a_temporary_number_of_another_province_finds_the_pupil_and_no_second_one(
    cast: Cast, people: People, xinchun: Desk
) -> None:
    made = people.roster("xinchun", 2)
    first, second = made.rows
    registrar, form = cast["registrar"], form_of(made, first)
    a_class(registrar)
    grade = grade_of(made, first)
    number = "L330106" + made.person(first)["birth_date"].replace("-", "") + "0017"

    def asked(row: Any) -> dict[str, Any]:
        person = made.person(row)
        return inward(person, grade, child={**person, "document_kind": "1", "student_number": number}, exception=WHY)

    transfer = post(registrar, "/v1/outside-transfers/inward", 201, **{**asked(first), "evidence": paper(registrar)})
    assert number not in get(registrar, f"/v1/transfers/{transfer['id']}")["name"]
    post(
        cast["county.officer"], f"/v1/transfers/{transfer['id']}/decisions",
        step="receiving_authority", decision="approve", override=True, reason="情况属实",
    )  # fmt: skip
    said(cast, transfer["id"], "releasing_school", who=CLERK)
    said(cast, transfer["id"], "releasing_authority", who=SECOND)
    nobody = post(registrar, "/v1/students/searches", number=number)
    assert nobody["items"] == [], "a child that is still to come is no pupil"
    student = registered_by_its_school(cast, form)["id"]
    wait_for(
        lambda: get(registrar, f"/v1/transfers/{transfer['id']}")["state"] == "completed",
        HANGS,
        "the record is not there",
    )
    (found,) = post(registrar, "/v1/students/searches", number=number)["items"]
    assert found["id"] == student and found["student_number"] != number
    checked = post(registrar, "/v1/outside-transfers/inward/prechecks", **asked(second))
    codes = {finding["code"] for finding in checked["decision"]["findings"] if finding["outcome"] == "refuse"}
    assert "arrival.others_number" in codes
    refused = registrar.send(
        "POST", "/v1/outside-transfers/inward", json={**asked(second), "evidence": paper(registrar)}
    )
    assert "arrival.others_number" in {finding.code for finding in problem_of(refused).findings}


@pytest.mark.clause("24.5.1")
def test_what_the_other_province_rejects_gives_the_child_and_the_place_back(
    cast: Cast, people: People, xinchun: Desk
) -> None:
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    person, registrar = made.person(row), cast["registrar"]
    a_class(registrar)
    body = inward(person, grade_of(made, row), child={**person, "document_kind": "1"}, exception=WHY)
    transfer = post(registrar, "/v1/outside-transfers/inward", 201, **{**body, "evidence": paper(registrar)})
    decide = f"/v1/transfers/{transfer['id']}/decisions"
    back = post(
        cast["county.officer"], decide, step="receiving_authority", decision="return", reason="电话有误", asks=["phone"]
    )
    assert back["state"] == "returned"
    seen = get(registrar, f"/v1/transfers/{transfer['id']}")
    family = {name: body[name] for name in ("ground", "residence", "guardian", "exception")}
    (more,) = paper(registrar)
    corrected = registrar.send(
        "POST",
        f"/v1/transfers/{transfer['id']}/resubmission",
        json={**family, "name": person["name"], "number": transfer["number"], "phone": "13857110002", "evidence": [more],
              "taken_off": [one["evidence_id"] for one in seen["evidence"]]},
        headers={"If-Match": f'"{seen["version"]}"'},
    )  # fmt: skip
    assert corrected.status_code == 200, corrected.text
    post(
        cast["county.officer"], decide, step="receiving_authority", decision="approve", override=True, reason="情况属实"
    )
    ended = said(cast, transfer["id"], "releasing_school", who=CLERK, decision="reject", reason="该生已经休学")
    assert ended["state"] == "rejected"
    wait_for(
        lambda: (
            registrar.send(
                "POST", "/v1/outside-transfers/inward", json={**body, "evidence": paper(registrar)}
            ).status_code
            == 201
        ),
        HANGS,
        "the child was not let go",
    )
