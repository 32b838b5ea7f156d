"""Enrolment plans and admission schemes: who may, and what of Xinchun's everybody tries to get at (clauses 4, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2e_api import XLSX
from e2e_cast import SCHOOL, Cast, Member
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_matrix import LOOKS, Row, anywhere, at, body, stale
from e2e_people import SCHOOL_YEAR, People
from e2e_things import Things
from service_kit.ids import derived

_LISTS = anywhere("registrar", "principal", "officer", "leader")
_STALE = {"If-Match": '"0"'}
_PLAN = {"school": SCHOOL, "school_year": SCHOOL_YEAR, "stage": "primary", "classes": 1, "places": 1, "version": 0}


def _sheet(_things: Things, _who: Member) -> dict[str, Any]:
    return {"files": {"file": ("计划.xlsx", b"no workbook", XLSX)}}


def _versioned(_things: Things, _who: Member) -> dict[str, Any]:
    return {"headers": _STALE}


ROWS: Mapping[str, Row] = {
    "GET /v1/enrolment-plans": Row(_LISTS, shows=("plan_id", LOOKS)),
    "POST /v1/enrolment-plans": Row(anywhere("officer"), body(plans=[_PLAN])),
    "POST /v1/enrolment-plans/prechecks": Row(anywhere("officer"), body(plans=[_PLAN])),
    "GET /v1/enrolment-plans/workbook": Row(
        anywhere("officer"), path=f"/v1/enrolment-plans/workbook?school_year={SCHOOL_YEAR}"
    ),
    "POST /v1/enrolment-plans/workbook-prechecks": Row(
        anywhere("officer"), _sheet, path=f"/v1/enrolment-plans/workbook-prechecks?school_year={SCHOOL_YEAR}"
    ),
    "GET /v1/enrolment-plans/{plan_id}": Row(LOOKS),
    "POST /v1/enrolment-plans/{plan_id}/returns": Row(at("city.officer"), stale(reason="不符合规定")),
    "POST /v1/enrolment-plans/{plan_id}/changes": Row(
        at("registrar", "principal"), body(classes=1, places=9_999, reason="测试")
    ),
    "POST /v1/enrolment-plans/{plan_id}/change-prechecks": Row(
        at("registrar", "principal", "county.officer"), body(classes=1, places=45)
    ),
    "GET /v1/enrolment-plan-changes": Row(_LISTS, shows=("change_id", LOOKS)),
    "GET /v1/enrolment-plan-changes/{change_id}": Row(LOOKS),
    "POST /v1/enrolment-plan-changes/{change_id}/decisions": Row(at("county.officer"), stale(decision="approve")),
    "POST /v1/enrolment-plan-changes/{change_id}/withdrawal": Row(at("registrar", "principal"), _versioned),
    "GET /v1/admission-schemes": Row(_LISTS, shows=("scheme_id", LOOKS)),
    "POST /v1/admission-schemes": Row(
        anywhere("registrar", "principal"), body(school_year=SCHOOL_YEAR, title="方案", body="免试入学")
    ),
    "GET /v1/admission-schemes/{scheme_id}": Row(LOOKS),
    "PUT /v1/admission-schemes/{scheme_id}": Row(at("registrar", "principal"), stale(title="方案", body="免试入学")),
    "POST /v1/admission-schemes/{scheme_id}/decisions": Row(at("county.officer"), stale(decision="approve")),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    plan = plan_of(cast, SCHOOL)
    plan_id = plan["id"]
    asked = {"classes": plan["classes"], "places": plan["places"] - 100, "reason": "人员矩阵"}
    answer = cast["principal"].send("POST", f"/v1/enrolment-plans/{plan_id}/changes", json=asked)
    assert answer.status_code == 201, answer.text
    change_id = answer.json()["id"]
    rejected = {"decision": "reject", "reason": "人员矩阵"}
    answer = cast["county.officer"].send("POST", f"/v1/enrolment-plan-changes/{change_id}/decisions", json=rejected)
    assert answer.status_code == 200, answer.text
    # Xinchun is a public school, which submits none: one from another time.
    scheme_id = derived("scheme", SCHOOL, 2000)
    cast.system.sql(
        "registry",
        """INSERT INTO admission_schemes (id, school, school_year, title, body, state, account, submitted_by,
                                          submitted_at, decided_account, decided_by, decided_at)
           VALUES ($1, $2, 2000, '方案', '免试入学', 'approved', 'x', '某人', $3, 'y', '某人', $3)""",
        scheme_id,
        SCHOOL,
        CLOCK.now(),
    )
    return {"plan_id": plan_id, "change_id": change_id, "scheme_id": scheme_id}


def plan_of(cast: Cast, school: str, stage: str = "primary") -> dict[str, Any]:
    """The plan in force of this school year, as the county sees it."""
    path = f"/v1/enrolment-plans?school={school}&school_year={SCHOOL_YEAR}&stage={stage}"
    answer = cast["county.officer"].send("GET", path)
    assert answer.status_code == 200, answer.text
    (plan,) = answer.json()["items"]
    found: dict[str, Any] = plan
    return found
