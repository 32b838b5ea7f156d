"""A school says who sits in a class: whoever belongs elsewhere is found and ordered about, and nothing is told of him."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from e2e_api import XLSX, done
from e2e_cast import SCHOOL, Cast
from e2e_flow import Desk, today
from e2e_people import Made, People

CHECKS = f"/v1/schools/{SCHOOL}/attendance-checks"


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


@pytest.mark.clause("24.6.1")
def test_a_class_comes_as_a_workbook(cast: Cast, people: People, xinchun: Desk) -> None:
    """The sheet that is handed out, filled in, read, and compared as it was read; a wrong row stops all of it."""
    own = people.roster("xinchun", 2)
    xinchun.walk(own)
    registrar = cast["registrar"]
    handed = registrar.send("GET", f"{CHECKS}/workbook")
    assert handed.status_code == 200 and handed.headers["content-type"] == XLSX
    book = openpyxl.load_workbook(io.BytesIO(handed.content))
    page = book.worksheets[0]
    assert [cell.value for cell in page[1]] == ["姓名", "身份证件号", "身份证件类型", "性别", "出生日期"]

    def read(*rows: tuple[str, ...]) -> Any:
        page.delete_rows(2, page.max_row)
        for at, cells in enumerate(rows, start=2):
            for column, text in enumerate(cells, start=1):
                page.cell(at, column).value = text
        out = io.BytesIO()
        book.save(out)
        files = {"file": ("名单.xlsx", out.getvalue(), XLSX)}
        return registrar.send("POST", f"{CHECKS}/workbook-readings", files=files)

    mine = seats(own)
    good = [(one["name"], one["document_number"]) for one in mine]
    found = done(read(*good))
    assert (found["refused"], [row["row"] for row in found["rows"]]) == (0, [2, 3])
    rows = [row["seated"] for row in found["rows"]]
    assert [(row["name"], row["document_number"], row["document_kind"]) for row in rows] == [
        (name, number, "1") for name, number in good
    ]  # fmt: skip
    dry = done(registrar.send("POST", CHECKS, json={"grade": 1, "class_no": 1, "rows": rows, "dry_run": True}))
    assert {row["standing"] for row in dry["rows"] if row["row"]} <= {"here", "other_class"}

    wrong = done(read(good[0], ("某人", ""), ("某人", "A1", "A-护照", "", "昨天")))
    assert wrong["refused"] == 2
    by_row = {row["row"]: row for row in wrong["rows"]}
    assert by_row[2]["seated"] is not None
    assert [one["fields"] for one in by_row[3]["findings"]] == [["document_number"]]
    assert "birth_date" in {name for one in by_row[4]["findings"] for name in one["fields"]}
    assert all(one["cure"] for row in (by_row[3], by_row[4]) for one in row["findings"])
    assert read().status_code == 422
    bad = registrar.send("POST", f"{CHECKS}/workbook-readings", files={"file": ("a.xlsx", b"PK", XLSX)})
    assert bad.status_code == 422 and bad.json()["detail"]
    elsewhere = cast["shanhe.registrar"].send("GET", f"{CHECKS}/workbook")
    assert elsewhere.status_code == 404


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
