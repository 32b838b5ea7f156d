"""Who compares a class of Xinchun with the records, and who looks at what was found (clauses 24.6.1, 48)."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_api import XLSX
from e2e_cast import SCHOOL, Cast
from e2e_flow import Desk
from e2e_matrix import Row, above, anywhere, at, body
from e2e_people import People

_CHECKS = at("registrar", "principal") | above("officer")
_SEES = at("registrar", "principal") | above("officer", "leader")
# Passed by everybody who may, and kept by nobody: the number is none, so nobody is looked for.
_DRY = body(grade=1, class_no=1, rows=[{"name": "王", "document_number": "1"}], dry_run=True)

ROWS: Mapping[str, Row] = {
    "POST /v1/schools/{code}/attendance-checks": Row(_CHECKS, _DRY, path=f"/v1/schools/{SCHOOL}/attendance-checks"),
    "GET /v1/schools/{code}/attendance-checks/workbook": Row(
        _CHECKS, path=f"/v1/schools/{SCHOOL}/attendance-checks/workbook"
    ),
    # Passed by everybody who may: no workbook, and said so.
    "POST /v1/schools/{code}/attendance-checks/workbook-readings": Row(
        _CHECKS,
        lambda _things, _who: {"files": {"file": ("a.xlsx", b"PK", XLSX)}},
        path=f"/v1/schools/{SCHOOL}/attendance-checks/workbook-readings",
    ),
    "GET /v1/attendance-checks": Row(
        anywhere("registrar", "principal", "officer", "leader"), shows=("attendance_id", _SEES)
    ),
    "GET /v1/attendance-checks/{attendance_id}": Row(_SEES),
}


def things(cast: Cast, _people: People, _desk: Desk) -> Mapping[str, str]:
    """A check of a class that is there already, of somebody whose number is none."""
    registrar = cast["registrar"]
    listed = {"grade": 1, "class_no": 1, "rows": [{"name": "王", "document_number": "1"}]}
    kept = registrar.send("POST", f"/v1/schools/{SCHOOL}/attendance-checks", json=listed)
    assert kept.status_code == 201, kept.text
    return {"attendance_id": kept.json()["id"]}
