"""Classes through the gateway: a grade is assigned by a draw that a parent can check, then one pupil moves (11, 17, 41)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from e2e_api import problem_of
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_system import System, running_system
from regulation import assignment as fair
from shared_contracts.classes import AssignmentPupils, AssignmentState, AssignmentView, Balance, ClassMove, ClassPage

PUPILS = 41
VALUE = "03 07 12 20 25 31 + 09"


@pytest.fixture(scope="module")
def later() -> Iterator[System]:
    """A system of this module's own: its clock is moved."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="module")
def school(later: System, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Xinchun with a grade of pupils on their way."""
    found = desk(later, "xinchun")
    made = People(later, tmp_path_factory.mktemp("rosters")).roster("xinchun", PUPILS)
    found.confirm(found.check(made).id)
    return found


def grade_of(school: Desk) -> int:
    """The grade with most pupils."""
    return Counter(one.grade for one in school.registrar.registrations()).most_common(1)[0][0]


def match(view: AssignmentView) -> dict[str, str]:
    return {"If-Match": f'"{view.version}"'}


def published(later: System, number: str) -> httpx.Response:
    with later.anonymous() as anybody:
        return anybody.get(f"/v1/class-assignments/published/{number}")


@pytest.mark.clause("11")
@pytest.mark.clause("17")
def test_a_grade_is_assigned_and_anybody_can_repeat_it(later: System, school: Desk, tmp_path: Path) -> None:
    grade = grade_of(school)
    registrar, principal = school.registrar, school.principal
    draft = registrar.want(
        AssignmentView,
        "POST",
        "/v1/class-assignments",
        json={"grade": grade, "classes": [1, 2], "attributes": ["level"]},
    )
    path = f"/v1/class-assignments/{draft.id}"
    pupils = registrar.want(AssignmentPupils, "GET", f"{path}/pupils").items
    assert len(pupils) == draft.pupils > 10
    first, second, *_ = pupils
    settings: dict[str, Any] = {
        "classes": [1, 2, 3],
        "attributes": ["level"],
        "pupils": [{"pupil_id": one.pupil_id, "level": "AB"[n % 2]} for n, one in enumerate(pupils)],
        "rules": [{"kind": "together", "pupils": [first.pupil_id, second.pupil_id], "reason": "双胞胎，家长申请"}],
    }
    draft = registrar.want(AssignmentView, "PATCH", path, json=settings, headers=match(draft))
    assert draft.findings == ()
    dry = registrar.want(Balance, "GET", f"{path}/preview")
    assert sum(one.size for one in dry.classes) == draft.pupils
    assert published(later, draft.number).status_code == 404

    at = later.clock.now() + timedelta(hours=30)
    commitment = {"public_source": "双色球 2026101 期开奖号码", "public_at": at.isoformat()}
    closed = principal.want(AssignmentView, "POST", f"{path}/commitment", json=commitment, headers=match(draft))
    assert closed.state is AssignmentState.COMMITTED
    before = published(later, closed.number)
    assert before.status_code == 200 and before.headers["cache-control"].startswith("public")
    early = problem_of(principal.call("POST", f"{path}/draw", json={"public_value": VALUE}))
    assert [found.code for found in early.findings] == ["assignment.too_early"]

    later.move_to((at + timedelta(days=1)).date())
    drawn = principal.want(AssignmentView, "POST", f"{path}/draw", json={"public_value": VALUE})
    sizes = [one.size for one in drawn.balance]
    assert max(sizes) - min(sizes) <= 1
    done = principal.want(AssignmentView, "POST", f"{path}/application")
    assert done.state is AssignmentState.APPLIED

    after = published(later, closed.number)
    file = msgspec.json.decode(after.content, type=fair.Published)
    assert file.listing == msgspec.json.decode(before.content, type=fair.Published).listing
    assert not any(one.name in after.text or one.pupil_id in after.text for one in pupils)
    (tmp_path / "published.json").write_bytes(after.content)
    command = [sys.executable, "-m", "regulation.assignment", "verify", str(tmp_path / "published.json")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr

    where = {one.code: one.class_no for one in file.result}
    own = {one.pupil_id: where[one.code] for one in pupils}
    assert own[first.pupil_id] == own[second.pupil_id]
    now = {one.id: one.class_no for one in registrar.registrations() if one.grade == grade}
    assert now == own


@pytest.mark.clause("17")
def test_a_second_draw_needs_the_authority(later: System, school: Desk) -> None:
    (view, *_) = [
        msgspec.convert(one, AssignmentView)
        for one in school.principal.call("GET", "/v1/class-assignments").json()["items"]
    ]
    again = {"grade": view.grade, "classes": [1, 2, 3]}
    refused = problem_of(school.principal.call("POST", "/v1/class-assignments", json=again))
    assert "主管教育行政部门批准" in refused.detail
    path = f"/v1/class-assignments/{view.id}"
    school.principal.want(AssignmentView, "POST", f"{path}/redraw-request", json={"reason": "双胞胎登记遗漏"})
    waiting = school.officer.call("GET", "/v1/class-assignments?redraws=true").json()["items"]
    assert [one["number"] for one in waiting] == [view.number]
    decision = {"decision": "approve", "reason": "情况属实，同意重新分班一次"}
    aside = school.officer.want(AssignmentView, "POST", f"{path}/redraw-decision", json=decision)
    assert aside.state is AssignmentState.SET_ASIDE
    second = school.principal.want(AssignmentView, "POST", "/v1/class-assignments", json=again)
    assert second.replaces == view.number
    history = published(later, view.number).json()["history"]
    assert (history["state"], history["redraw_decision_reason"]) == ("set_aside", decision["reason"])
    school.principal.want(
        AssignmentView, "POST", f"/v1/class-assignments/{second.id}/cancellation", json={"reason": "试"}
    )


@pytest.mark.clause("24.6.1")
@pytest.mark.clause("41")
def test_a_pupil_moves_within_the_grade(later: System, school: Desk) -> None:
    grade = grade_of(school)
    rooms = school.principal.want(ClassPage, "GET", f"/v1/classes?grade={grade}").items
    pupil = next(one for one in school.registrar.registrations() if one.grade == grade)
    other = next(one for one in rooms if one.class_no != pupil.class_no and one.grade == pupil.grade)
    body = {"pupil_id": pupil.id, "class_id": other.id, "reason": "家长申请，经学校研究同意"}
    moved = school.principal.want(ClassMove, "POST", "/v1/class-moves", json=body)
    assert (moved.from_class, moved.to_class) == (pupil.class_no, other.class_no)
    assert [one["id"] for one in school.officer.call("GET", "/v1/class-moves").json()["items"]] == [moved.id]
    elsewhere = desk(later, "shanhe").principal
    assert elsewhere.call("POST", "/v1/class-moves", json=body).status_code == 404
    grades = {one.grade for one in school.principal.want(ClassPage, "GET", "/v1/classes").items}
    if len(grades) > 1:
        higher = next(one for one in school.principal.want(ClassPage, "GET", "/v1/classes").items if one.grade != grade)
        wrong = problem_of(school.principal.call("POST", "/v1/class-moves", json=body | {"class_id": higher.id}))
        assert [found.code for found in wrong.findings] == ["class.other_grade"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/classes", {"grade": 10, "class_no": 1}, "grade"),
        ("POST", "/v1/classes", {"grade": 1, "class_no": 0}, "class_no"),
        ("POST", "/v1/classes", {"grade": 1, "class_no": 1, "display_name": ""}, "display_name"),
        ("POST", "/v1/class-assignments", {"grade": 1, "classes": []}, "classes"),
        ("POST", "/v1/class-assignments", {"grade": 1, "classes": [1], "attributes": ["score"]}, "attributes"),
        ("PATCH", "/v1/class-assignments/x", {"classes": [1], "pupils": [{"pupil_id": "好"}]}, "pupil_id"),
        ("PATCH", "/v1/class-assignments/x", {"classes": [1], "rules": [{"kind": "near"}]}, "kind"),
        ("POST", "/v1/class-assignments/x/commitment", {"public_source": "x", "public_at": "2026-09-12T08:00:00+08:00"},
         "public_source"),
        ("POST", "/v1/class-assignments/x/commitment", {"public_source": "双色球开奖", "public_at": "2026-09-12T08:00:00"},
         "public_at"),
        ("POST", "/v1/class-assignments/x/draw", {"public_value": "1"}, "public_value"),
        ("POST", "/v1/class-assignments/x/draw", {"public_value": "１２３４"}, "public_value"),
        ("POST", "/v1/class-assignments/x/cancellation", {"reason": ""}, "reason"),
        ("POST", "/v1/class-assignments/x/redraw-decision", {"decision": "maybe", "reason": "x"}, "decision"),
        ("POST", "/v1/class-moves", {"pupil_id": "x", "class_id": "y", "reason": ""}, "reason"),
        ("POST", "/v1/class-moves", {"pupil_id": "x", "class_id": "y", "reason": "x", "grade": 3}, "grade"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_said(school: Desk, method: str, path: str, body: dict[str, Any], field: str) -> None:
    answer = school.principal.call(method, path, json=body, headers={"If-Match": '"1"'})
    problem = problem_of(answer)
    assert problem.status in (400, 422)
    assert field in str(msgspec.to_builtins(problem)), problem
