"""An archive over HTTP: papers, entries, corrections, the record as of a day, the print, the package that proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from e2e_acts_archive import AWARD
from e2e_api import Api, problem_of
from e2e_flow import Desk, today
from e2e_people import People
from e2e_system import System, wait_for
from e2e_things import scan
from registry.archive.verify import verify
from shared_contracts.archive import ArchiveView
from shared_contracts.records import StudentView

EXAM = {"kind": "exam", "school_year": int(today()[:4]), "term": "autumn", "subject": "语文", "result": "优秀"}


@pytest.fixture(scope="module")
def pupils(xinchun: Desk, people: People) -> list[StudentView]:
    roster = xinchun.walk(people.roster("xinchun", 3))
    ids = {one.id for one in xinchun.registrar.registrations(roster=roster.id)}
    return [student for student in xinchun.registrar.students() if student.id in ids]


def archive_of(who: Api, student: str, **params: str) -> ArchiveView:
    return who.want(ArchiveView, "GET", f"/v1/students/{student}/archive", params=params)


@pytest.mark.clause("14", "21.1", "34.1", "35")
@pytest.mark.timeout(300)
def test_the_life_of_an_archive(xinchun: Desk, pupils: list[StudentView], tmp_path: Path) -> None:
    registrar, officer = xinchun.registrar, xinchun.officer
    one, two = pupils[0].id, pupils[1].id
    path = f"/v1/students/{one}/archive"

    kept = registrar.call("POST", "/v1/evidence-files", files=scan())
    assert (kept.status_code, kept.json()["scan"]) == (201, "unscanned")
    evidence_id = kept.json()["id"]
    filing = {"on": today(), "evidence": [{"evidence_id": evidence_id, "kind": "household_register"}]}
    assert registrar.call("POST", f"{path}/evidence", json=filing).status_code == 201

    many = [{"student_id": student, "on": today(), "entry": entry} for student in (one, two) for entry in (AWARD, EXAM)]
    added = registrar.call("POST", "/v1/archive-entries", json={"items": many}, key="archive-bulk")
    assert added.status_code == 201, added.text
    again = registrar.call("POST", "/v1/archive-entries", json={"items": many}, key="archive-bulk")
    assert again.json() == added.json()
    assert set(added.json()) == {"type", "ids"}, "marks of many pupils are nowhere side by side"
    right = {"on": today(), "entry": AWARD | {"title": "优秀队员"}, "reason": "奖项名称有误"}
    fixed = registrar.call("POST", f"/v1/archive-entries/{added.json()['ids'][0]}/correction", json=right)
    assert fixed.status_code == 201, fixed.text

    shown = archive_of(officer, one)
    assert shown.intact
    assert [entry.section for entry in shown.entries] == [3, 5, 5]
    assert [entry.superseded_by is None for entry in shown.entries] == [True, False, True]
    assert [item.evidence.kind for item in shown.evidence] == ["household_register"]
    assert [entry.title for entry in shown.journal][-1] == "更正档案内容"
    content = officer.call("GET", f"/v1/evidence-files/{evidence_id}/content")
    assert content.content == scan()["file"][1]

    pdf = registrar.call("POST", f"{path}/files", json={"form": "pdf"})
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    package = officer.call("POST", f"{path}/files", json={"form": "package"}, key="package")
    file = tmp_path / "archive.zip"
    file.write_bytes(package.content)
    report = verify(file)
    assert report.faults == ()
    assert report.manifest is not None
    assert report.manifest.made_for.account == officer.username
    repeated = officer.call("POST", f"{path}/files", json={"form": "package"}, key="package")
    assert repeated.status_code == 200, "what broke off is made anew"


@pytest.mark.clause("21.1", "44")
def test_a_day_that_was_and_days_that_were_not(xinchun: Desk, pupils: list[StudentView]) -> None:
    registrar, one = xinchun.registrar, pupils[2].id
    for path in (f"/v1/students/{one}", f"/v1/students/{one}/journal", f"/v1/students/{one}/archive"):
        now = registrar.call("GET", path, params={"as_of": today()})
        assert now.status_code == 200, now.text
        assert "ETag" not in now.headers
        assert problem_of(registrar.call("GET", path, params={"as_of": "2099-01-01"})).status == 422
        assert registrar.call("GET", path, params={"as_of": "yesterday"}).status_code in (400, 422)
    assert registrar.call("GET", f"/v1/students/{one}", params={"as_of": "2020-01-01"}).status_code == 404
    school = registrar.call("GET", f"/v1/schools/{xinchun.code}/classes", params={"as_of": today()}).json()
    klass = next(item for item in school["classes"] if item["grade"] == pupils[2].grade)
    roll = registrar.call("GET", f"/v1/classes/{klass['id']}/students", params={"as_of": today()}).json()
    assert len(roll["items"]) == klass["students"]


def _entry(**more: Any) -> dict[str, Any]:
    return {"on": today(), "entry": {**AWARD, **more}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "on"),
    ({"on": today()}, "entry"),
    ({"on": "tomorrow", "entry": AWARD}, "on"),
    ({"on": "2099-01-01", "entry": AWARD}, "on"),
    (_entry(kind="prize"), "entry"),
    (_entry(level="galactic"), "entry"),
    (_entry(title=""), "entry"),
    (_entry(title="长" * 61), "entry"),
    (_entry(extra="x"), "entry"),
    (_entry(title="证号" + "1" * 18), "entry.title"),
    ({"on": today(), "entry": EXAM | {"result": "第1名"}}, "entry.result"),
    ({"on": today(), "entry": EXAM | {"school_year": 2000}}, "entry.school_year"),
    ({"on": today(), "entry": EXAM | {"school_year": "now"}}, "entry"),
    ({"on": today(), "entry": AWARD, "evidence": [{"evidence_id": "none"}]}, "evidence"),
    ({"on": today(), "entry": AWARD, "evidence": [{"evidence_id": "../x"}]}, "evidence"),
    ({"on": today(), "entry": AWARD, "who": "me"}, "who"),
]


@pytest.mark.clause("14", "34.2", "36")
@pytest.mark.parametrize(("wrong", "where"), WRONG)
def test_every_wrong_field_is_named(xinchun: Desk, pupils: list[StudentView], wrong: Any, where: str) -> None:
    one = pupils[2].id
    before = archive_of(xinchun.registrar, one)
    problem = problem_of(xinchun.registrar.call("POST", f"/v1/students/{one}/archive/entries", json=wrong))
    assert problem.status in (400, 422), problem
    assert any(where in f"{finding.fields} {finding.message}" for finding in problem.findings), problem
    assert archive_of(xinchun.registrar, one).entries == before.entries


@pytest.mark.clause("14")
@pytest.mark.parametrize("content", [b"", b"MZ\x90 a program", b"%PDF-1.7 that ends too early"])
def test_what_is_no_scan_is_refused(xinchun: Desk, content: bytes) -> None:
    file = {"file": ("户口簿.pdf", content, "application/pdf")}
    problem = problem_of(xinchun.registrar.call("POST", "/v1/evidence-files", files=file))
    assert problem.status == 422
    assert problem.findings[0].cure


@pytest.mark.clause("45.1")
def test_whoever_takes_an_archive_is_in_the_audit_log(system: System, xinchun: Desk, pupils: list[StudentView]) -> None:
    one = pupils[1].id
    taken = xinchun.registrar.call("POST", f"/v1/students/{one}/archive/files", json={"form": "package"})
    assert taken.status_code == 200
    auditor = system.account("nangang.auditor")

    def told() -> str:
        return auditor.call("GET", "/v1/audit/entries", params={"act": "registry.make_archive", "limit": 5}).text

    wait_for(lambda: one in told(), 20, "nobody knows who took it")
