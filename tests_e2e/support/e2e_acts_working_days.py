"""The statutory calendar: everybody reads it, the province publishes it and looks first."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import PEOPLE, Row, at, body
from e2e_people import People

_READS = PEOPLE | at("client.organisations")
_PUBLISHES = at("province.officer", "province.leader")
# A year that has passed: whoever may publish is told so.
_PASSED = {"year": 2020, "holidays": ["2020-01-01"], "worked": []}
_NAMED = {"notice": "国办发明电〔2019〕16号", "title": "国务院办公厅关于2020年部分节假日安排的通知"}

ROWS: Mapping[str, Row] = {
    "GET /v1/policy/working-days": Row(_READS, path="/v1/policy/working-days?year=2026"),
    "GET /v1/policy/working-days/notices": Row(_READS, path="/v1/policy/working-days/notices?limit=5"),
    "POST /v1/policy/working-days/notices": Row(_PUBLISHES, body(**_PASSED, **_NAMED)),
    "POST /v1/policy/working-days/simulations": Row(_PUBLISHES, body(**_PASSED)),
}


def things(_cast: Cast, _people: People, _desk: Desk) -> Mapping[str, str]:
    """Nothing of theirs has an id in a path."""
    return {}
