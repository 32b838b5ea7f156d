"""A school goes to another county: who decides, who sees, who is told; and organisations over HTTP (clauses 3.1, 44)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from e2e_api import XLSX, Api, problem_of
from e2e_flow import desk, today
from e2e_people import People
from e2e_system import HANGS, PORTAL, System, wait_for
from service_kit.ids import new_id
from shared_contracts.organisations import (
    ChangeSupervision,
    OrganisationHistory,
    OrganisationImport,
    OrganisationRecord,
)
from xueji_local.operator import OPERATOR, carry_out

FROM, TO = "230103", "230109"
PURPOSE = {"purpose": "核对毕业证书信息"}


def to_the_other_county(system: System, school: str) -> None:
    """By the operator: no demonstration account stands above both counties."""
    command = ChangeSupervision(
        command_id=new_id(),
        actor=OPERATOR,
        code=school,
        authority=TO,
        division=TO,
        reason="哈政发〔2026〕12号",
        effective_from=date.fromisoformat(today()),
    )
    why = PORTAL.run(carry_out(system.nats.url, system.keys.nats_users["operator"], command))
    assert why is None, why


def reveal(who: Api, student: str) -> int:
    return who.call("POST", f"/v1/students/{student}/reveal", json=PURPOSE).status_code


@pytest.mark.clause("3.1", "13.2", "44")
def test_a_school_goes_to_another_county(fresh_system: Callable[..., System], tmp_path: Path) -> None:
    system = fresh_system()
    school, people = desk(system, "qihui"), People(system, tmp_path)
    before, after = school.officer, system.account("songbei.officer")

    done = school.walk(people.roster("qihui", 3))
    waiting = school.check(people.roster("qihui", 4)).id
    school.confirm(waiting)
    school.approve(waiting, until="school")
    (student, *_) = before.students(school=school.code)
    assert (reveal(before, student.id), reveal(after, student.id)) == (200, 404)

    to_the_other_county(system, school.code)

    # What waited for the former authority waits for the new one, with the school's approvals.
    refused = before.call("POST", f"/v1/rosters/{waiting}/decisions", json={"step": "authority", "decision": "approve"})
    assert problem_of(refused).status == 404
    assert after.decide(waiting, "authority").moved == 4
    assert school.completed(waiting).numbers
    (registration, *_) = after.registrations(roster=waiting)
    whole = after.call("GET", f"/v1/registrations/{registration.id}").json()
    assert [(step["step"], step["decision"]) for step in whole["steps"]][-3:] == [
        ("school", "approve"),
        ("authority", "reroute"),
        ("authority", "approve"),
    ]

    # Who sees: lists, one by one, full numbers (identity has heard of it too).
    assert before.students(school=school.code) == []
    assert len(after.students(school=school.code)) == 7
    assert before.call("GET", f"/v1/students/{student.id}").status_code == 404
    wait_for(lambda: reveal(after, student.id) == 200, HANGS, "identity does not know the new authority")
    assert reveal(before, student.id) in (403, 404)
    assert before.call("GET", f"/v1/rosters/{done.id}").status_code == 404

    # Each service has its replica, and everybody concerned a notice.
    query = "SELECT authority FROM organisation_replica WHERE code = $1"
    for service in ("identity", "access"):
        wait_for(lambda s=service: system.value(s, query, school.code) == TO, HANGS, f"{service} has not heard")
        assert system.value(service, "SELECT count(*) FROM organisation_replica") > 100

    def told(who: Api) -> bool:
        notices = who.call("GET", "/v1/notices", params={"limit": 200}).json()["items"]
        return any(notice["title"] == "主管教育行政部门变更" for notice in notices)

    for who in (before, after, school.registrar):
        wait_for(lambda who=who: told(who), HANGS, f"{who.username} is not told")  # type: ignore[misc]

    history = after.want(OrganisationHistory, "GET", f"/v1/organisations/{school.code}/versions")
    assert [version.organisation.authority for version in history.versions] == [FROM, TO]
    then = after.want(OrganisationRecord, "GET", f"/v1/organisations/{school.code}", params={"on": "2026-03-01"})
    assert then.organisation.authority == FROM


@pytest.mark.clause("44")
def test_an_officer_keeps_the_own_county_s_schools(system: System) -> None:
    officer, neighbour = system.account("nangang.officer"), system.account("wuchang.officer")
    blank = officer.call("GET", "/v1/organisations/imports/template")
    book = openpyxl.load_workbook(io.BytesIO(blank.content))
    sheet = book["机构信息表"]
    values = ["2123010399", "南岗区端到端小学", "4-学校", FROM, FROM, "211-小学", None, "63-六三制", "1-公办", "1-城区"]
    for column, value in enumerate(values, start=1):
        sheet.cell(row=2, column=column, value=value)
    out = io.BytesIO()
    book.save(out)

    def upload(who: Api) -> OrganisationImport:
        files = {"file": ("机构.xlsx", out.getvalue(), XLSX)}
        path = f"/v1/organisations/imports?effective_from={today()}"
        return who.want(OrganisationImport, "POST", path, files=files)

    theirs = upload(neighbour)
    assert (theirs.totals.created, theirs.totals.refused) == (0, 1)
    (row,) = neighbour.call("GET", f"/v1/organisations/imports/{theirs.id}/rows").json()["items"]
    assert row["findings"][0]["code"] == "organisation.out_of_reach"
    looked = upload(officer)
    assert officer.call("POST", f"/v1/organisations/imports/{looked.id}/confirmation").status_code == 200
    base = "/v1/organisations/2123010399"
    record = officer.want(OrganisationRecord, "GET", base)
    assert (record.organisation.name, record.version) == ("南岗区端到端小学", 1)
    change = {"json": {"name": "南岗区改名小学", "effective_from": today()}, "headers": {"If-Match": '"1"'}}
    assert neighbour.call("POST", f"{base}/name-changes", **change).status_code == 404
    assert officer.want(OrganisationRecord, "POST", f"{base}/name-changes", **change).version == 2
    assert officer.call("POST", f"{base}/name-changes", **change).status_code == 409, "an older version"
    closing = {"json": {"effective_from": today()}}
    early = problem_of(officer.call("POST", f"{base}/closure", **closing))
    assert [finding.code for finding in early.findings] == ["organisation.too_early"], "it began today"
