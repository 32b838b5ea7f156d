"""Finding a pupil through the gateway by whatever is at hand, and what the audit log keeps of it (15.4, 45.1)."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_cast import SCHOOL, Cast, Member
from e2e_system import HANGS, wait_for
from e2e_things import Things
from regulation import pinyin

PATH = "/v1/students/searches"


def found(who: Member, **body: Any) -> list[dict[str, Any]]:
    """All pages."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = who.send("POST", PATH, json={**body, "limit": 20, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def why(who: Member, things: Things, **body: Any) -> str | None:
    """Why our pupil is among those found; None where it is not."""
    own = [one for one in found(who, **body) if one["id"] == things.ids["student_id"]]
    assert len(own) <= 1, "shown twice"
    return str(own[0]["matched"]) if own else None


@pytest.fixture
def indexed(cast: Cast, things: Things) -> Things:
    """The worker follows within four seconds; a slow machine is given more."""
    wait_for(lambda: why(cast["registrar"], things, text=things.name), HANGS, "the index does not follow", step=0.2)
    return things


@pytest.mark.clause("15.4")
@pytest.mark.clause("3.1")
def test_by_name_part_pinyin_and_initials_within_reach(cast: Cast, indexed: Things) -> None:
    syllables = pinyin.syllables(indexed.name)
    asked = {
        indexed.name: "name",
        indexed.name[0]: "name",
        indexed.name[1:]: "name",
        " ".join(syllables): "pinyin",
        "".join(syllables)[:4]: "pinyin",
        "".join(one[0] for one in syllables): "initials",
    }
    for text, reason in asked.items():
        for who in ("registrar", "teacher01", "county.officer", "client.students"):
            assert why(cast[who], indexed, text=text) == reason, (who, reason)
        for who in ("neighbour.officer", "shanhe.registrar", "teacher02"):
            assert why(cast[who], indexed, text=text) is None, who
    assert why(cast["county.officer"], indexed, text=indexed.name, school=SCHOOL, grade=1) == "name"
    assert why(cast["county.officer"], indexed, text=indexed.name, stage="junior") is None
    assert why(cast["county.officer"], indexed, text=f"%{indexed.name}_") == "name"


@pytest.mark.clause("15.4")
def test_by_any_number_of_the_person(cast: Cast, indexed: Things) -> None:
    registrar = cast["registrar"]
    shown = registrar.send("POST", indexed.fill("/v1/students/{student_id}/reveal"), json={"purpose": "核对证件"})
    full = shown.json()
    for number in (full["document_number"], full["student_number"], full["student_number"].lower()):
        assert why(registrar, indexed, text=number) == "number"
        assert why(cast["county.officer"], indexed, text=number, grade=1) == "number"
        assert why(cast["neighbour.officer"], indexed, text=number) is None
    assert number not in registrar.send("POST", PATH, json={"text": number}).text


@pytest.mark.parametrize(
    "body", [{}, {"text": "  "}, {"text": "%"}, {"text": "a"}, {"text": "G12"}, {"text": "王", "cursor": "????"}]
)
def test_what_cannot_be_answered_says_what_is_wanted(cast: Cast, body: dict[str, Any]) -> None:
    answer = cast["registrar"].send("POST", PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert "请" in answer.text or "须" in answer.text


@pytest.mark.clause("45.1")
def test_who_looked_at_whom_is_in_the_audit_log(cast: Cast, indexed: Things) -> None:
    assert why(cast["county.officer"], indexed, text=indexed.name) == "name"

    def told() -> str:
        entries = cast["county.auditor"].send(
            "GET", "/v1/audit/entries", params={"act": "registry.search_students", "limit": 200}
        )
        assert entries.status_code == 200, entries.text
        found = any(indexed.ids["student_id"] in one["entry"].get("objects", ()) for one in entries.json()["items"])
        return entries.text if found else ""

    assert indexed.name not in wait_for(told, HANGS, "no entry")
