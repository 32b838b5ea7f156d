"""An export through the whole system (clause 45.2), and full numbers shown one pupil at a time (clause 45.1)."""

from __future__ import annotations

import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import openpyxl
import pytest
from e2e_api import Api, problem_of, unless_busy
from e2e_clock import CLOCK
from e2e_people import People, Secrets, numbers_in
from e2e_story import Story
from e2e_system import HANGS, System, wait_for
from shared_contracts.exports import ExportState, ExportView

SCHOOL, COUNTY = "2123000101", "230103"  # Xinchun and its county
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060]")
FULL_NUMBER = re.compile(rb"(?<![0-9*])[GLJ]?[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx](?![0-9])")


def body(**changes: Any) -> dict[str, Any]:
    return {
        "fields": ["name", "grade", "class_no", "document_number", "student_number", "masked_document"],
        "selection": {"organisation": SCHOOL},
        "recipient": {"kind": "outside", "name": "哈尔滨市招生考试院"},
        "purpose": "核对升学报名名册",
        "expires_on": str(CLOCK.today() + timedelta(days=3)),
    } | changes


def fetched(system: System, who: Api, path: str, key: str) -> httpx.Response:
    """By a client whose answers are not kept: what it gets is personal, and meant to be."""
    with system.anonymous() as client:
        headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key}
        return unless_busy("POST", lambda: client.post(path, headers=headers))


def approved(system: System, **changes: Any) -> ExportView:
    """An export of Xinchun's, approved by the county's leader with a paper."""
    registrar, leader = system.account("xinchun.registrar"), system.account("nangang.leader")
    view = registrar.want(ExportView, "POST", "/v1/exports", json=body(**changes))
    path = f"/v1/exports/{view.id}"
    early = problem_of(leader.send("POST", f"{path}/decisions", json={"decision": "approve"}))
    assert (early.status, early.findings[0].clause) == (409, "45.2"), "no approval without its paper"
    scan = {"file": ("核准.pdf", PDF, "application/pdf")}
    assert leader.call("POST", f"{path}/approval-document", files=scan).status_code == 200
    return leader.want(ExportView, "POST", f"{path}/decisions", json={"decision": "approve"})


def ready(system: System, **changes: Any) -> ExportView:
    view = approved(system, **changes)
    registrar = system.account("xinchun.registrar")

    def made() -> ExportView | None:
        now = registrar.want(ExportView, "GET", f"/v1/exports/{view.id}")
        assert now.state in (ExportState.MAKING, ExportState.READY), now.problem
        return now if now.state is ExportState.READY else None

    return wait_for(made, HANGS, f"{view.number} can be fetched")


@pytest.mark.clause("45.2")
def test_asked_approved_made_fetched_once_gone(system: System, story: Story) -> None:
    view = ready(system)
    registrar, path = system.account("xinchun.registrar"), f"/v1/exports/{view.id}"
    students = registrar.students()
    assert view.rows == len(students)
    answer = fetched(system, registrar, f"{path}/download", "once")
    assert answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() == view.sha256
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]  # type: ignore[union-attr]
    assert view.number in str(rows[0][0]) and "哈尔滨市招生考试院" in str(rows[0][0])
    titles = ["年级", "班级", "姓名", "身份证件号（部分隐去）", "身份证件号", "学籍号"]
    assert [ZERO_WIDTH.sub("", str(cell)) for cell in rows[3]] == titles
    shown = sorted((str(name), str(masked), str(full)[0]) for _, _, name, masked, _, full in rows[4:])
    assert shown == sorted((s.name, s.masked_document, s.number_kind) for s in students)
    assert all(len(str(row[5])) == 19 and "*" not in str(row[5]) for row in rows[4:])
    assert {item.name: item.value for item in book.custom_doc_props}["导出编号"] == view.number

    again = fetched(system, registrar, f"{path}/download", "once")
    assert again.content == answer.content, "a broken connection is no second download"
    assert problem_of(fetched(system, registrar, f"{path}/download", "twice")).status == 409
    assert registrar.want(ExportView, "GET", path).state is ExportState.DOWNLOADED
    recorded = system.sql("identity", "SELECT account, purpose, person_ids FROM reveals WHERE purpose LIKE '导出 %'")
    mine = [row for row in recorded if view.number in row["purpose"]]
    assert {row["account"] for row in mine} == {"xinchun.registrar"}
    assert sum(len(row["person_ids"]) for row in mine) == view.rows


@pytest.mark.clause("45.2")
def test_two_downloads_at_one_instant(system: System, story: Story) -> None:
    view = ready(system, fields=["name", "masked_student_number"])
    registrar, path = system.account("xinchun.registrar"), f"/v1/exports/{view.id}/download"
    assert registrar.token
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: fetched(system, registrar, path, f"instant-{n}").status_code, range(4)))
    assert sorted(answers) == [200, 409, 409, 409]


@pytest.mark.clause("45.2")
def test_another_countys_people_and_other_roles(system: System, story: Story) -> None:
    registrar = system.account("xinchun.registrar")
    view = registrar.want(ExportView, "POST", "/v1/exports", json=body())
    path = f"/v1/exports/{view.id}"
    for stranger in ("wuchang.officer", "shanhe.registrar", "qihui.principal"):
        assert system.account(stranger).send("GET", path).status_code == 404
        answer = system.account(stranger).send("POST", "/v1/exports", json=body())
        assert answer.status_code == 404, stranger
    assert system.account("xinchun.teacher").send("POST", "/v1/exports", json=body()).status_code == 403
    officer = system.account("nangang.officer")
    assert officer.send("POST", f"{path}/decisions", json={"decision": "approve"}).status_code == 403
    precheck = system.account("nangang.officer").call(
        "POST", "/v1/exports/prechecks", json=body(selection={"organisation": COUNTY}, purpose="升学")
    )
    findings = {f["code"]: f["outcome"] for f in precheck.json()["decision"]["findings"]}
    assert findings["export.purpose"] == "refuse" and precheck.json()["rows"] >= view.rows
    cancelled = registrar.want(ExportView, "POST", f"{path}/cancellation", json={"reason": "不再需要"})
    assert cancelled.state is ExportState.CANCELLED


@pytest.mark.clause("45.1")
def test_full_numbers_are_shown_with_a_purpose_and_nowhere_else(system: System, story: Story, people: People) -> None:
    registrar = system.account("xinchun.registrar")
    student = next(s for s in registrar.students() if s.number_kind == "G")
    path = f"/v1/students/{student.id}/reveal"
    with system.anonymous() as client:
        headers = {"Authorization": f"Bearer {registrar.token}", "Idempotency-Key": "show"}
        shown = client.post(path, json={"purpose": "办理升学材料"}, headers=headers).json()
    assert shown["student_number"].endswith(student.student_number[-2:]) and "*" not in shown["student_number"]
    assert shown["document_number"] in people.secrets.documents
    assert registrar.send("POST", path, json={"purpose": f"查{shown['document_number']}"}).status_code == 422
    assert registrar.send("POST", path, json={"purpose": "看看"}).status_code == 422
    (row,) = system.sql("identity", "SELECT account, purpose FROM reveals WHERE purpose = '办理升学材料'")
    assert row["account"] == "xinchun.registrar"

    # Whatever else anybody was answered so far, in JSON: masked.
    looked_at, documents = 0, Secrets(documents=people.secrets.documents)
    for answer in system.answers.given:
        if "json" not in answer.kind:
            continue
        looked_at += 1
        assert not numbers_in(answer.body.decode(errors="replace"), documents), f"{answer.method} {answer.path}"
        assert not FULL_NUMBER.search(answer.body), f"{answer.method} {answer.path}"
    assert looked_at > 50, "nothing was proved"
