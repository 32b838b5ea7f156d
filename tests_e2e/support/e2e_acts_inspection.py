"""Quality, rounds and orders: who may, and what of Xinchun's everybody tries to get at (clauses 3.4, 3.5, 48)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from e2e_cast import SCHOOL, Cast
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_matrix import LOOKS, Row, above, anywhere, at, body, stale
from e2e_people import People

_SEES = at("registrar", "principal") | above("officer", "leader")
_SCHOOL_AND_ABOVE = at("registrar", "principal") | above("officer")
_RECORDS = at("registrar", "principal", "teacher", "teacher01") | above("officer")

ROWS: Mapping[str, Row] = {
    "GET /v1/quality/schools": Row(anywhere("registrar", "principal", "officer", "leader"), shows=("code", LOOKS)),
    "POST /v1/quality/checks": Row(_SCHOOL_AND_ABOVE, body(school=SCHOOL)),
    "GET /v1/quality/records": Row(
        anywhere("registrar", "teacher", "principal", "officer"), path="/v1/quality/records?school={code}"
    ),
    "GET /v1/students/{student_id}/quality": Row(_RECORDS),
    "GET /v1/inspection-rounds": Row(anywhere("officer", "leader"), shows=("round_id", above("officer", "leader"))),
    "POST /v1/inspection-rounds": Row(anywhere("officer"), body(title=" ", due_on="2099-01-01")),
    "GET /v1/inspection-rounds/{round_id}": Row(above("officer", "leader")),
    "POST /v1/inspection-rounds/{round_id}/closure": Row(at("county.officer"), stale(note="")),
    "GET /v1/inspection-findings": Row(
        anywhere("registrar", "principal", "officer", "leader"), shows=("finding_id", _SEES)
    ),
    "POST /v1/inspection-findings": Row(
        above("officer"), body(school=SCHOOL, kind="other", detail=" ", due_on="2099-01-01")
    ),
    "GET /v1/inspection-findings/{finding_id}": Row(_SEES),
    "POST /v1/inspection-findings/{finding_id}/answers": Row(at("principal"), stale(answer="已改正")),
    "POST /v1/inspection-findings/{finding_id}/decisions": Row(at("county.officer"), stale(decision="close")),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    officer = cast["county.officer"]
    due_on = (CLOCK.today() + timedelta(days=10)).isoformat()

    def made(path: str, **values: Any) -> str:
        answer = officer.send("POST", path, json=values | {"due_on": due_on})
        assert answer.status_code == 201, answer.text
        id_: str = answer.json()["id"]
        return id_

    return {
        "round_id": made("/v1/inspection-rounds", title="人员矩阵", schools=[SCHOOL]),
        "finding_id": made("/v1/inspection-findings", school=SCHOOL, kind="other", detail="人员矩阵"),
    }
