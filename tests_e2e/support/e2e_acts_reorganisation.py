"""Mergers, closures, re-divisions, junior intake: who may, and what everybody tries to get at (16, 21.3, 44)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2e_api import XLSX
from e2e_cast import SCHOOL, Cast
from e2e_flow import Desk, today
from e2e_matrix import Row, above, anywhere, at, body, stale
from e2e_people import People

QIHUI = "3123000103"
"""Nine years, of the same county."""


def draft(**more: Any) -> dict[str, Any]:
    return {
        "title": "南岗区学校布局调整",
        "document": "哈南教发〔2026〕9号",
        "effective_from": today(),
        "plan": {"kind": "merger", "ended": [SCHOOL], "into": QIHUI},
        **more,
    }


_SEES = above("officer", "leader")
_TWICE = [{"primary": SCHOOL, "junior": QIHUI}] * 2

ROWS: Mapping[str, Row] = {
    "GET /v1/reorganisations": Row(anywhere("officer", "leader"), shows=("reorganisation_id", _SEES)),
    "POST /v1/reorganisations": Row(anywhere("officer"), body(**draft(title=" "))),
    "GET /v1/reorganisations/{reorganisation_id}": Row(_SEES),
    "PATCH /v1/reorganisations/{reorganisation_id}": Row(at("county.officer"), stale(**draft())),
    "POST /v1/reorganisations/{reorganisation_id}/preview": Row(at("county.officer")),
    "POST /v1/reorganisations/{reorganisation_id}/decisions": Row(at("city.leader"), body(decision="approve")),
    "POST /v1/reorganisations/{reorganisation_id}/cancellation": Row(at("county.officer"), body(reason="测试")),
    "POST /v1/reorganisations/{reorganisation_id}/resumption": Row(at("county.officer")),
    "POST /v1/reorganisations/{reorganisation_id}/undo": Row(at("city.leader"), body(reason="测试")),
    "GET /v1/reorganisations/{reorganisation_id}/report": Row(_SEES),
    "GET /v1/junior-intakes": Row(anywhere("officer", "leader"), shows=("intake_id", _SEES)),
    "GET /v1/junior-intakes/template": Row(anywhere("officer")),
    "POST /v1/junior-intakes": Row(
        anywhere("officer"), lambda _things, _who: {"files": {"file": ("a.xlsx", b"PK", XLSX)}}
    ),
    "POST /v1/junior-intakes/rules": Row(anywhere("officer"), body(pairs=_TWICE)),
    "GET /v1/junior-intakes/{intake_id}": Row(_SEES),
    "GET /v1/junior-intakes/{intake_id}/rows": Row(_SEES),
    "POST /v1/junior-intakes/{intake_id}/decisions": Row(at("county.leader"), body(decision="approve")),
    "POST /v1/junior-intakes/{intake_id}/cancellation": Row(at("county.officer"), body(reason="测试")),
    "POST /v1/junior-intakes/{intake_id}/resumption": Row(at("county.officer")),
    "POST /v1/junior-intakes/{intake_id}/undo": Row(at("county.leader"), body(reason="测试")),
}


def things(cast: Cast, _people: People, _desk: Desk) -> dict[str, str]:
    """Both are cancelled: too late for whoever may do anything with them."""
    officer = cast["county.officer"]
    drafted = officer.send("POST", "/v1/reorganisations", json=draft())
    assert drafted.status_code == 201, drafted.text
    built = officer.send("POST", "/v1/junior-intakes/rules", json={"pairs": _TWICE[:1]})
    assert built.status_code == 201, built.text
    ids = {"reorganisation_id": str(drafted.json()["id"]), "intake_id": str(built.json()["id"])}
    for path in (
        f"/v1/reorganisations/{ids['reorganisation_id']}/cancellation",
        f"/v1/junior-intakes/{ids['intake_id']}/cancellation",
    ):
        gone = officer.send("POST", path, json={"reason": "测试"})
        assert gone.status_code == 200, gone.text
    return ids
