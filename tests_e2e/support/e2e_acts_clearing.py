"""Duplicates, corrections, cancellations, protections: who may, and what of Xinchun's everybody tries to get at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from e2e_cast import SCHOOL, Cast, Member
from e2e_flow import Desk, today
from e2e_matrix import LOOKS, Row, above, anywhere, at, body, stale
from e2e_people import People
from e2e_things import Things, scan

_LISTS = anywhere("registrar", "principal", "officer", "leader")
_WHY = "端到端测试的理由"


def _filled(build: Callable[[Things], dict[str, Any]]) -> Callable[[Things, Member], dict[str, Any]]:
    return lambda things, _who: {"json": build(things)}


_CANCEL = {"ground": "fraud", "reason": _WHY}

ROWS: Mapping[str, Row] = {
    "POST /v1/duplicates/scans": Row(at("registrar") | above("officer"), body(organisation=SCHOOL)),
    "GET /v1/duplicates/scans": Row(_LISTS, shows=("scan_id", LOOKS)),
    "GET /v1/duplicates/scans/{scan_id}": Row(LOOKS),
    "GET /v1/duplicates": Row(_LISTS, shows=("duplicate_id", LOOKS)),
    "POST /v1/duplicates": Row(
        at("registrar") | above("officer"),
        _filled(lambda t: {"record_ids": [t.ids["double_a"], t.ids["double_b"]], "reason": _WHY}),
    ),
    "GET /v1/duplicates/{duplicate_id}": Row(LOOKS),
    "POST /v1/duplicates/{duplicate_id}/statements": Row(
        at("registrar", "principal"), body(position="same", text=_WHY)
    ),
    "POST /v1/duplicates/{duplicate_id}/decisions": Row(at("county.officer"), body(decision="different", reason=_WHY)),
    "POST /v1/duplicates/{duplicate_id}/undo": Row(
        at("county.leader"), body(reason=_WHY), path="/v1/duplicates/{open_duplicate}/undo"
    ),
    "POST /v1/corrections": Row(
        at("registrar"),
        _filled(
            lambda t: {"student_id": t.ids["double_a"], "values": {"name": "某某"}, "reason": _WHY, "evidence": []}
        ),
    ),
    "POST /v1/corrections/prechecks": Row(
        at("registrar"), _filled(lambda t: {"student_id": t.ids["double_a"], "values": {"name": "某某"}})
    ),
    "GET /v1/corrections": Row(_LISTS, shows=("correction_id", LOOKS)),
    "GET /v1/corrections/{correction_id}": Row(LOOKS),
    "POST /v1/corrections/{correction_id}/decisions #principal": Row(
        at("principal"), body(step="principal", decision="approve")
    ),
    "POST /v1/corrections/{correction_id}/decisions #authority": Row(
        at("county.officer"), body(step="authority", decision="approve")
    ),
    "POST /v1/corrections/{correction_id}/resubmission": Row(
        at("registrar"), stale(values={"name": "某某"}, reason=_WHY)
    ),
    "POST /v1/corrections/{correction_id}/withdrawal": Row(at("registrar"), body(reason=_WHY)),
    "PATCH /v1/students/{student_id}": Row(at("registrar"), stale(changes={"phone": "13800000000"})),
    "POST /v1/cancellations": Row(
        at("county.officer"), _filled(lambda t: {"student_id": t.ids["double_a"], "evidence": [], **_CANCEL})
    ),
    "POST /v1/cancellations/prechecks": Row(
        at("county.officer"), _filled(lambda t: {"student_id": t.ids["double_a"], **_CANCEL})
    ),
    "GET /v1/cancellations": Row(_LISTS, shows=("cancellation_id", LOOKS)),
    "GET /v1/cancellations/{cancellation_id}": Row(LOOKS),
    "POST /v1/cancellations/{cancellation_id}/decisions": Row(at("county.leader"), body(decision="approve")),
    "POST /v1/cancellations/{cancellation_id}/withdrawal": Row(at("county.officer"), body(reason=_WHY)),
    "POST /v1/cancellations/{cancellation_id}/reinstatement": Row(above("leader"), body(reason=_WHY)),
    "POST /v1/protections": Row(
        at("county.officer"),
        _filled(
            lambda t: {
                "student_id": t.ids["double_a"],
                "kind": "missing",
                "since": today(),
                "report": _WHY,
                "evidence": [],
            }
        ),
    ),
    "GET /v1/protections": Row(_LISTS, path="/v1/protections?in_force=false", shows=("protection_id", LOOKS)),
    "POST /v1/protections/{protection_id}/ending": Row(at("county.officer"), body(ended_on=today(), reason=_WHY)),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    registrar, officer = cast["registrar"], cast["county.officer"]
    roster = desk.walk(people.roster("xinchun", 3))  # its own: of another, something may be open
    a, b, c = (one.id for one in desk.registrar.registrations(roster=roster.id))

    def made(who: Member, path: str, status: int = 201, **values: Any) -> dict[str, Any]:
        answer = who.send("POST", path, json=values)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def paper(who: Member) -> list[dict[str, str]]:
        answer = who.send("POST", "/v1/evidence-files", files=scan())
        assert answer.status_code == 201, answer.text
        return [{"evidence_id": answer.json()["id"]}]

    def pair(*ids: str) -> str:
        return str(made(officer, "/v1/duplicates", record_ids=ids, reason=_WHY)["id"])

    decided = pair(a, b)
    made(registrar, f"/v1/duplicates/{decided}/statements", 200, position="different", text=_WHY)
    made(officer, f"/v1/duplicates/{decided}/decisions", 200, decision="different", reason=_WHY)
    correction = made(
        registrar, "/v1/corrections", student_id=b, values={"name": "端到端"}, reason=_WHY, evidence=paper(registrar)
    )["id"]
    made(registrar, f"/v1/corrections/{correction}/withdrawal", 200, reason=_WHY)
    cancellation = made(officer, "/v1/cancellations", student_id=b, evidence=paper(officer), **_CANCEL)["id"]
    made(officer, f"/v1/cancellations/{cancellation}/withdrawal", 200, reason=_WHY)
    protection = made(
        officer, "/v1/protections", student_id=b, kind="missing", since=today(), report=_WHY, evidence=paper(officer)
    )["id"]
    made(officer, f"/v1/protections/{protection}/ending", 200, ended_on=today(), reason=_WHY)
    return {
        "double_a": a,
        "double_b": b,
        "duplicate_id": decided,
        "open_duplicate": pair(a, c),
        "scan_id": made(registrar, "/v1/duplicates/scans", organisation=SCHOOL)["id"],
        "correction_id": correction,
        "cancellation_id": cancellation,
        "protection_id": protection,
    }
