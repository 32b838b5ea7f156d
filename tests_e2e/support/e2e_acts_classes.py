"""Classes, assignments and moves: who may, and what of Xinchun's everybody tries to get at (clauses 11, 17, 24.6.1, 41).

The assignment was closed and cancelled: it is published, and nothing can be done with it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from e2e_cast import SCHOOL, Cast
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_matrix import EVERYBODY, LOOKS, SCHOOL_STAFF, Row, above, anywhere, at, body, stale
from e2e_people import People

_SCHOOL = at("registrar", "principal")
_PREPARES = anywhere("registrar", "principal")
_LOOKING = anywhere("registrar", "principal", "officer", "leader")
_AT = "/v1/class-assignments/{assignment_id}"
_SETTINGS = {"classes": [1]}
_COMMITMENT = {"public_source": "双色球开奖号码", "public_at": "2099-01-01T20:00:00+08:00"}

ROWS: Mapping[str, Row] = {
    "GET /v1/classes": Row(
        anywhere("registrar", "teacher", "principal", "officer", "leader"),
        shows=("class_id", SCHOOL_STAFF | above("officer", "leader")),
    ),
    "GET /v1/classes/excess": Row(anywhere("officer", "leader")),
    "GET /v1/classes/{class_id}": Row(SCHOOL_STAFF | above("officer", "leader")),
    "POST /v1/classes": Row(_PREPARES, body(grade=1, class_no=1)),
    "PATCH /v1/classes/{class_id}": Row(_SCHOOL, stale(display_name="向日葵班")),
    "POST /v1/classes/{class_id}/closure": Row(_SCHOOL),
    "GET /v1/class-assignments": Row(_LOOKING, shows=("assignment_id", LOOKS)),
    "POST /v1/class-assignments": Row(_PREPARES, body(grade=2, classes=[1])),
    f"GET {_AT}": Row(LOOKS),
    f"GET {_AT}/pupils": Row(_SCHOOL | above("officer")),
    f"GET {_AT}/preview": Row(_SCHOOL),
    f"PATCH {_AT}": Row(_SCHOOL, stale(**_SETTINGS)),
    f"POST {_AT}/cancellation": Row(_SCHOOL, body(reason="不再需要")),
    f"POST {_AT}/commitment": Row(at("principal"), stale(**_COMMITMENT)),
    f"POST {_AT}/draw": Row(at("principal"), body(public_value="03 07 12")),
    f"POST {_AT}/application": Row(at("principal")),
    f"POST {_AT}/redraw-request": Row(at("principal"), body(reason="家长申请")),
    f"POST {_AT}/redraw-decision": Row(at("county.officer"), body(decision="reject", reason="理由不足")),
    "GET /v1/class-assignments/published/{assignment_number}": Row(EVERYBODY),
    "GET /v1/class-moves": Row(_LOOKING),
    "POST /v1/class-moves": Row(
        at("principal"),
        lambda things, _who: {
            "json": {"pupil_id": things.ids["student_id"], "class_id": things.ids["class_id"], "reason": "家长申请"}
        },
    ),
}


def things(cast: Cast, people: People, desk: Desk) -> dict[str, str]:
    principal = cast["principal"]
    rooms = principal.send("GET", "/v1/classes?grade=1").json()["items"]
    begun = principal.send("POST", "/v1/class-assignments", json={"grade": 1, "classes": list(range(1, 31))})
    assert begun.status_code == 201, begun.text
    view, path = begun.json(), f"/v1/class-assignments/{begun.json()['id']}"
    commitment = {"public_source": "双色球开奖号码", "public_at": (CLOCK.now() + timedelta(days=3)).isoformat()}
    headers = {"If-Match": f'"{view["version"]}"'}
    closed = principal.send("POST", f"{path}/commitment", json=commitment, headers=headers)
    assert closed.status_code == 200, closed.text
    cancelled = principal.send("POST", f"{path}/cancellation", json={"reason": "班数有变，重新准备"})
    assert cancelled.status_code == 200, cancelled.text
    (room,) = [one["id"] for one in rooms if (one["school"], one["class_no"]) == (SCHOOL, 1)]
    return {"class_id": room, "assignment_id": view["id"], "assignment_number": view["number"]}
