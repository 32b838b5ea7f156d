"""What a school and its authorities do for a transfer, as API clients."""

from __future__ import annotations

from typing import Any

from e2e_api import done
from e2e_cast import Cast, Member
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_people import Made, People
from e2e_system import HANGS, wait_for
from e2e_things import scan

HOME = {"division": "230184", "address": "五常市山河镇振兴街12号"}
STEPS = (
    ("receiving_authority", "neighbour.officer"),
    ("releasing_school", "principal"),
    ("releasing_authority", "county.officer"),
)
WHY = "全家随父母工作迁居，现居住地不在原校服务范围"


def post(who: Any, path: str, status: int = 200, **body: Any) -> Any:
    return done(who.send("POST", path, json=body), status)


def get(who: Any, path: str) -> Any:
    return done(who.send("GET", path))


def paper(who: Any, kind: str = "residence") -> list[dict[str, str]]:
    made = done(who.send("POST", "/v1/evidence-files", files=scan()), 201)
    return [{"evidence_id": made["id"], "kind": kind}]


def application(person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Of one pupil, whose family now lives in the receiving school's county."""
    return {
        "name": person["name"],
        "number": person["document_number"],
        "ground": "residence_changed",
        "residence": HOME,
        "guardian": "王家长",
        "phone": "13804510001",
        "evidence": [],
        "exception": WHY,
        **changes,
    }


def registered(
    people: People, desk: Desk, rows: int = 1, *, mainstreamed: bool = False
) -> tuple[Made, list[dict[str, Any]]]:
    """Pupils of a school with their numbers: as the matcher knows them, with their student ids. `mainstreamed`: 随班就读."""
    made = people.roster("xinchun", rows)
    if mainstreamed:
        made = people.mainstreamed(made)
    roster = desk.walk(made)
    ids = {one.name: one.id for one in desk.registrar.registrations(roster=roster.id)}
    found = [made.person(row) for row in sorted(made.rows)[:rows]]
    return made, [{**one, "student_id": ids[one["name"]]} for one in found]


def a_class(who: Any, grade: int = 1, class_no: int = 60) -> None:
    """A class with room in the school of this registrar; one that is there already does as well."""
    answer = who.send("POST", "/v1/classes", json={"grade": grade, "class_no": class_no})
    assert answer.status_code in (200, 201, 409), answer.text


def moved(cast: Cast, people: People, desk: Desk) -> dict[str, Any]:
    """A pupil of Xinchun who has gone to Shanhe: the transfer, the pupil, and the handover of the paper that is owed."""
    _, (person,) = registered(people, desk)
    transfer = opened(cast, person)
    for step, who in STEPS:
        decide(cast, transfer["id"], step, who)
    wait_for(
        lambda: get(cast["registrar"], f"/v1/transfers/{transfer['id']}")["state"] == "completed", HANGS, "nobody moved"
    )
    owed = get(cast["registrar"], "/v1/archive-handovers?direction=out")["items"]
    (handover,) = [one for one in owed if one["to_school"] == transfer["to_school"] and one["left_on"] == today()]
    return {"transfer": transfer, "person": person, "handover": handover}


def today() -> str:
    return CLOCK.today().isoformat()


def opened(cast: Cast, person: dict[str, Any], who: str = "shanhe.registrar", **changes: Any) -> dict[str, Any]:
    registrar: Member = cast[who]
    a_class(registrar)
    changes.setdefault("evidence", paper(registrar))
    return post(registrar, "/v1/transfers", 201, **application(person, **changes))


def decide(cast: Cast, transfer: str, step: str, who: str, **more: Any) -> dict[str, Any]:
    first = step == "receiving_authority" and "decision" not in more
    values = {"decision": "approve", **({"override": True, "reason": "情况属实，同意"} if first else {}), **more}
    return post(cast[who], f"/v1/transfers/{transfer}/decisions", step=step, **values)
