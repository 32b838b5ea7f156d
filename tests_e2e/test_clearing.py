"""Two records of one pupil in two schools, from the search to the merge and back; a name corrected; a record cancelled and
put back: through the gateway, over both services and the bus (clauses 18, 20.1, 22, 39, 40)."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, System, wait_for
from e2e_transfer import get, paper, post
from regulation.documents import check_digit

WHY = {"reason": "经核对户籍材料"}


def booklet(who: Any) -> list[dict[str, str]]:
    return paper(who, "household_register")


@pytest.mark.clause("20.1", "22", "39", "15.4", "21.1")
def test_one_pupil_with_two_records(cast: Cast, people: People, xinchun: Desk, qihui: Desk) -> None:
    here, there = xinchun.walk(people.roster("xinchun", 1)), qihui.walk(people.roster("qihui", 1))
    a, b = (
        next(one for one in side.registrar.students(limit=200) if one.id in ids)
        for side, ids in (
            (xinchun, {r.id for r in xinchun.registrar.registrations(roster=here.id)}),
            (qihui, {r.id for r in qihui.registrar.registrations(roster=there.id)}),
        )
    )
    registrar, other, officer, leader = (
        cast[name] for name in ("registrar", "qihui.registrar", "county.officer", "county.leader")
    )
    keep, drop = (a, b) if a.number_kind == "G" or b.number_kind != "G" else (b, a)
    pair = post(officer, "/v1/duplicates", 201, record_ids=[a.id, b.id], **WHY)
    assert (pair["state"], pair["heard"]) == ("open", False)
    early = officer.send("POST", f"/v1/duplicates/{pair['id']}/decisions", json={"decision": "different", **WHY})
    assert problem_of(early).findings[0].code == "duplicate.not_heard"
    for who in (registrar, other):
        said = {"position": "same", "text": "为同一名学生", "evidence": booklet(who)}
        post(who, f"/v1/duplicates/{pair['id']}/statements", **said)
    shown = get(registrar, f"/v1/duplicates/{pair['id']}")
    assert sorted(side["masked"] for side in shown["sides"]) == [False, True]
    decided = post(officer, f"/v1/duplicates/{pair['id']}/decisions", decision="cancel", record_id=keep.id, **WHY)
    assert decided["state"] == "cancelling"
    done = post(leader, f"/v1/cancellations/{decided['cancellation_id']}/decisions", decision="approve")
    assert (done["state"], done["kept_id"]) == ("cancelled", keep.id)

    school = registrar if keep.school == a.school else other
    former = other if school is registrar else registrar
    kept = get(school, f"/v1/students/{keep.id}")
    assert kept["merged_ids"] == [drop.id]
    assert drop.student_number in kept["former_numbers"]
    assert get(school, f"/v1/students/{drop.id}")["state"] == "cancelled"
    assert get(school, f"/v1/students/{drop.id}/journal")["intact"]
    assert former.send("GET", f"/v1/students/{drop.id}").status_code == 404
    assert get(officer, f"/v1/students/{drop.id}")["kept_id"] == keep.id

    post(leader, f"/v1/duplicates/{pair['id']}/undo", **WHY)
    wait_for(
        lambda: get(officer, f"/v1/students/{drop.id}")["state"] == "in_school", HANGS, "identity did not give it back"
    )
    assert get(former, f"/v1/students/{drop.id}")["kept_id"] is None
    assert get(school, f"/v1/students/{keep.id}")["merged_ids"] == []


@pytest.mark.clause("40", "21.1")
def test_a_name_is_corrected(cast: Cast, people: People, xinchun: Desk) -> None:
    roster = xinchun.walk(people.roster("xinchun", 1))
    (registration,) = xinchun.registrar.registrations(roster=roster.id)
    registrar, principal, officer = (cast[name] for name in ("registrar", "principal", "county.officer"))
    new = registration.name[0] + "更正"
    asked = {"student_id": registration.id, "values": {"name": new}}
    checked = post(registrar, "/v1/corrections/prechecks", **asked)
    assert all(f["outcome"] != "refuse" for f in checked["decision"]["findings"])
    opened = post(registrar, "/v1/corrections", 201, **asked, **WHY, evidence=booklet(registrar))
    path = f"/v1/corrections/{opened['id']}"
    post(principal, f"{path}/decisions", step="principal", decision="approve")
    assert post(officer, f"{path}/decisions", step="authority", decision="approve")["state"] == "applying"
    wait_for(lambda: get(registrar, path)["state"] == "applied", HANGS, "the correction was not applied")
    student = get(registrar, f"/v1/students/{registration.id}")
    assert (student["name"], student["birth_date"]) == (new, str(registration.birth_date))
    kinds = [entry["kind"] for entry in get(registrar, f"/v1/students/{registration.id}/journal")["entries"]]
    assert "corrected" in kinds
    etag = {"If-Match": f'"{student["version"]}"'}
    plain = registrar.send(
        "PATCH", f"/v1/students/{registration.id}", json={"changes": {"phone": "13845678901"}}, headers=etag
    )
    assert plain.status_code == 200, plain.text
    never = registrar.send(
        "PATCH",
        f"/v1/students/{registration.id}",
        json={"changes": {"birth_date": "2019-01-01"}},
        headers={"If-Match": plain.headers["ETag"]},
    )
    assert problem_of(never).findings[0].clause == "40"


@pytest.mark.clause("40", "14")
def test_a_guardians_document_is_corrected(cast: Cast, people: People, xinchun: Desk) -> None:
    """On evidence, by two persons; nobody reads a number off the case, and an export shows the new one."""
    roster = xinchun.walk(people.roster("xinchun", 1))
    (registration,) = xinchun.registrar.registrations(roster=roster.id)
    registrar, principal, officer = (cast[name] for name in ("registrar", "principal", "county.officer"))
    first17 = "23010219800101777"
    right = first17 + check_digit(first17)
    member = {"slot": 1, "document_kind": "1", "document_number": right}
    asked = {"student_id": registration.id, "values": {"members": [member]}}
    wrong = {**asked, "values": {"members": [{**member, "document_number": first17 + "0"}]}}
    assert not right.endswith("0")
    found = problem_of(registrar.send("POST", "/v1/corrections", json={**wrong, **WHY, "evidence": booklet(registrar)}))
    assert next((f.code, f.fields) for f in found.findings) == ("document.check_digit", ("member1_document_number",))
    none = problem_of(registrar.send("POST", "/v1/corrections", json={**asked, **WHY, "evidence": []}))
    assert none.findings[0].code == "correction.evidence_missing"
    opened = post(registrar, "/v1/corrections", 201, **asked, **WHY, evidence=booklet(registrar))
    assert opened["fields"] == ["member1_document"]
    assert right not in str(opened)
    path = f"/v1/corrections/{opened['id']}"
    post(principal, f"{path}/decisions", step="principal", decision="approve")
    post(officer, f"{path}/decisions", step="authority", decision="approve")
    wait_for(lambda: get(registrar, path)["state"] == "applied", HANGS, "the correction was not applied")
    again = problem_of(registrar.send("POST", "/v1/corrections", json={**asked, **WHY, "evidence": booklet(registrar)}))
    assert again.findings[0].code == "correction.changes_nothing"  # identity has the new one


@pytest.mark.clause("18", "22")
def test_a_record_is_protected_then_cancelled_and_put_back(cast: Cast, people: People, xinchun: Desk) -> None:
    roster = xinchun.walk(people.roster("xinchun", 1))
    (registration,) = xinchun.registrar.registrations(roster=roster.id)
    officer, leader, city = (cast[name] for name in ("county.officer", "county.leader", "city.leader"))
    student = {"student_id": registration.id}
    protection = post(
        officer, "/v1/protections", 201, kind="missing", since="2026-09-01", report="学校报告", evidence=booklet(officer),
        **student,
    )  # fmt: skip
    asked = {**student, "ground": "fraud", "reason": "入学材料系伪造"}
    refused = officer.send("POST", "/v1/cancellations", json={**asked, "evidence": booklet(officer)})
    assert problem_of(refused).findings[0].clause == "18"
    post(officer, f"/v1/protections/{protection['id']}/ending", ended_on="2026-09-01", reason="已找到")
    proposed = post(officer, "/v1/cancellations", 201, **asked, evidence=booklet(officer))
    path = f"/v1/cancellations/{proposed['id']}"
    assert post(leader, f"{path}/decisions", decision="approve")["state"] == "cancelled"
    assert cast["registrar"].send("GET", f"/v1/students/{registration.id}").status_code == 404
    post(city, f"{path}/reinstatement", **WHY)
    wait_for(lambda: get(officer, path)["state"] == "reinstated", HANGS, "it was not put back")
    assert get(cast["registrar"], f"/v1/students/{registration.id}")["state"] == "in_school"


@pytest.mark.clause("20.1")
def test_a_scan_over_a_county(cast: Cast, system: System) -> None:
    officer = cast["county.officer"]
    begun = post(officer, "/v1/duplicates/scans", 201, organisation="230103")
    path = f"/v1/duplicates/scans/{begun['id']}"
    wait_for(lambda: get(officer, path)["state"] == "done", HANGS, "the scan does not end")
    seen = get(officer, path)
    assert seen["done"] == seen["total"]
