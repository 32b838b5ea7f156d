"""A school says who sits in a class: whoever belongs elsewhere is found and ordered about, and nothing is told of him."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_cast import SCHOOL, Cast
from e2e_flow import Desk, today
from e2e_people import Made, People

CHECKS = f"/v1/schools/{SCHOOL}/attendance-checks"


def done(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def seats(made: Made, classes: set[tuple[str, str]] | None = None) -> list[dict[str, str]]:
    return [
        {"name": str(row["姓名"]), "document_number": str(row["身份证件号"])}
        for row in made.rows.values()
        if classes is None or (str(row["年级"]), str(row["班级"])) in classes
    ]


@pytest.mark.clause("24.6.1", "48")
def test_a_pupil_of_another_school_in_the_class(cast: Cast, people: People, xinchun: Desk, shanhe: Desk) -> None:
    own, other = people.roster("xinchun", 3), people.roster("shanhe", 1)
    xinchun.walk(own)
    shanhe.walk(other)
    registrar, officer, principal = cast["registrar"], cast["county.officer"], cast["principal"]
    mine, theirs = seats(own), seats(other)
    listed = {"grade": 1, "class_no": 1, "rows": [*mine, *theirs]}
    before = done(registrar.send("GET", "/v1/attendance-checks"))["items"]
    dry = done(registrar.send("POST", CHECKS, json=listed | {"dry_run": True}))
    by_row = {row["row"]: row for row in dry["rows"] if row["row"]}
    assert {by_row[n + 1]["standing"] for n in range(len(mine))} <= {"here", "other_class"}
    there = by_row[len(mine) + 1]
    assert (there["standing"], there["student_id"]) == ("elsewhere", None)
    assert [(f["clause"], f["code"]) for f in there["findings"]] == [("24.6.1", "attendance.elsewhere")]
    assert shanhe.code not in str(dry) and theirs[0]["document_number"] not in str(dry)
    assert not dry["kept"] and done(registrar.send("GET", "/v1/attendance-checks"))["items"] == before

    kept = done(officer.send("POST", CHECKS, json=listed), 201)  # an inspector of the county comes by
    assert kept["counts"]["elsewhere"] == 1
    assert done(principal.send("GET", f"/v1/attendance-checks/{kept['id']}"))["rows"] == kept["rows"]
    orders = done(principal.send("GET", "/v1/inspection-findings?kind=not_transferred&state=open"))["items"]
    (order,) = [one for one in orders if one["code"] == "attendance.elsewhere"]
    assert (order["clause"], order["records"], order["source"]) == ("24.6.1", 1, "system")
    done(officer.send("POST", CHECKS, json=listed | {"rows": mine}), 201)
    again = done(principal.send("GET", f"/v1/inspection-findings/{order['id']}"))
    assert again["records"] == 0 and again["acts"][-1]["act"] == "gone"


@pytest.mark.clause("14", "21.1")
def test_the_form_of_a_day(cast: Cast, people: People, xinchun: Desk) -> None:
    xinchun.walk(people.roster("xinchun", 1))
    registrar = cast["registrar"]
    student = xinchun.registrar.students()[0]
    form = done(registrar.send("GET", f"/v1/students/{student.id}/form"))
    assert len(form["items"]) > 60 and {item["key"] for item in form["items"] if item["value"]} > {"name", "sex"}
    then = done(registrar.send("GET", f"/v1/students/{student.id}/form?as_of={today()}"))
    assert (then["items"], then["as_of"]) == (form["items"], str(today()))
    assert registrar.send("GET", f"/v1/students/{student.id}/form?as_of=2099-01-01").status_code == 422
    assert registrar.send("GET", f"/v1/students/{student.id}/form?as_of=2020-01-01").status_code == 404


@pytest.mark.clause("24.6.1")
@pytest.mark.parametrize(
    "wrong",
    [
        {"grade": 0}, {"grade": 10}, {"grade": "x"}, {"class_no": 0}, {"class_no": 100}, {"rows": []}, {"rows": [{}]},
        {"rows": [{"name": "", "document_number": "1"}]}, {"rows": [{"name": "王", "document_number": ""}]},
        {"rows": [{"name": "王" * 61, "document_number": "1"}]}, {"rows": [{"name": "王", "document_number": "1", "x": 1}]},
        {"rows": [{"name": "王", "document_number": "1", "birth_date": "2020"}]}, {"rows": "x"}, {"dry_run": 3}, {"x": 1},
        {"rows": [{"name": "王", "document_number": "1"}] * 201},
    ],
)  # fmt: skip
def test_wrong_fields_are_named_and_nothing_is_kept(cast: Cast, wrong: dict[str, Any]) -> None:
    listed = {"grade": 1, "class_no": 1, "rows": [{"name": "王", "document_number": "1"}]}
    before = done(cast["registrar"].send("GET", "/v1/attendance-checks"))["items"]
    answer = cast["registrar"].send("POST", CHECKS, json=listed | wrong)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json") and answer.json()["detail"]
    assert done(cast["registrar"].send("GET", "/v1/attendance-checks"))["items"] == before
