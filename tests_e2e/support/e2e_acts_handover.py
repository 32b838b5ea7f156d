"""Who says that Xinchun's paper archives have gone, and who that they have come (clauses 21.2, 48)."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import LOOKS, Row, anywhere, at
from e2e_people import People
from e2e_transfer import moved

_EITHER = LOOKS | at("shanhe.registrar", "shanhe.principal", "neighbour.officer", "neighbour.leader")
_BEFORE = "2020-01-01"
"""A day on which no record had left: refused to whoever may, so that nobody's turn is over for the next one."""

ROWS: Mapping[str, Row] = {
    "GET /v1/archive-handovers": Row(
        anywhere("registrar", "principal", "officer", "leader"), shows=("handover_id", _EITHER)
    ),
    "GET /v1/archive-handovers/{handover_id}": Row(_EITHER),
    "GET /v1/archive-handovers/{handover_id}/archives": Row(_EITHER),
    "POST /v1/archive-handovers/{handover_id}/dispatch": Row(
        at("registrar", "principal"),
        lambda _things, _who: {"json": {"way": "post", "carried_by": "机要局", "on": _BEFORE}},
    ),
    "POST /v1/archive-handovers/{handover_id}/receipt": Row(
        at("shanhe.registrar", "shanhe.principal"), lambda _things, _who: {"json": {"on": _BEFORE}}
    ),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    """What Xinchun owes Shanhe of a pupil who has gone there."""
    return {"handover_id": moved(cast, people, desk)["handover"]["id"]}
