"""From a county's list of children to the first day, through the gateway (clauses 4.1 to 13.1)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from e2e_api import XLSX, done
from e2e_cast import COUNTY, SCHOOL, Cast
from e2e_children import child, evidence, given, listed, named, placed_all, plan, upload, zone
from e2e_clock import CLOCK
from e2e_system import HANGS, wait_for


@pytest.fixture(scope="module")
def places(cast: Cast) -> None:
    plan(cast)
    zone(cast["county.officer"], "矩阵大街", "果戈里大街")


@pytest.mark.clause("5.2")
@pytest.mark.clause("10.1")
@pytest.mark.clause("13.1")
def test_from_the_list_to_the_first_day(cast: Cast, places: None) -> None:
    officer, registrar, principal = cast["county.officer"], cast["registrar"], cast["principal"]
    good, elsewhere = child("故事甲"), child("故事乙", "没有学区的街9号")
    young = child("故事丙", born=CLOCK.today().replace(year=CLOCK.today().year - 6, month=9, day=1))
    blank = officer.send("GET", "/v1/children-lists/template")
    assert blank.status_code == 200 and blank.headers["content-type"] == XLSX
    looked = upload(officer, [good, elsewhere, young])
    assert (looked["accepted"], looked["refused"], looked["taken"]) == (2, 1, 0)
    refused = done(officer.send("GET", f"/v1/children-lists/{looked['id']}/rows?outcome=refused"))["items"]
    assert [finding["clause"] for row in refused for finding in row["findings"]] == ["5.2"]
    assert done(officer.send("POST", "/v1/children/searches", json={"name": "故事甲"}))["items"] == []
    listed(officer, [good, elsewhere, young])

    seen = done(officer.send("GET", "/v1/admissions/placements/preview"))
    assert seen["waiting"] >= 2 and seen["no_zone"] >= 1
    run = placed_all(officer)
    assert run["placed"] + run["by_hand"] == run["waiting"]
    admission = named(officer, "故事甲", "admissions")
    assert (admission["school"], admission["way"], admission["street"]) == (SCHOOL, "zone", "果戈里大街")
    left = named(officer, "故事乙")
    assert (left["state"], left["by_hand"]) == ("waiting", "住址不在任何学校的学区内")
    order = {"child_id": left["id"], "school": SCHOOL, "reason": "学区外，统筹安排"}
    by_hand = done(officer.send("POST", "/v1/admissions", json=order), 201)
    assert by_hand["way"] == "placed"
    path = f"/v1/admissions/{by_hand['id']}/objection"
    objected = done(principal.send("POST", path, json={"reason": "班额已满"}))
    assert (objected["objection"], objected["progress"]) == ("班额已满", "placed")

    notices = registrar.send("POST", "/v1/admissions/notices", json={"admission_ids": [admission["id"], by_hand["id"]]})
    assert notices.status_code == 200 and notices.content.startswith(b"%PDF-"), notices.text
    assert (notices.headers["x-count"], notices.headers["x-more"]) == ("2", "0")
    today = CLOCK.today().isoformat()
    report = {"admission_ids": [admission["id"]], "reported_on": today}
    assert done(registrar.send("POST", "/v1/admissions/reports", json=report)) == {
        "type": "registry.reports_recorded", "recorded": 1, "already": 0,
    }  # fmt: skip
    shown = done(registrar.send("GET", f"/v1/admissions/{admission['id']}"))
    assert shown["progress"] == "reported" and shown["hand_in_by"] > today
    until = (CLOCK.today() + timedelta(days=15)).isoformat()
    put_off = {"asked_on": today, "until": until, "reason": "住院治疗"}
    path = f"/v1/admissions/{by_hand['id']}/postponements"
    assert done(registrar.send("POST", path, json=put_off), 201)["state"] == "granted"
    numbers = done(officer.send("GET", "/v1/admissions/overview"))["items"]
    (school,) = [one for one in numbers if one["school"] == SCHOOL]
    assert school["reported"] >= 1 and school["postponed"] >= 1 and school["objections"] >= 1

    def told() -> Any:
        titles = {n["title"] for n in done(registrar.send("GET", "/v1/notices?limit=200"))["items"]}
        return titles if "有新生安排到本校" in titles else None

    wait_for(told, HANGS, "the school is not told of its new children")


@pytest.mark.clause("5.2")
def test_no_number_and_no_address_leaves_identity_and_the_one_child(cast: Cast, places: None) -> None:
    officer = cast["county.officer"]
    row = child("隐私甲", "南岗区果戈里大街隐私楼7号")
    listed(officer, [row])
    page = officer.send("POST", "/v1/children/searches", json={"name": "隐私甲"})
    assert row["身份证件号"] not in page.text and "隐私楼" not in page.text
    one = done(officer.send("GET", f"/v1/children/{page.json()['items'][0]['id']}"))
    assert one["address"] == "南岗区果戈里大街隐私楼7号" and row["身份证件号"] not in str(one)
    for table in ("children", "children_import_rows", "outbox", "audit_outbox", "commands"):
        kept = cast.system.sql("registry", f"SELECT t::text AS r FROM {table} t")
        text = "".join(record["r"] for record in kept)
        assert row["身份证件号"] not in text and "隐私楼" not in text, table


@pytest.mark.clause("7")
def test_a_migrant_child_needs_two_papers_and_gets_a_near_public_school(cast: Cast, places: None) -> None:
    officer = cast["county.officer"]
    permit, booklet = (evidence(officer, kind) for kind in ("residence_permit", "household_register"))
    more = evidence(officer, "residence")
    body = {"child": given("随迁甲"), "evidence": [permit, booklet, more]}
    refused = officer.send("POST", "/v1/migrant-applications", json=body)
    assert refused.status_code == 409 and refused.json()["findings"][0]["code"] == "migrant.other_paper"
    opened = done(officer.send("POST", "/v1/migrant-applications", json=body | {"evidence": [permit, booklet]}), 201)
    path = f"/v1/migrant-applications/{opened['id']}"
    first = done(officer.send("GET", path))["choices"][0]
    assert first["ownership"] == "public" and first["served"] and first["school"] == SCHOOL
    decision = {"step": "authority", "decision": "approve", "school": first["school"]}
    decided = done(officer.send("POST", f"{path}/decisions", json=decision))
    assert decided["state"] == "approved"
    assert done(officer.send("GET", f"/v1/admissions/{decided['admission_id']}"))["way"] == "migrant"


@pytest.mark.clause("5.2")
def test_zones_by_workbook(cast: Cast, places: None) -> None:
    """As it was handed out nothing changes; a wrong row stops all of it; what was shown is set, once."""
    officer, today = cast["county.officer"], CLOCK.today().isoformat()
    path = f"/v1/attendance-zones/workbook-prechecks?valid_from={today}"
    blank = officer.send("GET", "/v1/attendance-zones/workbook")
    assert blank.status_code == 200 and blank.headers["content-type"] == XLSX
    book = openpyxl.load_workbook(io.BytesIO(blank.content))
    page = book.worksheets[0]

    def check() -> Any:
        out = io.BytesIO()
        book.save(out)
        return done(officer.send("POST", path, files={"file": ("学区.xlsx", out.getvalue(), XLSX)}))

    same = check()
    assert (same["refused"], same["closed"], same["zones"], same["ends"]) == (0, [], [], [])
    row = page.max_row + 1
    for at, text in enumerate((SCHOOL, "", "1-小学", COUNTY, "学区表大街"), start=1):
        page.cell(row, at).value = text
    page.cell(row + 1, 1).value, page.cell(row + 1, 3).value = "2123999999", "1-小学"
    wrong = check()
    assert (wrong["refused"], wrong["zones"]) == (1, [])
    assert [
        (one["row"], f["fields"]) for one in wrong["rows"] for f in one["findings"] if one["outcome"] == "refused"
    ] == [(row + 1, ["school"])]
    page.delete_rows(row + 1)
    seen = check()
    assert [(one["row"], one["outcome"]) for one in seen["rows"] if one["outcome"] == "added"] == [(row, "added")]
    order = {"zones": seen["zones"], "ends": seen["ends"], "valid_from": today, "reason": "南教发〔2026〕4号"}
    assert done(officer.send("POST", "/v1/attendance-zones", json=order))["changed"] == 1
    found = {"division": COUNTY, "address": "学区表大街7号"}
    (served,) = done(cast["registrar"].send("POST", "/v1/attendance-zones/searches", json=found))["items"]
    assert (served["school"], served["street"]) == (SCHOOL, "学区表大街")
    assert officer.send("POST", "/v1/attendance-zones", json=order).status_code == 409  # it is as it was shown no more
    for content in (b"PK", b""):
        bad = officer.send("POST", path, files={"file": ("a.xlsx", content, XLSX)})
        assert bad.status_code in (400, 422) and bad.json()["detail"], bad.text
    day = officer.send("POST", path.replace(today, "今天"), files={"file": ("a.xlsx", b"PK", XLSX)})
    assert day.status_code in (400, 422) and "valid_from" in day.text


@pytest.mark.clause("5.2")
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        (
            "POST",
            "/v1/attendance-zones",
            {"ends": [{"school": "1", "stage": "primary"}], "valid_from": "2026-09-10", "reason": "x"},
            "school",
        ),
        (
            "POST",
            "/v1/attendance-zones",
            {"ends": [{"school": SCHOOL, "stage": "senior"}], "valid_from": "2026-09-10", "reason": "x"},
            "stage",
        ),
        (
            "POST",
            "/v1/attendance-zones",
            {
                "ends": [{"school": SCHOOL, "stage": "primary", "version": -1}],
                "valid_from": "2026-09-10",
                "reason": "x",
            },
            "version",
        ),
        ("POST", "/v1/attendance-zones", {"zones": [], "valid_from": "2026-09-10", "reason": "x"}, "zones"),
        ("POST", "/v1/attendance-zones/searches", {"division": "23", "address": "x"}, "division"),
        ("POST", "/v1/admissions", {"child_id": "a b", "school": SCHOOL, "reason": "x"}, "child_id"),
        ("POST", "/v1/admissions", {"child_id": "a", "school": "1", "reason": "x"}, "school"),
        ("POST", "/v1/admissions", {"child_id": "a", "school": SCHOOL, "reason": ""}, "reason"),
        ("POST", "/v1/admissions/reports", {"admission_ids": [], "reported_on": "2026-09-10"}, "admission_ids"),
        ("POST", "/v1/admissions/reports", {"admission_ids": ["a"], "reported_on": "今天"}, "reported_on"),
        ("POST", "/v1/admissions/placements", {"stage": "senior"}, "stage"),
        ("POST", "/v1/children/searches", {"name": ""}, "name"),
        ("POST", "/v1/deferrals", {"child_id": "a", "cause": "none", "reason": "x"}, "cause"),
        ("POST", "/v1/private-admissions", {"applicants": []}, "applicants"),
        ("POST", "/v1/migrant-applications", {"child": given("错甲", phone="")}, "phone"),
        ("GET", "/v1/admissions?progress=gone", None, "progress"),
        ("GET", "/v1/attendance-zones?division=2301", None, "division"),
    ],
)
def test_each_wrong_field_is_named(cast: Cast, method: str, path: str, body: Any, field: str) -> None:
    answer = cast["county.officer"].send(method, path, **({"json": body} if body is not None else {}))
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.text and answer.json()["detail"]
