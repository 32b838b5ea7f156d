"""Transfers to another province: nobody but the province office acts for the other side."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import Row, anywhere, at, body, stale
from e2e_outside import document, entered, inward, leaving, outward
from e2e_people import People
from e2e_transfer import post, registered

_NOBODY = {"name": "查无此人", "document_number": "230103201803050015"}
_WHY = "端到端测试的理由"
_OFFICE = at("province.officer")

ROWS: Mapping[str, Row] = {
    "POST /v1/outside-transfers/inward": Row(anywhere("registrar"), body(**inward(_NOBODY))),
    "POST /v1/outside-transfers/inward/prechecks": Row(anywhere("registrar"), body(**inward(_NOBODY))),
    "POST /v1/outside-transfers/outward": Row(_OFFICE, body(**outward(_NOBODY))),
    "POST /v1/outside-transfers/outward/prechecks": Row(_OFFICE, body(**outward(_NOBODY))),
    "POST /v1/outside-transfers/outward/{outside_id}/resubmission": Row(
        _OFFICE, stale(pupil=leaving(_NOBODY), document=document())
    ),
    "POST /v1/outside-transfers/outward/{outside_id}/withdrawal": Row(_OFFICE, body(reason=_WHY)),
    "POST /v1/outside-transfers/{outside_id}/decisions": Row(
        at("province.officer", "province.leader"),
        body(step="receiving_authority", decision="approve", document=document(), evidence=[]),
    ),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    _, (person, *_) = registered(people, desk)
    transfer = entered(cast, person)["id"]
    post(cast["province.officer"], f"/v1/outside-transfers/outward/{transfer}/withdrawal", reason=_WHY)
    return {"outside_id": transfer}
