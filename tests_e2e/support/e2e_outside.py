"""What another province's papers say, and what the province office enters of them, as API clients."""

from __future__ import annotations

from typing import Any

from e2e_cast import Cast
from e2e_clock import CLOCK
from e2e_transfer import paper, post

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
