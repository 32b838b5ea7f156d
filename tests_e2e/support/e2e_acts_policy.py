"""Policy parameters: what holds is everybody's to read, a value is its own authority's to set, filings are the province's."""

from __future__ import annotations

from datetime import timedelta

from e2e_cast import COUNTY, Cast
from e2e_flow import Desk, today
from e2e_matrix import PEOPLE, Row, above, anywhere, at, body
from e2e_people import People
from service_kit.clock import Clock

_READS = PEOPLE | at("client.organisations")
_SETS = ("officer", "leader")
# Today is too early: whoever may publish is told so.
_TOO_EARLY = {"key": "class_size_primary", "value": 45, "valid_from": today(), "basis": "文件"}

ROWS = {
    "GET /v1/policy/parameters": Row(_READS, path=f"/v1/policy/parameters?division={COUNTY}"),
    "GET /v1/policy/values": Row(_READS, path="/v1/policy/values?limit=5"),
    "GET /v1/policy/calendar": Row(_READS, path=f"/v1/policy/calendar?division={COUNTY}"),
    "POST /v1/policy/values": Row(anywhere(*_SETS), body(**_TOO_EARLY)),
    "POST /v1/policy/values/{value_id}/withdrawal": Row(at("county.officer", "county.leader"), body(reason="测试")),
    "GET /v1/policy/filings": Row(anywhere(*_SETS), shows=("value_id", above(*_SETS))),
    "POST /v1/policy/filings/{value_id}/decisions": Row(
        at("province.officer", "province.leader"), body(decision="acknowledge")
    ),
    "POST /v1/policy/simulations": Row(
        above(*_SETS), body(key="class_size_primary", value=40, division=COUNTY, limit=1)
    ),
}


def things(cast: Cast, _people: People, _desk: Desk) -> dict[str, str]:
    """A value of the county that was taken back: too late for whoever may do anything with it."""
    given = {
        "key": "approval_working_days",
        "value": 9,
        "valid_from": (Clock().today() + timedelta(days=300)).isoformat(),
        "basis": "测试文件",
    }
    made = cast["county.leader"].send("POST", "/v1/policy/values", json=given)
    assert made.status_code == 201, made.text
    value_id = str(made.json()["id"])
    gone = cast["county.officer"].send("POST", f"/v1/policy/values/{value_id}/withdrawal", json={"reason": "测试"})
    assert gone.status_code == 200, gone.text
    return {"value_id": value_id}
