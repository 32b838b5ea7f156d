"""A mainstreamed pupil goes to a special school and back, with the record or without it (24.4), through the gateway."""

from __future__ import annotations

from typing import Any

import pytest
from e2e_api import problem_of
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People, school
from e2e_special import SPECIAL, placed, staff, through
from e2e_system import HANGS, wait_for
from e2e_transfer import get, post, registered, today


@pytest.mark.clause("17", "24.4")
def test_the_placement_goes_with_the_record_there_and_back(cast: Cast, people: People, xinchun: Desk) -> None:
    staff(cast)
    _, (person,) = registered(people, xinchun, mainstreamed=True)
    path = f"/v1/students/{person['student_id']}"
    assert get(cast["registrar"], path)["placement"] == "mainstreamed"

    there = placed(cast, "special.registrar", person)
    assert there["placement"] == "special_school"
    through(cast, there["id"], "special.officer", "principal", "county.officer")
    assert get(cast["special.registrar"], path)["placement"] == "special_school"
    assert get(cast["registrar"], path)["placement"] == "mainstreamed", "the old school's copy is as of that day"
    last = get(cast["special.registrar"], f"{path}/journal")["entries"][-1]
    assert (last["kind"], last["content"]["after"]["placement"]) == ("transferred", "special_school")

    back = placed(cast, "shanhe.registrar", person)
    assert back["placement"] == "mainstreamed"
    through(cast, back["id"], "neighbour.officer", "special.principal", "special.officer")
    now = get(cast["shanhe.registrar"], path)
    assert (now["school"], now["placement"]) == (school("shanhe").code, "mainstreamed")


@pytest.mark.clause("24.4")
def test_without_the_record_only_the_place_of_study_changes(cast: Cast, people: People, xinchun: Desk) -> None:
    staff(cast)
    _, (person,) = registered(people, xinchun, mainstreamed=True)
    path = f"/v1/students/{person['student_id']}"
    there = placed(cast, "special.registrar", person, record_moves=False)
    assert (there["placement"], there["without_record"]) == ("", True)
    through(cast, there["id"], "special.officer", "principal", "county.officer")
    now = get(cast["registrar"], path)
    assert (now["school"], now["placement"], now.get("copy_as_of")) == (xinchun.code, "mainstreamed", None)
    assert cast["special.registrar"].send("GET", path).status_code == 404
    assert get(cast["registrar"], f"{path}/journal")["entries"][-1]["kind"] == "study_elsewhere"

    place = now["study_place"]
    assert (place["school"], place["since"], place["transfer_id"]) == (SPECIAL.code, today(), there["id"])

    comes_back(cast, path, there["id"])


def comes_back(cast: Cast, path: str, transfer: str) -> None:
    """The school with the record says so; the other one hears of it, and may not say it itself."""
    ending = f"{path}/study-place/ending"
    given = {"on": today(), "reason": "康复训练结束，监护人申请返回"}
    for who, status in (("special.registrar", 404), ("principal", 403), ("county.officer", 403)):
        assert cast[who].send("POST", ending, json=given).status_code == status, who
    early = cast["registrar"].send("POST", ending, json={**given, "on": "2020-01-01"})
    assert early.status_code == 409 and problem_of(early).findings[0].code == "study_place.day"
    for wrong in ({"school": SPECIAL.code}, {"on": "昨天"}, {"on": None}, {"reason": ""}, {"reason": "回" * 201}):
        answer = cast["registrar"].send("POST", ending, json=given | wrong)
        assert answer.status_code == 422 and next(iter(wrong)) in answer.text, answer.text

    back = post(cast["registrar"], ending, **given)
    assert back["study_place"] is None and back["class_no"] is not None
    assert get(cast["registrar"], path)["study_place"] is None
    entry = get(cast["registrar"], f"{path}/journal")["entries"][-1]
    assert (entry["kind"], entry["clause"], entry["legal_date"]) == ("study_ended", "24.4", today())
    again = cast["registrar"].send("POST", ending, json=given)
    assert again.status_code == 409 and problem_of(again).findings[0].code == "study_place.none"

    def told() -> list[dict[str, Any]]:
        notices = get(cast["special.registrar"], "/v1/notices?limit=200")["items"]
        return [one for one in notices if one["kind"] == "study_ended" and one["link"].endswith(transfer)]

    (notice,) = wait_for(told, HANGS, "the school of study was not told")
    assert "1名" in notice["title"] and school("xinchun").name in notice["body"]
