"""Transfers: who may, and what of a case between Xinchun and a school of the next county everybody tries to get at."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import EVERYBODY, Row, above, anywhere, at, body, stale
from e2e_people import People
from e2e_transfer import application, opened, post, registered

_NOBODY = {"name": "查无此人", "document_number": "230103201803050015"}
_WHY = "端到端测试的理由"
_APPLICATION = application(_NOBODY)
_PARTIES = (
    at("registrar", "principal", "shanhe.registrar", "shanhe.principal")
    | above("officer", "leader", "auditor")
    | at("neighbour.officer", "neighbour.leader", "neighbour.auditor")
)
_RECEIVING = at("neighbour.officer", "neighbour.leader")
_REPORTS = anywhere("officer", "leader", "auditor")
_OF_CITY = frozenset(f"{place}.{role}" for place in ("city", "province") for role in ("officer", "leader", "auditor"))
_REPORT = "/v1/transfer-reports/230100/2026/autumn"

ROWS: Mapping[str, Row] = {
    "POST /v1/transfers": Row(anywhere("registrar"), body(**_APPLICATION)),
    "POST /v1/transfers/prechecks": Row(anywhere("registrar"), body(**_APPLICATION)),
    "POST /v1/transfers/tracking": Row(EVERYBODY, body(number="ZX20260000000000", digits="0000"), unknown=True),
    "GET /v1/transfers": Row(
        anywhere("registrar", "principal", "officer", "leader", "auditor"), shows=("transfer_id", _PARTIES)
    ),
    "GET /v1/transfers/{transfer_id}": Row(_PARTIES),
    "GET /v1/transfers/{transfer_id}/rooms": Row(_RECEIVING),
    "POST /v1/transfers/{transfer_id}/decisions #receiving_authority": Row(
        _RECEIVING, body(step="receiving_authority", decision="approve")
    ),
    "POST /v1/transfers/{transfer_id}/decisions #releasing_school": Row(
        at("principal"), body(step="releasing_school", decision="approve")
    ),
    "POST /v1/transfers/{transfer_id}/decisions #releasing_authority": Row(
        at("county.officer", "county.leader"), body(step="releasing_authority", decision="approve")
    ),
    "POST /v1/transfers/{transfer_id}/rerouting": Row(_RECEIVING, body(school="2123000102", reason=_WHY)),
    "POST /v1/transfers/{transfer_id}/resubmission": Row(at("shanhe.registrar"), stale(**_APPLICATION)),
    "POST /v1/transfers/{transfer_id}/withdrawal": Row(at("shanhe.registrar"), body(reason=_WHY)),
    "POST /v1/transfers/{transfer_id}/retry": Row(at("neighbour.officer"), body()),
    "GET /v1/transfer-reports": Row(_REPORTS, path="/v1/transfer-reports?year=2026&term=autumn"),
    "GET /v1/transfer-reports/late-steps": Row(_REPORTS),
    "GET /v1/transfer-reports/late-steps/{late_organisation}": Row(above("officer", "leader", "auditor")),
    "GET /v1/transfer-reports/counties/{county}/{report_year}/{term}": Row(
        above("officer", "leader", "auditor"), path="/v1/transfer-reports/counties/230103/2026/autumn"
    ),
    "GET /v1/transfer-reports/counties/{county}/{report_year}/{term}/workbook": Row(
        above("officer", "leader", "auditor"), path="/v1/transfer-reports/counties/230103/2026/autumn/workbook"
    ),
    "GET /v1/transfer-reports/{city}/{report_year}/{term}": Row(_OF_CITY, path=_REPORT),
    "GET /v1/transfer-reports/{city}/{report_year}/{term}/workbook": Row(_OF_CITY, path=f"{_REPORT}/workbook"),
    # Of a term whose days have not begun: whoever may is told so.
    "POST /v1/transfer-reports/{city}/{report_year}/{term}/submission": Row(
        at("city.officer", "city.leader"), body(), path="/v1/transfer-reports/230100/2098/spring/submission"
    ),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    _, (person, *_) = registered(people, desk)
    transfer = opened(cast, person)["id"]
    post(cast["shanhe.registrar"], f"/v1/transfers/{transfer}/withdrawal", reason=_WHY)
    return {
        "transfer_id": transfer,
        "city": "230100",
        "report_year": "2026",
        "term": "autumn",
        "late_organisation": "2123000101",
        "county": "230103",
    }
