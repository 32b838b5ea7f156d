"""Evidence is its own organisation's; an archive is read by who sees the student, written by the school that has him."""

from __future__ import annotations

from typing import Any

from e2e_cast import SCHOOL, Cast, Member
from e2e_flow import Desk, today
from e2e_matrix import LOOKS, OWN_CLASS, Row, above, anywhere, at, body
from e2e_people import People
from e2e_things import Things, scan

_KEEPS = anywhere("registrar", "principal", "officer", "leader")
_WRITES = OWN_CLASS | at("registrar", "principal")
AWARD = {
    "kind": "award", "title": "优秀少先队员", "level": "county", "aspect": "moral", "awarded_by": "南岗区教育局",
}  # fmt: skip
_TOMORROW = "2099-01-01"
"""Whoever may write is told that the day has not come: nothing is written by these tests."""


def _many(things: Things, _who: Member) -> dict[str, Any]:
    return {"json": {"items": [{"student_id": things.ids["student_id"], "on": _TOMORROW, "entry": AWARD}]}}


ROWS = {
    "POST /v1/evidence-files": Row(_KEEPS, lambda _things, _who: {"files": scan()}),
    "GET /v1/evidence-files": Row(_KEEPS, shows=("evidence_id", at("registrar", "principal"))),
    "GET /v1/evidence-files/{evidence_id}": Row(LOOKS),
    "GET /v1/evidence-files/{evidence_id}/content": Row(LOOKS),
    "GET /v1/schools/{code}/classes": Row(LOOKS, path=f"/v1/schools/{SCHOOL}/classes?as_of={today()}"),
    "GET /v1/classes/{class_id}/students": Row(
        OWN_CLASS | LOOKS, path=f"/v1/classes/{{class_on_a_day}}/students?as_of={today()}"
    ),
    "GET /v1/students/{student_id}/archive": Row(OWN_CLASS | LOOKS),
    "POST /v1/students/{student_id}/archive/entries": Row(_WRITES, body(on=_TOMORROW, entry=AWARD)),
    "POST /v1/archive-entries": Row(_WRITES, _many),
    "POST /v1/archive-entries/{entry_id}/correction": Row(_WRITES, body(on=today(), entry=AWARD, reason="名称有误")),
    "POST /v1/students/{student_id}/archive/evidence": Row(
        at("registrar", "principal"), body(on=_TOMORROW, evidence=[{"evidence_id": "none"}])
    ),
    "POST /v1/students/{student_id}/archive/files": Row(
        at("registrar", "principal") | above("officer"), body(form="package")
    ),
}


def things(cast: Cast, people: People, desk: Desk) -> dict[str, str]:
    """A file in the student's record; an entry that was put right already: too late for whoever may."""
    registrar = cast["registrar"]
    roster = desk.walk(people.roster("xinchun", 1))
    (student,) = desk.registrar.registrations(roster=roster.id)
    assert (student.grade, student.class_no) == (1, 1)
    kept = registrar.send("POST", "/v1/evidence-files", files=scan())
    assert kept.status_code == 201, kept.text
    archive = f"/v1/students/{student.id}/archive"
    filing = {"on": today(), "evidence": [{"evidence_id": kept.json()["id"], "kind": "birth_certificate"}]}
    assert registrar.send("POST", f"{archive}/evidence", json=filing).status_code == 201
    added = registrar.send("POST", f"{archive}/entries", json={"on": today(), "entry": AWARD})
    assert added.status_code == 201, added.text
    (entry_id,) = added.json()["ids"]
    right = {"on": today(), "entry": AWARD | {"title": "优秀队员"}, "reason": "名称有误"}
    done = registrar.send("POST", f"/v1/archive-entries/{entry_id}/correction", json=right)
    assert done.status_code == 201, done.text
    classes = registrar.send("GET", f"/v1/schools/{SCHOOL}/classes?as_of={today()}").json()["classes"]
    return {
        "evidence_id": kept.json()["id"],
        "entry_id": entry_id,
        "class_on_a_day": next(one["id"] for one in classes if (one["grade"], one["class_no"]) == (1, 1)),
    }
