"""Zones, children of age, admissions: who may, and what of Xinchun's everybody tries to get at (clauses 5.2 to 13.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from e2e_api import XLSX, done
from e2e_cast import COUNTY, SCHOOL, Cast, Member
from e2e_children import child, evidence, given, listed, named, placed_all, plan, zone
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_matrix import CLIENTS, LOOKS, PEOPLE, Row, above, anywhere, at, body, stale
from e2e_people import People
from e2e_things import Things

_COUNTY = above("officer", "leader")
_EVERY_COUNTY = anywhere("officer", "leader")
_SCHOOLS_TOO = anywhere("registrar", "principal", "officer", "leader")
_ZONE = {"school": SCHOOL, "stage": "primary", "areas": [{"division": COUNTY, "streets": ["矩阵大街"]}]}


def _placing(things: Things, _who: Member) -> dict[str, Any]:
    return {"json": {"child_id": things.ids["child_id"], "school": SCHOOL, "reason": "统筹安排"}}


def _these(**more: Any) -> Any:
    return lambda things, _who: {"json": {"admission_ids": [things.ids["admission_id"]], **more}}


_DECIDING = {"decision": "reject", "reason": "材料不全"}
_LIST = {"files": {"file": ("a.xlsx", b"PK", XLSX)}}
_TODAY = CLOCK.today().isoformat()

ROWS: Mapping[str, Row] = {
    "GET /v1/attendance-zones": Row(PEOPLE | CLIENTS),
    "POST /v1/attendance-zones": Row(
        at("county.officer"), body(zones=[_ZONE], valid_from="2000-01-01", reason="文件", dry_run=True)
    ),
    "GET /v1/attendance-zones/workbook": Row(anywhere("officer")),
    "POST /v1/attendance-zones/workbook-prechecks": Row(
        anywhere("officer"),
        lambda _things, _who: dict(_LIST),
        path="/v1/attendance-zones/workbook-prechecks?valid_from=2000-01-01",
    ),
    "POST /v1/attendance-zones/searches": Row(PEOPLE | CLIENTS, body(division=COUNTY, address="矩阵大街1号")),
    "GET /v1/attendance-zones/{zone_school}/{zone_stage}": Row(PEOPLE | CLIENTS),
    "POST /v1/attendance-zones/{zone_school}/{zone_stage}/end": Row(
        at("county.officer"), stale(on="2000-01-01", reason="文件")
    ),
    "GET /v1/children-lists/template": Row(anywhere("officer")),
    "POST /v1/children-lists": Row(anywhere("officer"), lambda _things, _who: dict(_LIST)),
    "GET /v1/children-lists": Row(_EVERY_COUNTY, shows=("list_id", _COUNTY)),
    "GET /v1/children-lists/{list_id}": Row(_COUNTY),
    "GET /v1/children-lists/{list_id}/rows": Row(_COUNTY),
    "POST /v1/children-lists/{list_id}/confirmation": Row(at("county.officer")),
    "GET /v1/children": Row(_EVERY_COUNTY, shows=("child_id", _COUNTY)),
    "POST /v1/children/searches": Row(_EVERY_COUNTY, body(name="矩阵甲")),
    "POST /v1/children/searches #document": Row(
        anywhere("registrar"), body(name="矩阵甲", document_number="230102202003050011")
    ),
    "GET /v1/children/{child_id}": Row(_COUNTY),
    "POST /v1/children/{child_id}/removal": Row(at("county.officer"), stale(reason="迁出")),
    "GET /v1/admissions/placements/preview": Row(_EVERY_COUNTY),
    "POST /v1/admissions/placements": Row(anywhere("officer"), body()),
    "GET /v1/admissions/placements/{run_id}": Row(_COUNTY),
    "POST /v1/admissions": Row(above("officer"), _placing),
    "GET /v1/admissions": Row(_SCHOOLS_TOO, shows=("admission_id", LOOKS)),
    "POST /v1/admissions/searches": Row(_SCHOOLS_TOO, body(name="矩阵甲")),
    "GET /v1/admissions/overview": Row(_SCHOOLS_TOO),
    "GET /v1/admissions/{admission_id}": Row(LOOKS),
    "POST /v1/admissions/{admission_id}/objection": Row(at("principal"), stale(reason="没有学位")),
    "POST /v1/admissions/{admission_id}/end": Row(at("county.officer"), stale(reason="户籍迁出")),
    "POST /v1/admissions/notices": Row(at("registrar", "principal", "county.officer"), _these()),
    "POST /v1/admissions/reports": Row(at("registrar"), _these(reported_on=_TODAY)),
    "POST /v1/admissions/{admission_id}/postponements": Row(
        at("registrar"), body(asked_on=_TODAY, until="2099-01-01", reason="住院")
    ),
    "GET /v1/admissions/postponements": Row(_SCHOOLS_TOO, shows=("postponement_id", LOOKS)),
    "POST /v1/admissions/postponements/{postponement_id}/decisions": Row(at("county.officer"), stale(**_DECIDING)),
    "POST /v1/deferrals": Row(
        at("registrar", "qihui.registrar"),
        lambda things, _who: {"json": {"child_id": things.ids["child_id"], "cause": "other", "reason": "住院"}},
    ),
    "GET /v1/deferrals": Row(_SCHOOLS_TOO, shows=("deferral_id", LOOKS)),
    "GET /v1/deferrals/{deferral_id}": Row(LOOKS),
    "POST /v1/deferrals/{deferral_id}/decisions #school": Row(at("principal"), stale(step="school", **_DECIDING)),
    "POST /v1/deferrals/{deferral_id}/decisions #authority": Row(
        at("county.officer"), stale(step="authority", **_DECIDING)
    ),
    "POST /v1/migrant-applications": Row(anywhere("officer"), body(child=given("矩阵丁"), evidence=[])),
    "GET /v1/migrant-applications": Row(_SCHOOLS_TOO, shows=("migrant_id", _COUNTY)),
    "GET /v1/migrant-applications/{migrant_id}": Row(_COUNTY),
    "POST /v1/migrant-applications/{migrant_id}/decisions": Row(
        at("county.officer"), stale(step="authority", **_DECIDING)
    ),
    "POST /v1/international-applications": Row(anywhere("registrar"), body(child=given("矩阵戊"), evidence=[])),
    "GET /v1/international-applications": Row(_SCHOOLS_TOO),
    "GET /v1/international-applications/{international_id}": Row(_SCHOOLS_TOO, unknown=True),
    "POST /v1/international-applications/{international_id}/decisions #school": Row(
        anywhere("principal"), body(step="school", **_DECIDING), unknown=True
    ),
    "POST /v1/international-applications/{international_id}/decisions #authority": Row(
        anywhere("officer"), body(step="authority", **_DECIDING), unknown=True
    ),
    "POST /v1/private-admissions": Row(anywhere("registrar"), body(applicants=[given("矩阵己")], dry_run=True)),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    """A child that has reported, one whose postponement was refused, one whose deferral was; a migrant child's too."""
    officer, registrar, principal = cast["county.officer"], cast["registrar"], cast["principal"]
    plan(cast)
    zone(officer, "矩阵大街", "果戈里大街")
    rows = [child(name, "南岗区矩阵大街1号") for name in ("矩阵甲", "矩阵乙", "矩阵丙")]
    list_id = listed(officer, rows)["id"]
    run_id = placed_all(officer)["id"]
    first, second = (named(officer, name, "admissions") for name in ("矩阵甲", "矩阵乙"))
    day = {"admission_ids": [first["id"]], "reported_on": CLOCK.today().isoformat()}
    done(registrar.send("POST", "/v1/admissions/reports", json=day))

    until = (CLOCK.today() + timedelta(days=60)).isoformat()
    asked = {"asked_on": CLOCK.today().isoformat(), "until": until, "reason": "住院治疗"}
    path = f"/v1/admissions/{second['id']}/postponements"
    postponement_id = done(registrar.send("POST", path, json=asked), 201)["id"]
    done(officer.send("POST", f"/v1/admissions/postponements/{postponement_id}/decisions", json=_DECIDING))

    third = named(officer, "矩阵丙")["id"]
    deferral = {
        "child_id": third, "cause": "other", "reason": "随父母出国", "evidence": [evidence(registrar, "other")],
    }  # fmt: skip
    deferral_id = done(registrar.send("POST", "/v1/deferrals", json=deferral), 201)["id"]
    done(principal.send("POST", f"/v1/deferrals/{deferral_id}/decisions", json={"step": "school", **_DECIDING}))

    papers = [evidence(officer, kind) for kind in ("residence_permit", "household_register")]
    applied = {"child": given("矩阵庚"), "evidence": papers}
    migrant_id = done(officer.send("POST", "/v1/migrant-applications", json=applied), 201)["id"]
    path = f"/v1/migrant-applications/{migrant_id}/decisions"
    done(officer.send("POST", path, json={"step": "authority", **_DECIDING}))
    return {
        "zone_school": SCHOOL,
        "zone_stage": "primary",
        "list_id": list_id,
        "child_id": first["child_id"],
        "run_id": run_id,
        "admission_id": first["id"],
        "postponement_id": postponement_id,
        "deferral_id": deferral_id,
        "migrant_id": migrant_id,
        "international_id": "none",
    }
