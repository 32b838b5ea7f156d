"""The paper archive of a pupil who has gone to another school: owed, in both queues, handed over, received (21.2, 48)."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, wait_for
from e2e_transfer import get, moved, post, today


def waits(cast: Cast, who: str, handover: str) -> list[dict[str, Any]]:
    listed = get(cast[who], "/v1/worklist?limit=200")["items"]
    return [one for one in listed if one["link"].endswith(handover)]


@pytest.mark.clause("21.2", "48")
def test_owed_handed_over_and_received(cast: Cast, people: People, xinchun: Desk) -> None:
    owed = moved(cast, people, xinchun)
    handover, person = owed["handover"], owed["person"]
    path = f"/v1/archive-handovers/{handover['id']}"
    assert (handover["state"], handover["may"]) == ("to_hand_over", ["hand_over"])
    assert handover["due_on"] > today()
    wait_for(lambda: waits(cast, "registrar", handover["id"]), HANGS, "the old school's queue says nothing")

    student = [person["student_id"]]
    early = cast["registrar"].send(
        "POST",
        f"{path}/dispatch",
        json={"way": "post", "carried_by": "机要局", "on": "2020-01-01", "students": student},
    )
    assert early.status_code == 409 and problem_of(early).findings[0].code == "handover.day"
    wrong = cast["registrar"].send(
        "POST", f"{path}/dispatch", json={"way": "by_hand", "carried_by": "x", "on": today()}
    )
    assert wrong.status_code == 422
    assert cast["shanhe.registrar"].send(
        "POST", f"{path}/dispatch", json={"way": "post", "carried_by": "机要局", "on": today()}
    ).status_code == 404  # fmt: skip
    gone = post(cast["registrar"], f"{path}/dispatch", way="in_person", carried_by="张老师", on=today())
    assert (gone["state"], gone["handed"]) == ("to_receive", gone["pupils"])
    wait_for(lambda: waits(cast, "shanhe.registrar", handover["id"]), HANGS, "the new school's queue says nothing")
    assert wait_for(lambda: not waits(cast, "registrar", handover["id"]), HANGS, "it still waits for the old school")

    done = post(cast["shanhe.registrar"], f"{path}/receipt", on=today())
    assert (done["state"], done["received"]) == ("done", done["pupils"])
    again = cast["shanhe.registrar"].send("POST", f"{path}/receipt", json={"on": today()})
    assert problem_of(again).findings[0].code == "handover.nothing_left"
    listed = get(cast["county.officer"], f"{path}/archives")["items"]
    mine = next(one for one in listed if one["student_id"] == person["student_id"])
    assert (mine["way"], mine["carried_by"], mine["received_on"]) == ("in_person", "张老师", today())
    assert person["document_number"] not in str(listed)
    wait_for(lambda: not waits(cast, "shanhe.registrar", handover["id"]), HANGS, "it still waits for the new school")
