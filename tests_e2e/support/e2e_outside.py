"""What another province's papers say, and what the province office enters of them, as API clients."""

from __future__ import annotations

from typing import Any

from e2e_cast import Cast
from e2e_clock import CLOCK
from e2e_people import Made, form_of
from e2e_system import HANGS, wait_for
from e2e_transfer import paper, post, today

SCHOOL = {"division": "330106", "name": "杭州市西湖区文一街小学", "authority": "杭州市西湖区教育局"}
CLERK, SECOND = "province.officer", "province.leader"
"""One enters the application, the other what has been decided."""


def document(number: str = "西教转〔2026〕18号") -> dict[str, str]:
    return {"number": number, "issued_on": CLOCK.today().isoformat(), "issuer": SCHOOL["authority"]}


def leaving(person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": person["name"],
        "number": person["document_number"],
        "ground": "residence_changed",
        "residence": {"division": "330106", "address": "杭州市西湖区文一路100号"},
        "guardian": "王家长",
        "phone": "13804510001",
        **changes,
    }


def outward(person: dict[str, Any], grade: int = 1, **changes: Any) -> dict[str, Any]:
    """What a school of Hangzhou asks for."""
    return {
        "pupil": leaving(person), "school": SCHOOL, "grade": grade, "document": document(), "evidence": [], **changes,
    }  # fmt: skip


def inward(person: dict[str, Any], grade: int = 3, **changes: Any) -> dict[str, Any]:
    """A child of that school comes to ours."""
    return {
        "child": {
            "name": person["name"], "sex": "1", "birth_date": "2018-03-05", "document_kind": "1",
            "document_number": person["document_number"],
        },
        "school": SCHOOL, "grade": grade, "ground": "residence_changed",
        "residence": {"division": "230102", "address": "道里区中央大街1号"}, "guardian": "来家长", "phone": "13857110001",
        "evidence": [], **changes,
    }  # fmt: skip


def entered(cast: Cast, person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The application, in the name of the other province."""
    evidence = paper(cast[CLERK], "official_document")
    return post(cast[CLERK], "/v1/outside-transfers/outward", 201, **outward(person, evidence=evidence, **changes))


def said(cast: Cast, transfer: str, step: str, who: str = SECOND, **more: Any) -> dict[str, Any]:
    """What the other province has decided."""
    values = {
        "step": step,
        "decision": "approve",
        "document": document("西教转〔2026〕19号"),
        "evidence": paper(cast[who], "official_document"),
        **more,
    }
    return post(cast[who], f"/v1/outside-transfers/{transfer}/decisions", **values)


def grade_of(made: Made, row: int) -> int:
    grade = form_of(made, row)["grade"]
    return int(grade) if grade.isdigit() else 1 + "一二三四五六七八九".index(grade[0])


def registered_by_its_school(cast: Cast, form: dict[str, Any]) -> dict[str, Any]:
    """The school enters the child as soon as it may, and all agree."""
    registrar = cast["registrar"]
    wait_for(
        lambda: (
            registrar.send("POST", "/v1/registrations/prechecks", json={"form": form}).status_code == 200
            and not [
                one
                for one in post(registrar, "/v1/registrations/prechecks", form=form)["decision"]["findings"]
                if one["outcome"] == "refuse"
            ]
        ),
        HANGS,
        "the school may not register the child",
    )
    entered_ = post(registrar, "/v1/registrations", 201, form=form)
    for step in ("class_teacher", "principal", "guardian", "school", "authority"):
        who = {"class_teacher": "teacher", "guardian": "registrar", "authority": "county.officer"}.get(
            step, "principal"
        )
        more = {}
        if step == "guardian":
            printed = registrar.send("POST", f"/v1/registrations/{entered_['id']}/confirmation-sheet")
            assert printed.status_code == 200, printed.text
            more = {"signed_on": today()}
        post(cast[who], f"/v1/registrations/{entered_['id']}/decisions", step=step, decision="approve", **more)
    return entered_
